/* Work that is only simulated: half of it after half the time, then the rest. */
#ifndef HOST_WORK_H
#define HOST_WORK_H

#include "events.h"

typedef struct {
    uint32_t length_ms; /* 0: it is done by whoever types */
    uint32_t number;    /* as the core has it: results name it */
    uint32_t steps;     /* that are left */
    uint32_t next_ms;
} work;

void work_begin(work *self, uint32_t number, uint32_t now_ms);
void work_stop(work *self);

/* Return after how many milliseconds something is ready; UINT32_MAX: nothing will be. */
uint32_t work_due_ms(const work *self, uint32_t now_ms);

/* Push the result that is ready, if one is. */
void work_step(work *self, events *queue, uint32_t now_ms);

/* Push the telemetry that says what was commanded last. */
void work_obey(const work *self, const ts_action *command, events *queue);

#endif
