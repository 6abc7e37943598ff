#include "report.h"

#include <inttypes.h>
#include <limits.h>
#include <mosquitto.h>
#include <stdio.h>
#include <string.h>

#include "clock.h"

ts_text text_of(const char *word) { return (ts_text){word, strlen(word)}; }

static void write_string(ts_text text) {
    putchar('"');
    for (size_t at = 0; at < text.size; at++) {
        unsigned char byte = (unsigned char)text.data[at];
        if (byte == '"' || byte == '\\') {
            putchar('\\');
            putchar(byte);
        } else if (byte < 0x20) {
            printf("\\u%04x", byte);
        } else {
            putchar(byte);
        }
    }
    putchar('"');
}

static void write_key(const char *key) { printf(",\"%s\":", key); }

void report_begin(const char *key, const char *word) {
    uint64_t now = clock_us();
    printf("{\"at\":%" PRIu64 ".%06" PRIu64, now / 1000000u, now % 1000000u);
    report_word(key, word);
}

void report_text(const char *key, ts_text text) {
    write_key(key);
    write_string(text);
}

void report_word(const char *key, const char *word) { report_text(key, text_of(word)); }

void report_number(const char *key, uint32_t number) {
    write_key(key);
    printf("%" PRIu32, number);
}

void report_bool(const char *key, bool value) {
    write_key(key);
    fputs(value ? "true" : "false", stdout);
}

void report_json(const char *key, ts_text json) {
    write_key(key);
    if (json.size == 0) {
        fputs("null", stdout);
    }
    for (size_t at = 0; at < json.size; at++) {
        char byte = json.data[at];
        putchar(byte == '\n' || byte == '\r' ? ' ' : byte); /* only between tokens: one line it shall be */
    }
}

void report_payload(ts_text data) {
    bool is_text = data.size == 0 || (data.size <= INT_MAX && mosquitto_validate_utf8(data.data, (int)data.size) == 0);
    if (is_text) {
        report_text("payload", data);
    } else {
        report_number("bytes", (uint32_t)data.size);
    }
}

void report_end(void) {
    puts("}");
    fflush(stdout);
}

void report_event(const ts_event *event) {
    switch (event->kind) {
    case TS_EV_MESSAGE:
        report_begin("event", "got");
        report_text("topic", event->topic);
        report_payload(event->data);
        report_bool("retained", event->on);
        break;
    case TS_EV_CONNECTED: report_begin("event", "connected"); break;
    case TS_EV_REFUSED:
        report_begin("event", "refused");
        report_number("code", event->number);
        break;
    case TS_EV_LOST:
        report_begin("event", "lost");
        if (event->number != 0) {
            report_word("why", mosquitto_strerror((int)event->number));
        }
        break;
    default: /* what was sent, or typed, is known to who reads this */ return;
    }
    report_end();
}
