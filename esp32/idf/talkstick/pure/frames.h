/* A ring of audio frames between two tasks: one puts, the other one takes, and neither waits for the other. */
#ifndef TS_FRAMES_H
#define TS_FRAMES_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct {
    uint8_t *memory;
    uint32_t size;          /* a power of two */
    _Atomic uint32_t head;  /* written by who puts */
    _Atomic uint32_t tail;  /* written by who takes */
    _Atomic uint32_t floor; /* what lies before it is void; written by who puts */
    uint32_t lost;          /* frames that found no room; of who puts */
} ts_frames;

#define TS_FRAMES_OVERHEAD 6 /* bytes that each frame takes besides its own */

/* `size` is a power of two. */
void ts_frames_init(ts_frames *frames, uint8_t *memory, uint32_t size);

/* Put a frame, `lost` others before it being missing. Where there is no room it is lost itself: the next one tells. */
bool ts_frames_put(ts_frames *frames, const void *data, uint16_t size, uint32_t lost);

/* Take the oldest frame; return whether there was one. One that is larger than `capacity` is cut. */
bool ts_frames_take(ts_frames *frames, void *data, uint16_t capacity, uint16_t *size, uint32_t *lost);

/* Forget all frames; called by who puts. */
void ts_frames_hush(ts_frames *frames);

/* Tell whether there is nothing to take; called by who takes. */
bool ts_frames_empty(ts_frames *frames);

#endif
