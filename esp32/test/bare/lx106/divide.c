/* The core has no instruction that divides, and Debian's libgcc for it lacks the functions that gcc calls instead. */
#include <stdint.h>

uint32_t __udivsi3(uint32_t dividend, uint32_t divisor);
uint32_t __umodsi3(uint32_t dividend, uint32_t divisor);

/* Divide bit by bit, as on paper. */
static uint32_t divide(uint32_t dividend, uint32_t divisor, uint32_t *remainder) {
    uint32_t quotient = 0;
    uint64_t rest = 0;
    for (int bit = 31; bit >= 0; bit--) {
        rest = rest << 1 | (dividend >> bit & 1u);
        if (rest >= divisor) {
            rest -= divisor;
            quotient |= UINT32_C(1) << bit;
        }
    }
    *remainder = (uint32_t)rest;
    return quotient;
}

uint32_t __udivsi3(uint32_t dividend, uint32_t divisor) {
    uint32_t remainder;
    return divide(dividend, divisor, &remainder);
}

uint32_t __umodsi3(uint32_t dividend, uint32_t divisor) {
    uint32_t remainder;
    (void)divide(dividend, divisor, &remainder);
    return remainder;
}
