/* Reading JSON without memory: what is read stays where it is.
 *
 * Check a payload once with ts_json_is_object(), then look its keys up: the others take text that was checked. What
 * comes with TS_DO_COMMAND and TS_DO_WORK was.
 *
 *     ts_text value;
 *     uint32_t grams;
 *     if (ts_json_find(action->data, "grams", &value) && ts_json_u32(value, &grams)) calibrate(grams);
 */
#ifndef TALKSTICK_JSON_H
#define TALKSTICK_JSON_H

#include "talkstick.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Tell whether all of `text` is one JSON object: RFC 8259, UTF-8, at most TS_MAX_DEPTH levels. */
bool ts_json_is_object(ts_text text);

/* Find `key` in an object; of several, the last one counts, as in Python. Returns false where there is none. */
bool ts_json_find(ts_text object, const char *key, ts_text *value);

/* Return how many elements an array has, at most 65535. */
uint16_t ts_json_length(ts_text array);

/* What kind of value it is. */
bool ts_json_is_null(ts_text value);
bool ts_json_is_string(ts_text value);
bool ts_json_is_array(ts_text value);
bool ts_json_is_map(ts_text value);

/* Read a value. They return false where it is of another kind, or out of range. */
bool ts_json_u32(ts_text value, uint32_t *number); /* written without sign, decimal point and exponent */
bool ts_json_bool(ts_text value, bool *truth);
bool ts_json_millis(ts_text value,
                    uint32_t *ms); /* a number of seconds: 58.2 is 58200; at least 0, at most UINT32_MAX */

/* Decode a string into `buffer`, terminated; what does not fit is cut off between two characters. */
bool ts_json_string(ts_text value, char *buffer, size_t size);

/* Tell whether it is this very string. */
bool ts_json_equals(ts_text value, const char *text);

#ifdef __cplusplus
}
#endif

#endif
