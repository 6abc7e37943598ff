#include "work.h"

#include <inttypes.h>
#include <stdio.h>

#include "report.h"

#define HALF "{\"percent\":50}"
#define ALL "{\"percent\":100,\"weight_kg\":70.5}"

void work_begin(work *self, uint32_t number, uint32_t now_ms) {
    self->number = number;
    if (self->length_ms > 0) {
        self->steps = 2;
        self->next_ms = now_ms + self->length_ms / 2;
    }
}

void work_stop(work *self) { self->steps = 0; }

uint32_t work_due_ms(const work *self, uint32_t now_ms) {
    if (self->steps == 0) {
        return UINT32_MAX;
    }
    return (int32_t)(self->next_ms - now_ms) > 0 ? self->next_ms - now_ms : 0;
}

void work_step(work *self, events *queue, uint32_t now_ms) {
    if (work_due_ms(self, now_ms) > 0) {
        return;
    }
    self->steps--;
    self->next_ms += self->length_ms - self->length_ms / 2;
    bool is_done = self->steps == 0;
    const ts_event event = {
        .kind = TS_EV_RESULT, .number = self->number, .on = is_done, .data = text_of(is_done ? ALL : HALF)};
    events_push(queue, &event);
}

void work_obey(const work *self, const ts_action *command, events *queue) {
    char text[128];
    if (self->length_ms == 0) return;
    snprintf(text, sizeof text, "{\"obeyed\":\"%.*s\",\"fence\":%" PRIu32 "}", (int)command->name.size,
             command->name.data, command->fence);
    const ts_event event = {.kind = TS_EV_TELEMETRY, .data = text_of(text)};
    events_push(queue, &event);
}
