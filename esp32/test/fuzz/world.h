/* A world around a device: broker, outputs and loudspeaker, and what must always be so. */
#ifndef FUZZ_WORLD_H
#define FUZZ_WORLD_H

#include "input.h"
#include "talkstick.h"

#define WORLD_TOKENS 64

typedef struct {
    ts_config config;
    ts_device *device;
    uint32_t now;

    /* As the broker has it */
    bool connecting, connected, leaving;
    uint32_t boot;
    bool saved_first;
    uint32_t saved;
    uint16_t tokens[WORLD_TOKENS];
    bool subscribes[WORLD_TOKENS];
    size_t under_way;

    /* What the server said of the session: the highest fence ever, whose session that was, and whether it is in use by
     * the last document of this connection that had it */
    uint32_t fence, revision;
    char id[TS_SESSION_BYTES];
    bool told, in_use, over;

    /* What the event is that is being handled: the session document, or a command of this fence, or neither */
    bool document;
    bool command;
    uint32_t command_fence;

    uint32_t work; /* the number of the last one; 0: none yet */
    bool outputs[3];
    bool recording;
} world;

void world_begin(world *w, fuzz_input *input);

/* Tell the device, and look at what it does about it. */
void world_handle(world *w, const ts_event *event);

/* Let one thing happen, as the input wants it (events.c). */
void world_event(world *w, fuzz_input *input);
void world_end(world *w);

#endif
