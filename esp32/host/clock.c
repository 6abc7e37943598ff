#include "clock.h"

#include <time.h>

static uint64_t offset_ms;

uint64_t clock_us(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000u + (uint64_t)now.tv_nsec / 1000u;
}

void clock_begin(uint32_t uptime_ms) { offset_ms = uptime_ms - clock_us() / 1000u; /* may wrap, and back again */ }

uint32_t clock_ms(void) { return (uint32_t)(clock_us() / 1000u + offset_ms); }
