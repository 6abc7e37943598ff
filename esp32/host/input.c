#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "board.h"
#include "report.h"

static void push(board *self, ts_event_kind kind, bool on, const char *data) {
    const ts_event event = {.kind = kind, .on = on, .data = text_of(data)};
    events_push(&self->events, &event);
}

/* Press the button, say what is in a file, and let it go. */
static bool talk(board *self, const char *path) {
    if (*path != '\0' && !microphone_hear(&self->microphone, path)) {
        return false;
    }
    self->microphone.lifts = true;
    push(self, TS_EV_BUTTON, true, "");
    return true;
}

static bool press(board *self, const char *how) {
    push(self, TS_EV_BUTTON, strcmp(how, "down") == 0, "");
    return true;
}

static bool sense(board *self, const char *rest) {
    bool is_on = strncmp(rest, "on", 2) == 0;
    const char *data = rest + (is_on ? 2 : 3);
    if (!is_on && strncmp(rest, "off", 3) != 0) {
        return false;
    }
    push(self, TS_EV_SENSED, is_on, data + strspn(data, " "));
    return true;
}

static bool sleep_for(board *self, const char *ms) {
    const ts_event event = {.kind = TS_EV_SLEEP, .number = (uint32_t)strtoul(ms, NULL, 10)};
    events_push(&self->events, &event);
    return true;
}

static bool report(board *self, bool is_done, const char *json) {
    const ts_event event = {.kind = TS_EV_RESULT, .number = self->work.number, .on = is_done, .data = text_of(json)};
    events_push(&self->events, &event);
    return true;
}

static bool result(board *self, const char *json) { return report(self, false, json); }

static bool final(board *self, const char *json) { return report(self, true, json); }

static bool telemetry(board *self, const char *json) {
    push(self, TS_EV_TELEMETRY, false, json);
    return true;
}

static bool badge(board *self, const char *principal) {
    push(self, TS_EV_BADGE, true, principal);
    return true;
}

static bool is_clean(board *self, const char *rest) {
    push(self, TS_EV_CLEAN, true, rest);
    return true;
}

static bool goodbye(board *self, const char *rest) {
    push(self, TS_EV_GOODBYE, true, rest);
    return true;
}

static const struct {
    const char *word;
    bool (*act)(board *self, const char *rest);
} WORDS[] = {
    {"result", result}, {"final", final}, {"telemetry", telemetry}, {"button", press},    {"talk", talk},
    {"badge", badge},   {"sense", sense}, {"clean", is_clean},      {"sleep", sleep_for}, {"goodbye", goodbye},
};

void input_line(board *self, char *line) {
    size_t size = strcspn(line, " ");
    const char *rest = line + size + strspn(line + size, " ");
    for (size_t at = 0; at < sizeof WORDS / sizeof WORDS[0]; at++) {
        if (strlen(WORDS[at].word) == size && memcmp(WORDS[at].word, line, size) == 0) {
            if (WORDS[at].act(self, rest)) {
                return;
            }
        }
    }
    fprintf(stderr, "talkstick-device: not understood: %s; --help says what can be said\n", line);
}
