#include "debounce.h"

bool ts_debounce_sample(ts_debounce *debounce, bool down) {
    if (down == debounce->down) {
        debounce->differing = 0;
        return false;
    }
    if (++debounce->differing < TS_DEBOUNCE_SAMPLES) return false;
    debounce->differing = 0;
    debounce->down = down;
    return true;
}
