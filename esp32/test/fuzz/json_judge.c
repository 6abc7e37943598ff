/* Reads payloads, each after its size in 4 bytes (the highest first), and writes for each a 1 if it is a JSON object
 * that a board takes, else a 0. */
#include "talkstick_json.h"

#include <stdio.h>

int main(void) {
    static char data[1 << 20];
    unsigned char size[4];

    while (fread(size, 1, sizeof size, stdin) == sizeof size) {
        ts_text text = {data, ((size_t)size[0] << 24) | ((size_t)size[1] << 16) | ((size_t)size[2] << 8) | size[3]};
        if (text.size > sizeof data || fread(data, 1, text.size, stdin) != text.size) return 1;
        (void)putchar(ts_json_is_object(text) ? '1' : '0');
    }
    return 0;
}
