/* What waits for the broker: results until they are acknowledged, the last reading, and what the trigger was last. */
#include "queue.h"

#include <string.h>

#define AROUND_RESULT 72u /* {"fence":4294967295,"job":4294967295,"output":…,"complete":true} */
#define RESULT_ROOM (TS_QUEUE_BYTES - TS_SENSED_BYTES - 2 * sizeof(ts_entry)) /* there is, whatever else waits */
#define CONFIRM_MS 5000u
#define CONFIRM_MOST_MS 60000u

typedef char queue_has_room_for_what_is_sensed[TS_QUEUE_BYTES > TS_SENSED_BYTES + 2 * sizeof(ts_entry) ? 1 : -1];

/* Return the reason code of what is wrong with data of the board, or NULL. `most`: the size that there is room for. */
static const char *fault_of(ts_text data, size_t around, size_t most) {
    if (data.size > 0 && !ts_json_is_object(data)) return TS_CODE_BAD_JSON;
    if (data.size + around > TS_OUT_BYTES || data.size > most || data.size > UINT16_MAX) return TS_CODE_TOO_LARGE;
    return NULL;
}

/* There is no room now. */
static bool refuse(ts_device *device, const char *topic_template) {
    ts_note_about(device, TS_CODE_TOO_MANY, topic_template);
    return false;
}

/* The next result may go when none is under way, and the document has shown that the session goes on. */
static void next_result(ts_device *device) {
    size_t waiting = ts_queue_find(device, KIND_RESULT, FLAG_UNDER_WAY | FLAG_SENT, 0);
    if (device->session.known && ts_queue_has(device, waiting) &&
        !ts_chore_is(device, TS_CHORE_RESULT, TS_CHORE_UNDER_WAY))
        ts_chore_want(device, TS_CHORE_RESULT);
}

/* Return what is wrong with a result, or NULL. What was asked for under an older session is nothing to this one. */
static const char *fault_of_result(const ts_session *session, const ts_event *event) {
    if (!session->in_use) return TS_CODE_NOT_IN_USE;
    if (event->number != session->work) return TS_CODE_STALE_JOB;
    return fault_of(event->data, AROUND_RESULT, RESULT_ROOM);
}

bool ts_outbox_result(ts_device *device, const ts_event *event) {
    const ts_session *session = &device->session;
    const char *wrong = fault_of_result(session, event);
    ts_entry header = {session->fence, session->told_job, 0, KIND_RESULT, event->on ? FLAG_ON : 0};

    if (wrong != NULL) {
        ts_note_about(device, wrong, TS_TOPIC_DEVICES_RESULT);
        return true;
    }
    if ((event->on && ts_outbox_has_end(device)) || !ts_queue_add(device, header, event->data))
        return refuse(device, TS_TOPIC_DEVICES_RESULT);
    next_result(device);
    return true;
}

bool ts_result_write(ts_device *device, ts_writer *out) {
    size_t at = ts_queue_find(device, KIND_RESULT, FLAG_UNDER_WAY, FLAG_UNDER_WAY);
    ts_entry result;

    if (!ts_queue_has(device, at)) at = ts_queue_find(device, KIND_RESULT, FLAG_SENT, 0);
    if (!ts_queue_has(device, at) || !device->session.known) return false;
    result = ts_queue_at(device, at);
    ts_queue_set_flags(device, at, result.flags | FLAG_UNDER_WAY);
    ts_put(out, "{\"fence\":");
    ts_put_u32(out, result.fence);
    ts_put_key(out, TS_KEY_JOB);
    ts_put_u32(out, result.job);
    if (result.size > 0) {
        ts_put_key(out, TS_KEY_OUTPUT);
        ts_put_text(out, ts_queue_data(device, at));
    }
    if ((result.flags & FLAG_ON) != 0) {
        ts_put_key(out, TS_KEY_COMPLETE);
        ts_put(out, "true");
    }
    ts_put(out, "}");
    return true;
}

/* An acknowledgement says that the broker has it; perhaps nobody listened. So it is told again until the document shows
 * it, more and more seldom. */
void ts_outbox_wait(ts_device *device) {
    uint32_t delay = CONFIRM_MS << (device->told_again < 4 ? device->told_again : 4);
    ts_timer_set(device, TS_TIMER_CONFIRM, delay < CONFIRM_MOST_MS ? delay : CONFIRM_MOST_MS);
}

void ts_outbox_again(ts_device *device) {
    if (device->told_again < UINT8_MAX) device->told_again++;
    for (size_t at = 0; at < device->queue_size; at = ts_queue_after(device, at))
        ts_queue_set_flags(device, at, (uint8_t)(ts_queue_at(device, at).flags & ~(unsigned)FLAG_SENT));
    if (ts_chore_is(device, TS_CHORE_RESET, TS_CHORE_DONE)) ts_chore_want(device, TS_CHORE_RESET);
    next_result(device);
}

void ts_outbox_accepted(ts_device *device) {
    size_t at = ts_queue_find(device, KIND_RESULT, FLAG_UNDER_WAY, FLAG_UNDER_WAY);

    if (ts_queue_has(device, at) && (ts_queue_at(device, at).flags & FLAG_ON) != 0) {
        ts_queue_set_flags(device, at, FLAG_ON | FLAG_SENT);
        ts_outbox_wait(device);
    } else if (ts_queue_has(device, at)) {
        ts_queue_drop(device, at);
    }
    next_result(device);
}

