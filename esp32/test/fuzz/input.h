/* The input of a fuzz target, taken piece by piece; when it is used up there come zeroes. */
#ifndef FUZZ_INPUT_H
#define FUZZ_INPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct {
    const uint8_t *data;
    size_t left;
} fuzz_input;

uint8_t fuzz_byte(fuzz_input *input);
uint32_t fuzz_number(fuzz_input *input);                         /* small ones mostly */
size_t fuzz_bytes(fuzz_input *input, char *buffer, size_t most); /* returns how many */

/* Say what is wrong, and abort: a crash, to a fuzzer. */
void fuzz_expect(bool right, const char *what);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#endif
