/* The time of day: only certificates need it. */
#ifndef TS_CLOCK_H
#define TS_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

/* Take the time from flash memory where the chip has no better one, and begin to ask for it. After ts_wifi_init(). */
void ts_clock_init(void);

/* Wait until somebody has told the time, at most this long; tell whether anybody has, ever since the start. */
bool ts_clock_wait(uint32_t ms);

#endif
