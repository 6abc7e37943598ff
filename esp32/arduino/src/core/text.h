/* Writing bounded text, and topics. */
#ifndef TS_TEXT_H
#define TS_TEXT_H

#include "talkstick.h"

/* What does not fit is left out, and `full` tells. */
typedef struct {
    char *data;
    size_t size;
    size_t used;
    bool full;
} ts_writer;

ts_writer ts_writer_on(char *data, size_t size);
ts_text ts_writer_text(const ts_writer *out);
void ts_put(ts_writer *out, const char *text);
void ts_put_text(ts_writer *out, ts_text text);
void ts_put_byte(ts_writer *out, uint8_t byte);
void ts_put_u32(ts_writer *out, uint32_t number);
void ts_put_string(ts_writer *out, const char *text); /* as a string of JSON, with its quotes */

/* Write `"key":` of an object, with the comma before it where one is needed. */
void ts_put_key(ts_writer *out, const char *key);

ts_text ts_text_of(const char *terminated);
bool ts_text_is(ts_text text, const char *terminated);

/* Copy as much as fits; terminated. */
void ts_text_copy(ts_text text, char *buffer, size_t size);

/* Tell whether it is an id: [a-z0-9][a-z0-9_-]{0,62}. */
bool ts_text_is_id(ts_text text);

/* Tell whether it may stand before all topics: "" or something like "lab/". */
bool ts_text_is_prefix(const char *text);

/* Fill in a topic of the contract: the first level in braces is `first`, the next one `second`. Returns false where it
 * does not fit. */
bool ts_topic_fill(char *buffer, size_t size, const char *prefix, const char *template, const char *first,
                   const char *second);

/* Tell whether `topic` is what `template` describes, with `first` for the first level in braces. `second`, if the
 * template has it, is where the next one is. */
bool ts_topic_is(ts_text topic, const char *prefix, const char *template, const char *first, ts_text *second);

#endif
