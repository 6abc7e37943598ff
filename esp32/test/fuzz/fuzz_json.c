/* The reader of JSON against another one, which is simple and slow: they take and refuse the same. */
#include "input.h"
#include "talkstick_json.h"

#include <stdlib.h>
#include <string.h>

/* A plain recursive descent, by the grammar of RFC 8259. Returns what is behind, or NULL. */
static const char *value(const char *at, const char *end, int depth);

static const char *space(const char *at, const char *end) {
    while (at < end && strchr(" \t\r\n", *at) != NULL && *at != '\0') at++;
    return at;
}

static int hex4(const char *at, const char *end) {
    char four[5] = {0};
    if (end - at < 4) return -1;
    memcpy(four, at, 4);
    if (strspn(four, "0123456789abcdefABCDEF") != 4) return -1;
    return (int)strtol(four, NULL, 16);
}

static const char *escape(const char *at, const char *end) {
    int high, low;
    if (at >= end) return NULL;
    if (*at != 'u') return *at != '\0' && strchr("\"\\/bfnrt", *at) != NULL ? at + 1 : NULL;
    high = hex4(at + 1, end);
    if (high < 0) return NULL;
    if (high >= 0xDC00 && high < 0xE000) return NULL;
    if (high < 0xD800 || high >= 0xE000) return at + 5;
    if (end - at < 11 || at[5] != '\\' || at[6] != 'u') return NULL;
    low = hex4(at + 7, end);
    return low >= 0xDC00 && low < 0xE000 ? at + 11 : NULL;
}

/* One character of UTF-8, by the table of RFC 3629. */
static const char *utf8(const char *text, const char *end) {
    const unsigned char *at = (const unsigned char *)text;
    long left = end - text;
#define BETWEEN(i, low, high) (left > (i) && at[i] >= (low) && at[i] <= (high))
#define TAIL(i) BETWEEN(i, 0x80, 0xBF)
    if (BETWEEN(0, 0x20, 0x7F)) return text + 1;
    if (BETWEEN(0, 0xC2, 0xDF) && TAIL(1)) return text + 2;
    if (at[0] == 0xE0 && BETWEEN(1, 0xA0, 0xBF) && TAIL(2)) return text + 3;
    if ((BETWEEN(0, 0xE1, 0xEC) || BETWEEN(0, 0xEE, 0xEF)) && TAIL(1) && TAIL(2)) return text + 3;
    if (at[0] == 0xED && BETWEEN(1, 0x80, 0x9F) && TAIL(2)) return text + 3;
    if (at[0] == 0xF0 && BETWEEN(1, 0x90, 0xBF) && TAIL(2) && TAIL(3)) return text + 4;
    if (BETWEEN(0, 0xF1, 0xF3) && TAIL(1) && TAIL(2) && TAIL(3)) return text + 4;
    if (at[0] == 0xF4 && BETWEEN(1, 0x80, 0x8F) && TAIL(2) && TAIL(3)) return text + 4;
    return NULL;
#undef TAIL
#undef BETWEEN
}

static const char *string(const char *at, const char *end) {
    if (at >= end || *at != '"') return NULL;
    at++;
    while (at != NULL && at < end && *at != '"') at = *at == '\\' ? escape(at + 1, end) : utf8(at, end);
    return at != NULL && at < end ? at + 1 : NULL;
}

static const char *digits(const char *at, const char *end) {
    const char *begin = at;
    while (at < end && *at >= '0' && *at <= '9') at++;
    return at > begin ? at : NULL;
}

static double as_double(const char *begin, const char *end) {
    char *copy = calloc(1, (size_t)(end - begin) + 1);
    double read;

    if (copy == NULL) abort();
    memcpy(copy, begin, (size_t)(end - begin));
    read = strtod(copy, NULL);
    free(copy);
    return read;
}

/* Returns `at` itself where it is a matter of rounding whether a double holds it, or where it is too large for one. */
static const char *number(const char *at, const char *end) {
    const char *begin = at, *integer;

    if (at < end && *at == '-') at++;
    at = at < end && *at == '0' ? at + 1 : digits(at, end);
    integer = at;
    if (at != NULL && at < end && *at == '.') at = digits(at + 1, end);
    if (at != NULL && at < end && (*at == 'e' || *at == 'E')) {
        at++;
        if (at < end && (*at == '+' || *at == '-')) at++;
        at = digits(at, end);
    }
    if (at == NULL || at == integer) return at;
    return as_double(begin, at) > 1.7e308 || as_double(begin, at) < -1.7e308 ? begin : at;
}

static const char *members(const char *at, const char *end, int depth, char close) {
    at = space(at, end);
    if (at < end && *at == close) return at + 1;
    for (;;) {
        if (close == '}') {
            at = string(space(at, end), end);
            if (at == NULL) return NULL;
            at = space(at, end);
            if (at >= end || *at++ != ':') return NULL;
        }
        at = value(at, end, depth);
        if (at == NULL) return NULL;
        at = space(at, end);
        if (at >= end) return NULL;
        if (*at == close) return at + 1;
        if (*at++ != ',') return NULL;
    }
}

static bool large; /* a number was met that a double can hardly hold */

static const char *value(const char *at, const char *end, int depth) {
    const char *behind;

    at = space(at, end);
    if (at >= end) return NULL;
    if (*at == '{' || *at == '[') return depth == 0 ? NULL : members(at + 1, end, depth - 1, *at == '{' ? '}' : ']');
    if (*at == '"') return string(at, end);
    if (end - at >= 4 && memcmp(at, "true", 4) == 0) return at + 4;
    if (end - at >= 5 && memcmp(at, "false", 5) == 0) return at + 5;
    if (end - at >= 4 && memcmp(at, "null", 4) == 0) return at + 4;
    behind = number(at, end);
    if (behind == at) large = true;
    return behind == at ? NULL : behind;
}

static bool is_object(const char *data, size_t size) {
    const char *end = data + size, *at = space(data, end);
    if (at >= end || *at != '{') return false;
    at = value(at, end, TS_MAX_DEPTH);
    return at != NULL && space(at, end) == end;
}

/* Whatever is found in a good object can be read; nothing is read beyond it. */
static void read_all(ts_text object) {
    static const char *const keys[] = {"state", "fence", "a", "expires_in_s", ""};
    ts_text found;
    char buffer[16];
    uint32_t word;
    bool truth;

    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        if (!ts_json_find(object, keys[i], &found)) continue;
        fuzz_expect(found.data >= object.data && found.data + found.size <= object.data + object.size,
                    "it is in there");
        (void)ts_json_u32(found, &word);
        (void)ts_json_bool(found, &truth);
        (void)ts_json_millis(found, &word);
        (void)ts_json_length(found);
        (void)ts_json_equals(found, "active");
        if (ts_json_string(found, buffer, sizeof buffer))
            fuzz_expect(strlen(buffer) < sizeof buffer, "it is terminated");
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    char *copy = malloc(size > 0 ? size : 1); /* of just this size: reading beyond it shows */
    bool good;

    if (copy == NULL) abort();
    if (size > 0) memcpy(copy, data, size);
    large = false;
    good = ts_json_is_object((ts_text){copy, size});
    if (is_object(copy, size) != good) fuzz_expect(large, "both readers agree");
    if (good) read_all((ts_text){copy, size});
    free(copy);
    return 0;
}
