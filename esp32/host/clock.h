/* The only place that knows the time. */
#ifndef HOST_CLOCK_H
#define HOST_CLOCK_H

#include <stdint.h>

/* Let the counter of the board say `uptime_ms` now: a chip that was switched on long ago is near its wrap. */
void clock_begin(uint32_t uptime_ms);

/* Return the counter of the board, in milliseconds. It wraps. */
uint32_t clock_ms(void);

/* Return the monotonic time of the system in microseconds: all processes of a machine share it. */
uint64_t clock_us(void);

#endif
