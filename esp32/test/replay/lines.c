#include "lines.h"

#include <string.h>

static const char digits[] = "0123456789abcdef";

void put_bytes(line_out *out, const char *data, size_t size) {
    size_t room = LINE_BYTES - out->size;
    size_t fits = size < room ? size : room;
    if (fits > 0) {
        memcpy(out->data + out->size, data, fits);
    }
    out->size += fits;
}

void put(line_out *out, const char *text) { put_bytes(out, text, strlen(text)); }

void put_number(line_out *out, uint32_t number) {
    char text[10];
    size_t at = sizeof text;
    do {
        text[--at] = (char)('0' + number % 10u);
        number /= 10u;
    } while (number > 0);
    put_bytes(out, text + at, sizeof text - at);
}

/* Return how many bytes the character at `at` has; 0: it is none of UTF-8, or it cannot be seen. */
static size_t character(ts_text text, size_t at) {
    unsigned char first = (unsigned char)text.data[at];
    size_t size = first < 0x80 ? 1 : first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
    if (first < 0x20 || first == 0x7f || (first >= 0x80 && first < 0xc2) || first > 0xf4 || text.size - at < size) {
        return 0;
    }
    for (size_t more = 1; more < size; more++) {
        if (((unsigned char)text.data[at + more] & 0xc0) != 0x80) {
            return 0;
        }
    }
    return size;
}

static bool is_readable(ts_text payload) {
    size_t size = 0;
    for (size_t at = 0; at < payload.size; at += size) {
        size = character(payload, at);
        if (size == 0) {
            return false;
        }
    }
    return !starts_with(payload, "hex:");
}

void put_payload(line_out *out, ts_text payload) {
    if (is_readable(payload)) {
        put_bytes(out, payload.data, payload.size);
        return;
    }
    put(out, "hex:");
    for (size_t at = 0; at < payload.size; at++) {
        unsigned char byte = (unsigned char)payload.data[at];
        put_bytes(out, &digits[byte >> 4], 1);
        put_bytes(out, &digits[byte & 15], 1);
    }
}

bool take_line(ts_text *text, ts_text *line) {
    if (text->size == 0) {
        return false;
    }
    size_t end = 0;
    while (end < text->size && text->data[end] != '\n') {
        end++;
    }
    *line = (ts_text){text->data, end};
    size_t taken = end < text->size ? end + 1 : end;
    *text = (ts_text){text->data + taken, text->size - taken};
    return true;
}

ts_text take_word(ts_text *line) {
    size_t end = 0;
    while (end < line->size && line->data[end] != ' ') {
        end++;
    }
    ts_text word = {line->data, end};
    size_t taken = end < line->size ? end + 1 : end;
    *line = (ts_text){line->data + taken, line->size - taken};
    return word;
}

bool take_if(ts_text *line, const char *word) {
    ts_text rest = *line;
    if (!is_word(take_word(&rest), word)) {
        return false;
    }
    *line = rest;
    return true;
}

bool is_word(ts_text text, const char *word) {
    return text.size == strlen(word) && memcmp(text.data, word, text.size) == 0;
}

bool starts_with(ts_text text, const char *start) {
    size_t size = strlen(start);
    return text.size >= size && memcmp(text.data, start, size) == 0;
}

bool read_number(ts_text text, uint32_t *number) {
    uint32_t value = 0;
    for (size_t at = 0; at < text.size; at++) {
        uint32_t digit = (uint32_t)(unsigned char)text.data[at] - '0';
        if (digit > 9 || value > (UINT32_MAX - digit) / 10u) {
            return false;
        }
        value = value * 10u + digit;
    }
    *number = value;
    return text.size > 0;
}

static bool read_digit(char digit, unsigned *value) {
    for (unsigned at = 0; at < 16; at++) {
        if (digits[at] == digit) {
            *value = at;
            return true;
        }
    }
    return false;
}

bool read_payload(ts_text text, char *store, ts_text *payload) {
    if (!starts_with(text, "hex:")) {
        *payload = text;
        return true;
    }
    size_t size = (text.size - 4) / 2;
    if (text.size % 2 != 0 || size > DATA_BYTES) {
        return false;
    }
    for (size_t at = 0; at < size; at++) {
        unsigned high, low;
        if (!read_digit(text.data[4 + 2 * at], &high) || !read_digit(text.data[5 + 2 * at], &low)) {
            return false;
        }
        store[at] = (char)(unsigned char)(high << 4 | low);
    }
    *payload = (ts_text){store, size};
    return true;
}
