/* What a JSON value says. The text was checked before. */
#include "talkstick_json.h"

#include <string.h>

#define MOST_DIGITS 9 /* as many as a number of 32 bits takes for certain */

static bool begins(ts_text value, char first) { return value.size > 0 && value.data[0] == first; }

bool ts_json_is_null(ts_text value) { return begins(value, 'n'); }

bool ts_json_is_string(ts_text value) { return begins(value, '"'); }

bool ts_json_is_array(ts_text value) { return begins(value, '['); }

bool ts_json_is_map(ts_text value) { return begins(value, '{'); }

bool ts_json_bool(ts_text value, bool *truth) {
    *truth = begins(value, 't');
    return *truth || begins(value, 'f');
}

bool ts_json_u32(ts_text value, uint32_t *number) {
    uint32_t result = 0;

    if (value.size == 0 || value.size > 10) return false;
    for (size_t i = 0; i < value.size; i++) {
        uint32_t digit = (uint32_t)(unsigned char)value.data[i] - '0';
        if (digit > 9 || result > (UINT32_MAX - digit) / 10) return false;
        result = result * 10 + digit;
    }
    *number = result;
    return true;
}

/* Read the digits of a number up to its exponent; return where that is. `scale`: the power of ten they stand for. */
static size_t read_digits(ts_text value, uint32_t *digits, int32_t *scale) {
    bool fraction = false;
    int seen = 0;
    size_t i = 0;

    *digits = 0;
    *scale = 0;
    for (; i < value.size && value.data[i] != 'e' && value.data[i] != 'E'; i++) {
        if (value.data[i] == '.') {
            fraction = true;
            continue;
        }
        if (seen < MOST_DIGITS) {
            *digits = *digits * 10 + (uint32_t)(value.data[i] - '0');
            if (*digits != 0) seen++;
            *scale -= fraction ? 1 : 0;
        } else {
            *scale += fraction ? 0 : 1;
        }
    }
    return i;
}

static int32_t read_exponent(ts_text value, size_t at) {
    int32_t exponent = 0;
    bool minus;

    if (at >= value.size) return 0;
    at++;
    minus = at < value.size && value.data[at] == '-';
    if (at < value.size && (value.data[at] == '-' || value.data[at] == '+')) at++;
    for (; at < value.size; at++)
        if (exponent < 100000) exponent = exponent * 10 + (value.data[at] - '0');
    return minus ? -exponent : exponent;
}

bool ts_json_millis(ts_text value, uint32_t *ms) {
    uint32_t digits;
    int32_t scale;
    size_t at;

    if (value.size == 0) return false;
    if (value.data[0] == '-') { /* it is over already */
        *ms = 0;
        return true;
    }
    if (value.data[0] < '0' || value.data[0] > '9') return false;
    at = read_digits(value, &digits, &scale);
    scale += read_exponent(value, at) + 3;
    for (; scale < 0 && digits > 0; scale++) digits /= 10;
    for (; scale > 0 && digits > 0; scale--) digits = digits <= UINT32_MAX / 10 ? digits * 10 : UINT32_MAX;
    *ms = digits;
    return true;
}

static uint32_t read_hex(const char *four) {
    uint32_t result = 0;
    for (int i = 0; i < 4; i++) {
        uint32_t c = (unsigned char)four[i];
        result = result * 16 + (c <= '9' ? c - '0' : (c | 0x20U) - 'a' + 10);
    }
    return result;
}

/* Read what follows a backslash and a `u`: one code point, of one escape or of a pair. */
static uint32_t read_escaped_point(const char *at, size_t *used) {
    uint32_t high = read_hex(at);

    *used = 4;
    if (high < 0xD800 || high > 0xDBFF) return high;
    *used = 10;
    return 0x10000 + ((high - 0xD800) << 10) + (read_hex(at + 6) - 0xDC00);
}

static size_t write_utf8(uint32_t point, char *bytes) {
    if (point < 0x80) {
        bytes[0] = (char)point;
        return 1;
    }
    if (point < 0x800) {
        bytes[0] = (char)(0xC0U | (point >> 6));
        bytes[1] = (char)(0x80U | (point & 0x3FU));
        return 2;
    }
    if (point < 0x10000) {
        bytes[0] = (char)(0xE0U | (point >> 12));
        bytes[1] = (char)(0x80U | ((point >> 6) & 0x3FU));
        bytes[2] = (char)(0x80U | (point & 0x3FU));
        return 3;
    }
    bytes[0] = (char)(0xF0U | (point >> 18));
    bytes[1] = (char)(0x80U | ((point >> 12) & 0x3FU));
    bytes[2] = (char)(0x80U | ((point >> 6) & 0x3FU));
    bytes[3] = (char)(0x80U | (point & 0x3FU));
    return 4;
}

static char unescaped(char c) {
    switch (c) {
    case 'b': return '\b';
    case 'f': return '\f';
    case 'n': return '\n';
    case 'r': return '\r';
    case 't': return '\t';
    default: return c;
    }
}

/* Decode one character of a string, `at` its first byte; return how many bytes it is, and has been. */
static size_t next_character(const char *at, char *bytes, size_t *used) {
    unsigned char first = (unsigned char)at[0];
    size_t size = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : first >= 0xC0 ? 2 : 1;

    if (first == '\\' && at[1] == 'u') {
        size = write_utf8(read_escaped_point(at + 2, used), bytes);
        *used += 2;
        return size;
    }
    if (first == '\\') {
        bytes[0] = unescaped(at[1]);
        *used = 2;
        return 1;
    }
    memcpy(bytes, at, size);
    *used = size;
    return size;
}

bool ts_json_string(ts_text value, char *buffer, size_t size) {
    size_t filled = 0;
    size_t at = 1;

    buffer[0] = '\0';
    if (!ts_json_is_string(value)) return false;
    while (at + 1 < value.size) {
        char bytes[4];
        size_t used;
        size_t count = next_character(value.data + at, bytes, &used);
        at += used;
        if (count == 1 && bytes[0] == '\0') /* it would end the text */
            continue;
        if (filled + count >= size) break;
        memcpy(buffer + filled, bytes, count);
        filled += count;
    }
    buffer[filled] = '\0';
    return true;
}

bool ts_json_equals(ts_text value, const char *text) {
    size_t at = 1;

    if (!ts_json_is_string(value)) return false;
    while (at + 1 < value.size) {
        char bytes[4];
        size_t used;
        size_t count = next_character(value.data + at, bytes, &used);
        for (size_t i = 0; i < count; i++)
            if (*text == '\0' || *text++ != bytes[i]) return false;
        at += used;
    }
    return *text == '\0';
}
