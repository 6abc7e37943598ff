/* What happened and was not told to the core yet, in order. The texts of an event are copied. */
#ifndef HOST_EVENTS_H
#define HOST_EVENTS_H

#include "talkstick.h"

typedef struct queued {
    struct queued *next;
    ts_event event;
    char memory[];
} queued;

typedef struct {
    queued *first;
    queued *last;
} events;

/* Put an event at the end. */
void events_push(events *queue, const ts_event *event);

/* The same for an event that is only its kind, and whether it is on. */
void events_push_kind(events *queue, ts_event_kind kind, bool on);

/* Take the first event out; NULL: there is none. The caller frees it. */
queued *events_pop(events *queue);

/* Forget all. */
void events_clear(events *queue);

#endif
