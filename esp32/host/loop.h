/* What waits: for the network, for who types, for a signal, and for time to pass. One thread does all. */
#ifndef HOST_LOOP_H
#define HOST_LOOP_H

#include "client.h"

typedef struct {
    void *self;
    events *events;
    client *client;
    void (*take)(void *self, const ts_event *event);
    void (*line)(void *self, char *line); /* NULL: nobody types yet */
    uint32_t (*due_ms)(void *self);
    bool (*is_over)(void *self);
} loop;

/* Let SIGTERM and SIGINT be polite from now on. */
void loop_catch_signals(void);

/* Run until it is over. SIGTERM and SIGINT are TS_EV_GOODBYE; the end of the input is nothing. */
void loop_run(const loop *self);

#endif
