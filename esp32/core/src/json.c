/* A strict reader of JSON: it goes through the text once, with one bit for each level of nesting. */
#include "json.h"

#include <string.h>

typedef struct {
    const char *at;
    const char *end;
} cursor;

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static void skip_space(cursor *text)
{
    while (text->at < text->end && (*text->at == ' ' || *text->at == '\t' || *text->at == '\n' || *text->at == '\r'))
        text->at++;
}

static bool take(cursor *text, char wanted)
{
    if (text->at == text->end || *text->at != wanted)
        return false;
    text->at++;
    return true;
}

static bool take_word(cursor *text, const char *word)
{
    size_t size = strlen(word);
    if ((size_t)(text->end - text->at) < size || memcmp(text->at, word, size) != 0)
        return false;
    text->at += size;
    return true;
}

static bool take_digits(cursor *text)
{
    const char *begin = text->at;
    while (text->at < text->end && is_digit(*text->at))
        text->at++;
    return text->at > begin;
}

static bool take_number(cursor *text)
{
    (void)take(text, '-');
    if (!take(text, '0') && !take_digits(text))
        return false;
    if (take(text, '.') && !take_digits(text))
        return false;
    if (!take(text, 'e') && !take(text, 'E'))
        return true;
    if (!take(text, '+'))
        (void)take(text, '-');
    return take_digits(text);
}

/* Go over one character of more than one byte: shortest form, no surrogates, at most U+10FFFF. */
static bool take_utf8(cursor *text)
{
    static const uint32_t least[] = {0, 0x80, 0x800, 0x10000};
    unsigned char first = (unsigned char)*text->at++;
    int more = first >= 0xF8 ? 0 : first >= 0xF0 ? 3 : first >= 0xE0 ? 2 : first >= 0xC0 ? 1 : 0;
    uint32_t point = first & (0x3FU >> more);

    if (more == 0)
        return false;
    for (int i = 0; i < more; i++) {
        if (text->at == text->end || ((unsigned char)*text->at & 0xC0U) != 0x80U)
            return false;
        point = (point << 6) | ((unsigned char)*text->at++ & 0x3FU);
    }
    return point >= least[more] && point <= 0x10FFFF && (point < 0xD800 || point > 0xDFFF);
}

static bool is_hex(char c)
{
    return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

static bool take_escape(cursor *text)
{
    char kind;

    if (text->at == text->end)
        return false;
    kind = *text->at++;
    if (kind != 'u')
        return kind != '\0' && memchr("\"\\/bfnrt", kind, 8) != NULL;
    for (int i = 0; i < 4; i++)
        if (text->at == text->end || !is_hex(*text->at++))
            return false;
    return true;
}

static bool take_string(cursor *text)
{
    if (!take(text, '"'))
        return false;
    while (text->at < text->end) {
        unsigned char c = (unsigned char)*text->at;
        if (c < 0x20)
            return false;
        if (c >= 0x80) {
            if (!take_utf8(text))
                return false;
            continue;
        }
        text->at++;
        if (c == '"')
            return true;
        if (c == '\\' && !take_escape(text))
            return false;
    }
    return false;
}

static bool take_scalar(cursor *text)
{
    if (text->at == text->end)
        return false;
    switch (*text->at) {
    case '"':
        return take_string(text);
    case 't':
        return take_word(text, "true");
    case 'f':
        return take_word(text, "false");
    case 'n':
        return take_word(text, "null");
    default:
        return take_number(text);
    }
}

static bool take_key(cursor *text)
{
    skip_space(text);
    if (!take_string(text))
        return false;
    skip_space(text);
    return take(text, ':');
}

/* What stands open: how many levels, and of each whether it is an object (bit 0: the innermost). */
typedef struct {
    uint32_t objects;
    unsigned depth;
} nesting;

/* Go on after a value: close what ends here, or go to the next value of what stands open. */
static bool take_end(cursor *text, nesting *open)
{
    while (open->depth > 0) {
        bool object = (open->objects & 1U) != 0;
        skip_space(text);
        if (take(text, ','))
            return !object || take_key(text);
        if (!take(text, object ? '}' : ']'))
            return false;
        open->objects >>= 1;
        open->depth--;
    }
    return true;
}

/* Go into an object or an array. An empty one is over at once. */
static bool take_begin(cursor *text, nesting *open, bool *empty)
{
    bool object = *text->at++ == '{';
    skip_space(text);
    *empty = take(text, object ? '}' : ']');
    if (open->depth == TS_MAX_DEPTH)
        return false;
    if (*empty)
        return true;
    open->objects = (open->objects << 1) | (object ? 1U : 0U);
    open->depth++;
    return !object || take_key(text);
}

static bool take_value(cursor *text)
{
    nesting open = {0, 0};
    do {
        skip_space(text);
        if (text->at < text->end && (*text->at == '{' || *text->at == '[')) {
            bool empty = false;
            if (!take_begin(text, &open, &empty))
                return false;
            if (!empty)
                continue;
        } else if (!take_scalar(text)) {
            return false;
        }
        if (!take_end(text, &open))
            return false;
    } while (open.depth > 0);
    return true;
}

static cursor cursor_of(ts_text text)
{
    cursor result = {text.data, text.data};
    if (text.data != NULL)
        result.end += text.size;
    return result;
}

bool ts_json_is_object(ts_text text)
{
    cursor at = cursor_of(text);
    skip_space(&at);
    if (at.at == at.end || *at.at != '{' || !take_value(&at))
        return false;
    skip_space(&at);
    return at.at == at.end;
}

static ts_text value_at(cursor *text)
{
    ts_text value;
    skip_space(text);
    value.data = text->at;
    (void)take_value(text);
    value.size = (size_t)(text->at - value.data);
    return value;
}

bool ts_json_find(ts_text object, const char *key, ts_text *value)
{
    cursor text = cursor_of(object);
    bool found = false;

    skip_space(&text);
    if (!take(&text, '{'))
        return false;
    do {
        ts_text name, one;
        skip_space(&text);
        name.data = text.at;
        if (!take_string(&text))
            break;
        name.size = (size_t)(text.at - name.data);
        skip_space(&text);
        (void)take(&text, ':');
        one = value_at(&text);
        if (ts_json_equals(name, key)) {
            *value = one;
            found = true;
        }
        skip_space(&text);
    } while (take(&text, ','));
    return found;
}

uint16_t ts_json_length(ts_text array)
{
    cursor text = cursor_of(array);
    uint16_t length = 0;

    skip_space(&text);
    if (!take(&text, '['))
        return 0;
    skip_space(&text);
    if (take(&text, ']'))
        return 0;
    do {
        (void)value_at(&text);
        if (length < UINT16_MAX)
            length++;
        skip_space(&text);
    } while (take(&text, ','));
    return length;
}
