#include "input.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

uint8_t fuzz_byte(fuzz_input *input) {
    if (input->left == 0) return 0;
    input->left--;
    return *input->data++;
}

uint32_t fuzz_number(fuzz_input *input) {
    uint8_t kind = fuzz_byte(input);
    uint32_t number = 0;

    if (kind < 224) return kind % 16;
    if (kind < 232) return UINT32_MAX - kind % 4;
    for (int i = 0; i < 4; i++) number = (number << 8) | fuzz_byte(input);
    return number;
}

size_t fuzz_bytes(fuzz_input *input, char *buffer, size_t most) {
    size_t size = (size_t)fuzz_byte(input) * 8 + fuzz_byte(input) % 8;

    if (size > most) size = most;
    if (size > input->left) size = input->left;
    if (size > 0) memcpy(buffer, input->data, size);
    input->data += size;
    input->left -= size;
    return size;
}

void fuzz_expect(bool right, const char *what) {
    if (right) return;
    (void)fprintf(stderr, "broken: %s\n", what);
    abort();
}
