/* What the board got and did, as lines of JSON on standard output, each with its time. */
#ifndef HOST_REPORT_H
#define HOST_REPORT_H

#include "talkstick.h"

/* Begin a line: {"at":SECONDS,"KEY":"WORD". `at` is the monotonic time of the system. */
void report_begin(const char *key, const char *word);

void report_text(const char *key, ts_text text);
void report_word(const char *key, const char *word);
void report_number(const char *key, uint32_t number);
void report_bool(const char *key, bool value);

/* Add a value that is JSON already. */
void report_json(const char *key, ts_text json);

/* Add what was sent or received: the text as `payload`; of what is no UTF-8, as audio, its `bytes` only. */
void report_payload(ts_text data);

/* End the line; it is out then. */
void report_end(void);

/* Write a line for an event, just before the core takes it. */
void report_event(const ts_event *event);

/* Return a text of what is terminated. */
ts_text text_of(const char *word);

#endif
