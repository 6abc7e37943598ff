/* What gcc calls where the machine has no instruction for it. Debian's libgcc for it lacks these. */
#include <stdint.h>

uint32_t __udivsi3(uint32_t dividend, uint32_t divisor);
uint32_t __umodsi3(uint32_t dividend, uint32_t divisor);
uint64_t __udivdi3(uint64_t dividend, uint64_t divisor);
uint64_t __muldi3(uint64_t left, uint64_t right);

/* Divide bit by bit, as on paper; the divisor is below 2^63. */
static uint64_t divide(uint64_t dividend, uint64_t divisor, int bits, uint64_t *rest) {
    uint64_t quotient = 0;
    *rest = 0;
    while (bits-- > 0) {
        *rest = *rest << 1 | (dividend >> bits & 1u);
        quotient <<= 1;
        if (*rest >= divisor) {
            *rest -= divisor;
            quotient |= 1u;
        }
    }
    return quotient;
}

uint32_t __udivsi3(uint32_t dividend, uint32_t divisor) {
    uint64_t rest;
    return (uint32_t)divide(dividend, divisor, 32, &rest);
}

uint32_t __umodsi3(uint32_t dividend, uint32_t divisor) {
    uint64_t rest;
    (void)divide(dividend, divisor, 32, &rest);
    return (uint32_t)rest;
}

uint64_t __udivdi3(uint64_t dividend, uint64_t divisor) {
    uint64_t rest;
    return divide(dividend, divisor, 64, &rest);
}

uint64_t __muldi3(uint64_t left, uint64_t right) {
    uint64_t product = 0;
    for (; right != 0; right >>= 1, left <<= 1) {
        if (right & 1u) product += left;
    }
    return product;
}
