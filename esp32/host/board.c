#include "board.h"

#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "loop.h"
#include "report.h"

#define LEAVE_WITHIN_MS 5000

static uint32_t least(uint32_t one, uint32_t other) { return one < other ? one : other; }

static uint32_t due_ms(void *object) {
    const board *self = object;
    uint32_t now = clock_ms();
    uint32_t audio = least(microphone_due_ms(&self->microphone, now), speaker_due_ms(&self->speaker, now));
    uint32_t leaving = self->is_leaving ? LEAVE_WITHIN_MS : NEVER;
    return least(least(ts_due_ms(&self->device, now), work_due_ms(&self->work, now)), least(audio, leaving));
}

/* Tell the core, and do what follows. Returns whether it took it. */
static bool handle(board *self, const ts_event *event) {
    bool is_taken = ts_handle(&self->device, event, clock_ms());
    perform(self);
    return is_taken;
}

/* What the hardware has for the core because time has passed. */
static void look_at_hardware(board *self) {
    uint32_t now = clock_ms();
    ts_event event;
    while (microphone_next(&self->microphone, &event, now)) {
        microphone_taken(&self->microphone, handle(self, &event), now);
    }
    if (microphone_lifts(&self->microphone)) {
        events_push_kind(&self->events, TS_EV_BUTTON, false);
    }
    if (speaker_is_done(&self->speaker, now)) {
        events_push_kind(&self->events, TS_EV_PLAYED, true);
    }
    work_step(&self->work, &self->events, now);
}

static void leave(board *self) {
    self->is_leaving = true;
    self->leave_ms = clock_ms() + LEAVE_WITHIN_MS;
}

static bool has_left(const board *self) {
    return self->is_leaving && (client_socket(&self->client) < 0 || (int32_t)(clock_ms() - self->leave_ms) >= 0);
}

static void take(void *object, const ts_event *event) {
    board *self = object;
    report_event(event);
    if (event->kind == TS_EV_GOODBYE || event->kind == TS_EV_SLEEP) {
        leave(self);
    }
    handle(self, event);
    if (event->kind == TS_EV_TICK) {
        look_at_hardware(self);
    }
    if (self->status == STATUS_RUNS && has_left(self)) {
        self->status = STATUS_LEFT;
    }
}

static void take_line(void *object, char *line) { input_line(object, line); }

static bool is_over(void *object) {
    const board *self = object;
    return self->status != STATUS_RUNS;
}

static bool set_up(board *self, const board_options *options, flash_memory *flash) {
    memset(self, 0, sizeof *self);
    self->config = options->config;
    self->config.boot = flash->boot;
    if (self->config.id == NULL) self->config.id = flash->id;
    self->options = options;
    self->flash = flash;
    self->status = STATUS_RUNS;
    self->password = options->password != NULL ? options->password : flash->secret;
    self->client = (client){.options = options, .events = &self->events};
    self->work.length_ms = options->work_ms;
    self->speaker.codec = options->config.speech_codec;
    if (options->speaker != NULL) {
        self->speaker.file = fopen(options->speaker, "wb");
    }
    bool has_audio = (options->speaker == NULL || self->speaker.file != NULL) &&
                     (options->microphone == NULL || microphone_hear(&self->microphone, options->microphone));
    return has_audio && ts_init(&self->device, &self->config, clock_ms());
}

static void tear_down(board *self) {
    client_drop(&self->client);
    events_clear(&self->events);
    free(self->microphone.pcm);
    if (self->speaker.file != NULL) {
        fclose(self->speaker.file);
    }
}

exit_status board_run(const board_options *options, flash_memory *flash) {
    static board self; /* as large as the buffers in it */
    loop around = {.self = &self,
                   .events = &self.events,
                   .client = &self.client,
                   .take = take,
                   .line = take_line,
                   .due_ms = due_ms,
                   .is_over = is_over};
    if (set_up(&self, options, flash)) {
        perform(&self);
        loop_run(&around);
    } else {
        self.status = STATUS_CANNOT;
        fputs("talkstick-device: there is no such id, prefix, trigger or file of audio\n", stderr);
    }
    tear_down(&self);
    return self.status;
}
