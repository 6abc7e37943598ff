/* Play the scenario, then all transcripts, and end with the number of those that went wrong. Tell on the way how much of
 * the stack the core takes. */
#include "bare.h"

#include <stdint.h>
#include <string.h>

#include "transcripts.h"

#define PAINT 0xa5a5a5a5u
#define STACK_BUDGET 1536u /* of the core, with the little that the scenario puts below it */

extern char bss_start[], bss_end[];
extern uint32_t stack_bottom[];

void emit_number(unsigned number) {
    char digits[12];
    size_t at = sizeof digits - 1;
    digits[at] = '\0';
    do {
        digits[--at] = (char)('0' + number % 10u);
        number /= 10u;
    } while (number != 0);
    emit(digits + at);
}

static int replay_all(void) {
    unsigned count = 0, wrong = 0;
    for (const transcript *each = transcripts; each->name != NULL; each++, count++) {
        wrong += replay_text(each->name, each->text, each->size) != 0;
    }
    emit_number(count - wrong);
    emit(" of ");
    emit_number(count);
    emit(" transcripts went as written\n");
    return (int)wrong + (count == 0); /* nothing to replay proves nothing */
}

/* Play the scenario on a painted stack, and see how far down the paint is gone. */
static int measured_scenario(void) {
    volatile uint32_t here = 0;
    uint32_t *const top = (uint32_t *)((uintptr_t)&here - 256); /* below is nothing that is in use */
    for (uint32_t *word = stack_bottom; word < top; word++) *word = PAINT;
    int wrong = scenario();
    uint32_t *deepest = stack_bottom;
    while (deepest < top && *deepest == PAINT) deepest++;
    unsigned used = (unsigned)((uintptr_t)&here - (uintptr_t)deepest);
    emit("stack: ");
    emit_number(used);
    emit(used > STACK_BUDGET ? " bytes, TOO MUCH\n" : " bytes\n");
    return wrong + (used > STACK_BUDGET);
}

void begin(void) {
    memset(bss_start, 0, (uintptr_t)bss_end - (uintptr_t)bss_start);
    int wrong = measured_scenario() + replay_all();
    leave(wrong > 100 ? 100 : wrong);
}
