/* Replays the transcripts that are named, or with --print tells what the core does in each of them. */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "replay.h"

void emit(const char *text) { fputs(text, stdout); }

static char *read_file(const char *path, size_t *size) {
    FILE *file = fopen(path, "rb");
    if (file == NULL) {
        return NULL;
    }
    size_t room = 1u << 20;
    char *text = malloc(room);
    *size = text == NULL ? 0 : fread(text, 1, room, file);
    fclose(file);
    return text;
}

int main(int count, char **arguments) {
    bool prints = count > 1 && strcmp(arguments[1], "--print") == 0;
    int failed = count < (prints ? 3 : 2);
    for (int at = prints ? 2 : 1; at < count; at++) {
        size_t size = 0;
        char *text = read_file(arguments[at], &size);
        if (text == NULL) {
            perror(arguments[at]);
            return 2;
        }
        failed |= prints ? replay_print(arguments[at], text, size) : replay_text(arguments[at], text, size);
        free(text);
    }
    return failed;
}
