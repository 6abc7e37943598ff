/* Play the scenario, then all transcripts, and end with the number of those that went wrong. */
#include "bare.h"

#include <string.h>

#include "transcripts.h"

extern char bss_start[], bss_end[];

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

void begin(void) {
    memset(bss_start, 0, (size_t)(bss_end - bss_start));
    int wrong = scenario() + replay_all();
    leave(wrong > 100 ? 100 : wrong);
}
