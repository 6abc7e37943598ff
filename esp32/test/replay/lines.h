/* Lines of a transcript, the words in them, and lines in the making. */
#ifndef LINES_H
#define LINES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "talkstick.h"

#define LINE_BYTES 4096
#define DATA_BYTES 2048

/* A line in the making; what does not fit is cut. */
typedef struct {
    char data[LINE_BYTES];
    size_t size;
} line_out;

void put_bytes(line_out *out, const char *data, size_t size);
void put(line_out *out, const char *text);
void put_number(line_out *out, uint32_t number);

/* Put a payload: as it is if it can be read, else as hexadecimal digits after `hex:`. */
void put_payload(line_out *out, ts_text payload);

/* Cut the first line off a text; return false at its end. */
bool take_line(ts_text *text, ts_text *line);

/* Cut the first word off a line, and the space behind it. It may be empty. */
ts_text take_word(ts_text *line);

/* Cut off the first word if it is this one. */
bool take_if(ts_text *line, const char *word);

bool is_word(ts_text text, const char *word);
bool starts_with(ts_text text, const char *start);
bool read_number(ts_text text, uint32_t *number);

/* Read a payload that was written by put_payload; `store` has room for DATA_BYTES. */
bool read_payload(ts_text text, char *store, ts_text *payload);

#endif
