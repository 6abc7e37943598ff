#include "light.h"

#define STEP_MS 100
#define STEPS 20

/* One bit for each tenth of the two seconds that a pattern lasts; the lowest one is the first. */
static const uint32_t patterns[] = {
    [TS_LIGHT_UNPROVISIONED] = 0x00015, [TS_LIGHT_CLAIMING] = 0x00005,  [TS_LIGHT_OFFLINE] = 0x00007,
    [TS_LIGHT_CONNECTING] = 0x07c1f,    [TS_LIGHT_FREE] = 0x00001,      [TS_LIGHT_IN_USE] = 0xfffff,
    [TS_LIGHT_RESETTING] = 0x7ffff,     [TS_LIGHT_RECORDING] = 0x55555, [TS_LIGHT_THINKING] = 0x33333,
    [TS_LIGHT_SPEAKING] = 0x77777,
};

static ts_light of_session(const ts_view *view) {
    if (view->in_use) return TS_LIGHT_IN_USE;
    return view->state == TS_STATE_RESETTING ? TS_LIGHT_RESETTING : TS_LIGHT_FREE;
}

ts_light ts_light_of(const ts_view *view) {
    if (view->link == TS_LINK_DOWN) return TS_LIGHT_OFFLINE;
    if (view->link == TS_LINK_CONNECTING || !view->known) return TS_LIGHT_CONNECTING;
    switch (view->voice) {
    case TS_RECORDING: return TS_LIGHT_RECORDING;
    case TS_THINKING: return TS_LIGHT_THINKING;
    case TS_SPEAKING: return TS_LIGHT_SPEAKING;
    default: return of_session(view);
    }
}

bool ts_light_on(ts_light light, uint32_t now_ms) { return (patterns[light] >> (now_ms / STEP_MS % STEPS)) & 1u; }
