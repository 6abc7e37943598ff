/* What one LED tells. */
#ifndef TS_LIGHT_H
#define TS_LIGHT_H

#include <stdbool.h>
#include <stdint.h>

#include "talkstick.h"

typedef enum {
    TS_LIGHT_UNPROVISIONED, /* three short flashes: it does not know who it is */
    TS_LIGHT_CLAIMING,      /* two short flashes: it uses its claim code */
    TS_LIGHT_OFFLINE,       /* one flash each 2 s: no connection */
    TS_LIGHT_CONNECTING,    /* slow blinking */
    TS_LIGHT_FREE,          /* dark but for a wink each 2 s */
    TS_LIGHT_IN_USE,        /* on */
    TS_LIGHT_RESETTING,     /* on, with a gap: the clean step */
    TS_LIGHT_RECORDING,     /* fast blinking: it listens */
    TS_LIGHT_THINKING,      /* even blinking, as fast as a pulse */
    TS_LIGHT_SPEAKING,      /* on, flickering */
} ts_light;

/* Return what is to be shown of how things stand. */
ts_light ts_light_of(const ts_view *view);

/* Tell whether the LED is on at this time. */
bool ts_light_on(ts_light light, uint32_t now_ms);

#endif
