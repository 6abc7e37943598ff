/* Going over JSON: each of these returns whether it is there, and leaves the cursor behind it. */
#ifndef TS_JSON_SCAN_H
#define TS_JSON_SCAN_H

#include "talkstick_json.h"

typedef struct {
    const char *at;
    const char *end;
} ts_cursor;

void ts_skip_space(ts_cursor *text);
bool ts_take(ts_cursor *text, char wanted);
bool ts_take_string(ts_cursor *text);
bool ts_take_value(ts_cursor *text);

#endif
