/* A button bounces for some milliseconds: it counts as pressed or released once it has been so for a while. */
#ifndef TS_DEBOUNCE_H
#define TS_DEBOUNCE_H

#include <stdbool.h>
#include <stdint.h>

#define TS_DEBOUNCE_SAMPLES 3 /* in a row; one each 10 ms */

typedef struct {
    bool down;
    uint8_t differing;
} ts_debounce;

/* Take a sample; return whether `down` has changed. */
bool ts_debounce_sample(ts_debounce *debounce, bool down);

#endif
