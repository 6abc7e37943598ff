#include "text.h"

#include <string.h>

ts_writer ts_writer_on(char *data, size_t size) {
    ts_writer out = {data, size, 0, false};
    return out;
}

ts_text ts_writer_text(const ts_writer *out) {
    ts_text text = {out->data, out->used};
    return text;
}

void ts_put_text(ts_writer *out, ts_text text) {
    if (out->full || text.size > out->size - out->used) {
        out->full = true;
        return;
    }
    if (text.size > 0) memcpy(out->data + out->used, text.data, text.size);
    out->used += text.size;
}

void ts_put(ts_writer *out, const char *text) { ts_put_text(out, ts_text_of(text)); }

void ts_put_byte(ts_writer *out, uint8_t byte) {
    char c = (char)byte;
    ts_text text = {&c, 1};
    ts_put_text(out, text);
}

void ts_put_u32(ts_writer *out, uint32_t number) {
    char digits[10];
    size_t at = sizeof digits;
    ts_text text;

    do {
        digits[--at] = (char)('0' + number % 10);
        number /= 10;
    } while (number > 0);
    text.data = digits + at;
    text.size = sizeof digits - at;
    ts_put_text(out, text);
}

static void put_character(ts_writer *out, char c) {
    static const char hex[] = "0123456789abcdef";
    unsigned char byte = (unsigned char)c;

    if (byte < 0x20) {
        ts_put(out, "\\u00");
        ts_put_byte(out, (uint8_t)hex[byte >> 4]);
        ts_put_byte(out, (uint8_t)hex[byte & 15U]);
        return;
    }
    if (c == '"' || c == '\\') ts_put_byte(out, '\\');
    ts_put_byte(out, byte);
}

void ts_put_string(ts_writer *out, const char *text) {
    ts_put_byte(out, '"');
    for (; *text != '\0'; text++) put_character(out, *text);
    ts_put_byte(out, '"');
}

void ts_put_key(ts_writer *out, const char *key) {
    if (out->used > 0 && out->data[out->used - 1] != '{') ts_put_byte(out, ',');
    ts_put_string(out, key);
    ts_put_byte(out, ':');
}

ts_text ts_text_of(const char *terminated) {
    ts_text text = {terminated, terminated == NULL ? 0 : strlen(terminated)};
    return text;
}

bool ts_text_is(ts_text text, const char *terminated) {
    size_t size = strlen(terminated);
    return text.size == size && (size == 0 || memcmp(text.data, terminated, size) == 0);
}

void ts_text_copy(ts_text text, char *buffer, size_t size) {
    size_t fits = text.size < size ? text.size : size - 1;
    if (fits > 0) memcpy(buffer, text.data, fits);
    buffer[fits] = '\0';
}

static bool is_letter_or_digit(char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); }

bool ts_text_is_id(ts_text text) {
    if (text.size == 0 || text.size > TS_MAX_ID || !is_letter_or_digit(text.data[0])) return false;
    for (size_t i = 1; i < text.size; i++)
        if (!is_letter_or_digit(text.data[i]) && text.data[i] != '_' && text.data[i] != '-') return false;
    return true;
}

bool ts_text_is_prefix(const char *text) {
    size_t size = 0;

    if (text[0] == '\0') return true;
    if (!is_letter_or_digit(text[0])) return false;
    for (; text[size] != '\0'; size++)
        if (size + 1 >= TS_PREFIX_BYTES ||
            (!is_letter_or_digit(text[size]) && text[size] != '_' && text[size] != '-' && text[size] != '/'))
            return false;
    return text[size - 1] == '/';
}

bool ts_topic_fill(char *buffer, size_t size, const char *prefix, const char *template, const char *first,
                   const char *second) {
    ts_writer out = ts_writer_on(buffer, size - 1);
    const char *level = first;

    if (prefix != NULL) ts_put(&out, prefix);
    for (; *template != '\0'; template++) {
        if (*template != '{') {
            ts_put_byte(&out, (uint8_t)*template);
            continue;
        }
        ts_put(&out, level);
        level = second;
        while (*template != '}') template++;
    }
    buffer[out.used] = '\0';
    return !out.full;
}

/* Go over `text` at the beginning of `*topic`. */
static bool skip(ts_text *topic, ts_text text) {
    if (topic->size < text.size || (text.size > 0 && memcmp(topic->data, text.data, text.size) != 0)) return false;
    topic->data += text.size;
    topic->size -= text.size;
    return true;
}

static ts_text next_level(ts_text topic) {
    size_t size = 0;
    while (size < topic.size && topic.data[size] != '/') size++;
    topic.size = size;
    return topic;
}

bool ts_topic_is(ts_text topic, const char *prefix, const char *template, const char *first, ts_text *second) {
    bool filled = false;

    if (topic.data == NULL || (prefix != NULL && !skip(&topic, ts_text_of(prefix)))) return false;
    for (; *template != '\0'; template++) {
        ts_text piece = {template, 1};
        if (*template == '{') {
            piece = filled ? next_level(topic) : ts_text_of(first);
            if (filled && second != NULL) *second = piece;
            filled = true;
            while (*template != '}') template++;
        }
        if (!skip(&topic, piece)) return false;
    }
    return topic.size == 0;
}
