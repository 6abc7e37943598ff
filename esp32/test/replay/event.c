/* Reads what happens: `message retained devices/scale-1/session {…}`, `button down`, … */
#include <string.h>

#include "script.h"

void token_add(tokens_due *due, uint16_t token) {
    if (due->count < MAX_WAITING) {
        due->tokens[(due->first + due->count++) % MAX_WAITING] = token;
    }
}

bool token_take(tokens_due *due, uint16_t *token) {
    if (due->count == 0) {
        return false;
    }
    *token = due->tokens[due->first];
    due->first = (due->first + 1) % MAX_WAITING;
    due->count--;
    return true;
}

/* What stands behind the name of an event. */
typedef enum { NOTHING, NUMBER, ANSWER, PAYLOAD, MESSAGE, AUDIO } rest_kind;

typedef struct {
    const char *name;
    ts_event_kind kind;
    rest_kind rest;
    const char *on;  /* the word that sets `on`, if it is there; NULL: none */
    const char *off; /* the word that must be there otherwise; NULL: none */
} event_form;

static const event_form forms[] = {
    {"tick", TS_EV_TICK, NOTHING, NULL, NULL},
    {"connected", TS_EV_CONNECTED, NOTHING, NULL, NULL},
    {"refused", TS_EV_REFUSED, NUMBER, NULL, NULL},
    {"lost", TS_EV_LOST, ANSWER, NULL, NULL},
    {"subscribed", TS_EV_SUBSCRIBED, ANSWER, NULL, NULL},
    {"accepted", TS_EV_ACCEPTED, ANSWER, NULL, NULL},
    {"not_sent", TS_EV_NOT_SENT, ANSWER, NULL, NULL},
    {"message", TS_EV_MESSAGE, MESSAGE, "retained", NULL},
    {"!message", TS_EV_MESSAGE, MESSAGE, "retained", NULL},
    {"button", TS_EV_BUTTON, NOTHING, "down", "up"},
    {"audio", TS_EV_AUDIO, AUDIO, NULL, NULL},
    {"played", TS_EV_PLAYED, NOTHING, NULL, NULL},
    {"result", TS_EV_RESULT, PAYLOAD, "final", NULL},
    {"late_result", TS_EV_RESULT, PAYLOAD, "final", NULL},
    {"telemetry", TS_EV_TELEMETRY, PAYLOAD, "retained", NULL},
    {"sensed", TS_EV_SENSED, PAYLOAD, "active", "inactive"},
    {"clean", TS_EV_CLEAN, NOTHING, NULL, NULL},
    {"badge", TS_EV_BADGE, PAYLOAD, NULL, NULL},
    {"sleep", TS_EV_SLEEP, NUMBER, NULL, NULL},
    {"goodbye", TS_EV_GOODBYE, NOTHING, NULL, NULL},
};

static const event_form *form_of(ts_text name) {
    for (size_t at = 0; at < sizeof forms / sizeof forms[0]; at++) {
        if (is_word(name, forms[at].name)) {
            return &forms[at];
        }
    }
    return NULL;
}

static bool read_rest(ts_event *event, rest_kind rest, ts_text line, char *store) {
    switch (rest) {
    case NOTHING: return line.size == 0;
    case NUMBER: return read_number(line, &event->number);
    case ANSWER: return true; /* how much is answered is seen to elsewhere */
    case MESSAGE: event->topic = take_word(&line); return read_payload(line, store, &event->data);
    case AUDIO: return read_number(take_word(&line), &event->number) && read_payload(line, store, &event->data);
    default: return read_payload(line, store, &event->data);
    }
}

bool read_event(ts_event *event, ts_text line, char *store) {
    memset(event, 0, sizeof *event);
    const event_form *form = form_of(take_word(&line));
    if (form == NULL) {
        return false;
    }
    event->kind = form->kind;
    event->on = form->on != NULL && take_if(&line, form->on);
    if (form->off != NULL && !event->on && !take_if(&line, form->off)) {
        return false;
    }
    return read_rest(event, form->rest, line, store);
}
