#include "events.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static ts_text kept(char *memory, ts_text text) {
    if (text.size > 0) {
        memcpy(memory, text.data, text.size);
    }
    return (ts_text){memory, text.size};
}

void events_push(events *queue, const ts_event *event) {
    queued *item = malloc(sizeof *item + event->topic.size + event->data.size);
    if (item == NULL) {
        fputs("out of memory\n", stderr);
        abort();
    }
    item->next = NULL;
    item->event = *event;
    item->event.topic = kept(item->memory, event->topic);
    item->event.data = kept(item->memory + event->topic.size, event->data);
    if (queue->last == NULL) {
        queue->first = item;
    } else {
        queue->last->next = item;
    }
    queue->last = item;
}

void events_push_kind(events *queue, ts_event_kind kind, bool on) {
    const ts_event event = {.kind = kind, .on = on};
    events_push(queue, &event);
}

queued *events_pop(events *queue) {
    queued *item = queue->first;
    if (item != NULL) {
        queue->first = item->next;
        if (queue->first == NULL) {
            queue->last = NULL;
        }
    }
    return item;
}

void events_clear(events *queue) {
    for (queued *item = events_pop(queue); item != NULL; item = events_pop(queue)) {
        free(item);
    }
}
