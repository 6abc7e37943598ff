/* Going over JSON, strictly: once, with one bit for each level of nesting. */
#include "json_scan.h"

#include <string.h>

#define GREATEST_POWER 308  /* of ten, in a double */
#define MOST_POWER 10000000 /* more than any payload has digits, or than matters */
#define ZERO_POWER (-1000 * 1000 * 1000)

static bool is_digit(char c) { return c >= '0' && c <= '9'; }

void ts_skip_space(ts_cursor *text) {
    while (text->at < text->end && (*text->at == ' ' || *text->at == '\t' || *text->at == '\n' || *text->at == '\r'))
        text->at++;
}

bool ts_take(ts_cursor *text, char wanted) {
    if (text->at == text->end || *text->at != wanted) return false;
    text->at++;
    return true;
}

static bool take_word(ts_cursor *text, const char *word) {
    size_t size = strlen(word);
    if ((size_t)(text->end - text->at) < size || memcmp(text->at, word, size) != 0) return false;
    text->at += size;
    return true;
}

static bool take_digits(ts_cursor *text) {
    const char *begin = text->at;
    while (text->at < text->end && is_digit(*text->at)) text->at++;
    return text->at > begin;
}

/* Go over the digits of a number, and tell what power of ten the first one that is not zero stands for. */
static bool take_mantissa(ts_cursor *text, int32_t *power, bool *integer) {
    const char *begin, *point;

    (void)ts_take(text, '-');
    begin = text->at;
    if (!ts_take(text, '0') && !take_digits(text)) return false;
    point = text->at;
    *integer = !ts_take(text, '.');
    if (!*integer && !take_digits(text)) return false;
    while (begin < text->at && (*begin == '0' || *begin == '.')) begin++;
    *power = begin == text->at ? ZERO_POWER : begin < point ? (int32_t)(point - begin) - 1 : (int32_t)(point - begin);
    return true;
}

/* Go over what may follow an `e`; a number that is too large to count in is as good as any. */
static bool take_exponent(ts_cursor *text, int32_t *exponent) {
    bool minus = !ts_take(text, '+') && ts_take(text, '-');
    const char *begin = text->at;

    if (!take_digits(text)) return false;
    for (; begin < text->at; begin++)
        if (*exponent < MOST_POWER) *exponent = *exponent * 10 + (*begin - '0');
    if (minus) *exponent = -*exponent;
    return true;
}

/* Go over a number. What a double cannot hold is none to those who read it with one; integers may be longer. */
static bool take_number(ts_cursor *text) {
    int32_t power, exponent = 0;
    bool integer;

    if (!take_mantissa(text, &power, &integer)) return false;
    if (ts_take(text, 'e') || ts_take(text, 'E')) {
        integer = false;
        if (!take_exponent(text, &exponent)) return false;
    }
    return integer || power + exponent <= GREATEST_POWER;
}

/* Go over one character of more than one byte: shortest form, no surrogates, at most U+10FFFF. */
static bool take_utf8(ts_cursor *text) {
    static const uint32_t least[] = {0, 0x80, 0x800, 0x10000};
    unsigned char first = (unsigned char)*text->at++;
    int more = first >= 0xF8 ? 0 : first >= 0xF0 ? 3 : first >= 0xE0 ? 2 : first >= 0xC0 ? 1 : 0;
    uint32_t point = first & (0x3FU >> more);

    if (more == 0) return false;
    for (int i = 0; i < more; i++) {
        if (text->at == text->end || ((unsigned char)*text->at & 0xC0U) != 0x80U) return false;
        point = (point << 6) | ((unsigned char)*text->at++ & 0x3FU);
    }
    return point >= least[more] && point <= 0x10FFFF && (point < 0xD800 || point > 0xDFFF);
}

static bool is_hex(char c) { return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'); }

static uint32_t hex_value(char c) {
    return is_digit(c) ? (uint32_t)(c - '0') : ((uint32_t)(unsigned char)c | 0x20U) - 'a' + 10U;
}

/* Go over the four digits of an escape. */
static bool take_hex(ts_cursor *text, uint32_t *point) {
    *point = 0;
    for (int i = 0; i < 4; i++) {
        if (text->at == text->end || !is_hex(*text->at)) return false;
        *point = (*point << 4) | hex_value(*text->at++);
    }
    return true;
}

/* Half a pair of surrogates is no character. */
static bool take_escape(ts_cursor *text) {
    uint32_t high, low;
    char kind;

    if (text->at == text->end) return false;
    kind = *text->at++;
    if (kind != 'u') return memchr("\"\\/bfnrt", kind, 8) != NULL;
    if (!take_hex(text, &high) || (high >= 0xDC00 && high <= 0xDFFF)) return false;
    if (high < 0xD800 || high > 0xDBFF) return true;
    return ts_take(text, '\\') && ts_take(text, 'u') && take_hex(text, &low) && low >= 0xDC00 && low <= 0xDFFF;
}

bool ts_take_string(ts_cursor *text) {
    if (!ts_take(text, '"')) return false;
    while (text->at < text->end) {
        unsigned char c = (unsigned char)*text->at;
        if (c < 0x20) return false;
        if (c >= 0x80) {
            if (!take_utf8(text)) return false;
            continue;
        }
        text->at++;
        if (c == '"') return true;
        if (c == '\\' && !take_escape(text)) return false;
    }
    return false;
}

static bool take_scalar(ts_cursor *text) {
    if (text->at == text->end) return false;
    switch (*text->at) {
    case '"': return ts_take_string(text);
    case 't': return take_word(text, "true");
    case 'f': return take_word(text, "false");
    case 'n': return take_word(text, "null");
    default: return take_number(text);
    }
}

static bool take_key(ts_cursor *text) {
    ts_skip_space(text);
    if (!ts_take_string(text)) return false;
    ts_skip_space(text);
    return ts_take(text, ':');
}

/* What stands open: how many levels, and of each whether it is an object (bit 0: the innermost). */
typedef struct {
    uint32_t objects;
    unsigned depth;
} nesting;

/* Go on after a value: close what ends here, or go to the next value of what stands open. */
static bool take_end(ts_cursor *text, nesting *open) {
    while (open->depth > 0) {
        bool object = (open->objects & 1U) != 0;
        ts_skip_space(text);
        if (ts_take(text, ',')) return !object || take_key(text);
        if (!ts_take(text, object ? '}' : ']')) return false;
        open->objects >>= 1;
        open->depth--;
    }
    return true;
}

/* Go into an object or an array. An empty one is over at once. */
static bool take_begin(ts_cursor *text, nesting *open, bool *empty) {
    bool object = *text->at++ == '{';
    ts_skip_space(text);
    *empty = ts_take(text, object ? '}' : ']');
    if (open->depth == TS_MAX_DEPTH) return false;
    if (*empty) return true;
    open->objects = (open->objects << 1) | (object ? 1U : 0U);
    open->depth++;
    return !object || take_key(text);
}

bool ts_take_value(ts_cursor *text) {
    nesting open = {0, 0};
    do {
        ts_skip_space(text);
        if (text->at < text->end && (*text->at == '{' || *text->at == '[')) {
            bool empty = false;
            if (!take_begin(text, &open, &empty)) return false;
            if (!empty) continue;
        } else if (!take_scalar(text)) {
            return false;
        }
        if (!take_end(text, &open)) return false;
    } while (open.depth > 0);
    return true;
}