/* Drop what the document makes void: results of another session or of an older input, and what it shows. */
void ts_outbox_settle(ts_device *device) {
    const ts_session *session = &device->session;
    size_t at = 0;

    while (at < device->queue_size) {
        ts_entry found = ts_queue_at(device, at);
        bool over = !session->in_use || found.fence != session->fence || found.job < session->job;
        bool shown = (found.flags & FLAG_ON) != 0 && session->complete;
        if (found.kind == KIND_RESULT && (over || shown))
            ts_queue_drop(device, at);
        else
            at = ts_queue_after(device, at);
    }
    if (!ts_queue_has(device, ts_queue_find(device, KIND_RESULT, FLAG_ON, FLAG_ON)) &&
        ts_chore_is(device, TS_CHORE_RESET, TS_CHORE_IDLE)) {
        ts_timer_stop(device, TS_TIMER_CONFIRM);
        device->told_again = 0;
    }
    next_result(device);
}

bool ts_outbox_has_end(const ts_device *device) {
    for (size_t at = 0; at < device->queue_size; at = ts_queue_after(device, at)) {
        ts_entry found = ts_queue_at(device, at);
        if (found.kind == KIND_RESULT && (found.flags & FLAG_ON) != 0 && found.fence == device->session.fence &&
            found.job >= device->session.job)
            return true;
    }
    return false;
}

/* The work goes on under another fence: what it has brought is the same session's. */
void ts_outbox_handed_over(ts_device *device, uint32_t from, uint32_t to) {
    for (size_t at = 0; at < device->queue_size; at = ts_queue_after(device, at)) {
        ts_entry found = ts_queue_at(device, at);
        if (found.kind != KIND_RESULT || found.fence != from) continue;
        found.fence = to;
        found.flags &= FLAG_ON;
        memcpy(device->queue + at, &found, sizeof found);
    }
}

void ts_outbox_lost(ts_device *device) {
    size_t sensed = ts_queue_find(device, KIND_SENSED, 0, 0);

    ts_timer_stop(device, TS_TIMER_CONFIRM);
    device->told_again = 0;
    if (device->config->pulse && ts_queue_has(device, sensed)) ts_queue_drop(device, sensed);
    for (size_t at = 0; at < device->queue_size; at = ts_queue_after(device, at))
        ts_queue_set_flags(device, at, ts_queue_at(device, at).flags & FLAG_ON);
}

void ts_outbox_open(ts_device *device) {
    if (ts_queue_has(device, ts_queue_find(device, KIND_SENSED, 0, 0))) ts_chore_want(device, TS_CHORE_SENSED);
    if (ts_queue_has(device, ts_queue_find(device, KIND_TELEMETRY, 0, 0))) ts_chore_want(device, TS_CHORE_TELEMETRY);
}

bool ts_outbox_telemetry(ts_device *device, const ts_event *event) {
    ts_entry header = {0, 0, 0, KIND_TELEMETRY, event->on ? FLAG_ON : 0};
    bool live = ts_link_is_open(device);
    const char *wrong = fault_of(event->data, 0, TS_QUEUE_BYTES - sizeof header);
    ts_action publish = {0};

    if (wrong != NULL || event->data.size == 0) {
        ts_note_about(device, wrong != NULL ? wrong : TS_CODE_BAD_JSON, TS_TOPIC_DEVICES_TELEMETRY);
        return true;
    }
    if (!live) { /* after the birth, if there is a connection already */
        ts_chore_want(device, TS_CHORE_TELEMETRY);
        return ts_queue_replace(device, header, event->data) || refuse(device, TS_TOPIC_DEVICES_TELEMETRY);
    }
    publish.kind = TS_DO_PUBLISH;
    publish.on = event->on;
    publish.topic = TS_TOPIC_DEVICES_TELEMETRY;
    publish.data = event->data;
    ts_todo(device, publish);
    ts_said(device);
    return true;
}

bool ts_telemetry_is_retained(const ts_device *device) {
    return ts_queue_has(device, ts_queue_find(device, KIND_TELEMETRY, FLAG_ON, FLAG_ON));
}

/* It is written once; so it leaves the queue here. */
bool ts_telemetry_write(ts_device *device, ts_writer *out) {
    size_t at = ts_queue_find(device, KIND_TELEMETRY, 0, 0);
    if (!ts_queue_has(device, at)) return false;
    ts_put_text(out, ts_queue_data(device, at));
    ts_queue_drop(device, at);
    return true;
}

bool ts_outbox_sensed(ts_device *device, const ts_event *event) {
    ts_entry header = {0, 0, 0, KIND_SENSED, event->on ? FLAG_ON : 0};
    const ts_config *config = device->config;
    const char *wrong =
        config->trigger == NULL ? TS_CODE_UNKNOWN_TRIGGER : fault_of(event->data, AROUND_RESULT, TS_SENSED_BYTES);

    if (config->pulse && !event->on) return true; /* nothing follows a pulse */
    if (wrong == NULL && config->pulse && !ts_link_is_open(device))
        wrong = TS_CODE_DEVICE_OFFLINE; /* who comes later was not there when it rang */
    if (wrong != NULL) {
        ts_note_about(device, wrong, TS_TOPIC_TRIGGERS_TRIGGER);
        return true;
    }
    if (!ts_queue_replace(device, header, event->data)) return refuse(device, TS_TOPIC_TRIGGERS_TRIGGER);
    ts_chore_want(device, TS_CHORE_SENSED);
    return true;
}

bool ts_sensed_write(ts_device *device, ts_writer *out) {
    size_t at = ts_queue_find(device, KIND_SENSED, 0, 0);
    if (!ts_queue_has(device, at)) return false;
    ts_put(out, (ts_queue_at(device, at).flags & FLAG_ON) != 0 ? "{\"active\":true" : "{\"active\":false");
    if (ts_queue_at(device, at).size > 0) {
        ts_put_key(out, TS_KEY_DATA);
        ts_put_text(out, ts_queue_data(device, at));
    }
    ts_put(out, "}");
    return true;
}
