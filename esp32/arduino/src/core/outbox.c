/* What waits for the broker: results until they are acknowledged, the last reading, and what the trigger was last.
 *
 * A queue of entries, one after the other, each a header and its data. */
#include "internal.h"

#include <string.h>

#define AROUND_RESULT 72u /* {"fence":4294967295,"job":4294967295,"output":…,"complete":true} */

enum { KIND_RESULT, KIND_TELEMETRY, KIND_SENSED };
enum { FLAG_ON = 1, FLAG_UNDER_WAY = 2, FLAG_SENT = 4 }; /* FLAG_ON: final, or retained, or active */

typedef struct {
    uint32_t fence;
    uint32_t job;
    uint16_t size;
    uint8_t kind;
    uint8_t flags;
} entry;

static entry entry_at(const ts_device *device, size_t at)
{
    entry found;
    memcpy(&found, device->queue + at, sizeof found);
    return found;
}

static void set_flags(ts_device *device, size_t at, uint8_t flags)
{
    entry changed = entry_at(device, at);
    changed.flags = flags;
    memcpy(device->queue + at, &changed, sizeof changed);
}

static size_t after(const ts_device *device, size_t at)
{
    return at + sizeof(entry) + entry_at(device, at).size;
}

static ts_text data_at(const ts_device *device, size_t at)
{
    ts_text data = {device->queue + at + sizeof(entry), entry_at(device, at).size};
    return data;
}

static void drop(ts_device *device, size_t at)
{
    size_t next = after(device, at);
    memmove(device->queue + at, device->queue + next, device->queue_size - next);
    device->queue_size -= next - at;
}

/* Find the first entry of a kind with these of the flags in `mask`; return its place, or queue_size. */
static size_t find(const ts_device *device, uint8_t kind, unsigned mask, unsigned flags)
{
    size_t at = 0;
    for (; at < device->queue_size; at = after(device, at)) {
        entry found = entry_at(device, at);
        if (found.kind == kind && (found.flags & mask) == flags)
            break;
    }
    return at;
}

static bool is_there(const ts_device *device, size_t at)
{
    return at < device->queue_size;
}

/* Make room for so many bytes: progress is worth less the older it is, and a final result is never dropped. */
static bool make_room(ts_device *device, size_t size)
{
    bool dropped = false;

    while (sizeof device->queue - device->queue_size < size) {
        size_t oldest = find(device, KIND_RESULT, FLAG_ON | FLAG_UNDER_WAY, 0);
        if (!is_there(device, oldest))
            return false;
        drop(device, oldest);
        if (!dropped)
            ts_note_about(device, TS_CODE_TOO_MANY, TS_TOPIC_DEVICES_RESULT);
        dropped = true;
    }
    return true;
}

static void append(ts_device *device, entry header, ts_text data)
{
    header.size = (uint16_t)data.size;
    memcpy(device->queue + device->queue_size, &header, sizeof header);
    device->queue_size += sizeof header;
    if (data.size > 0)
        memcpy(device->queue + device->queue_size, data.data, data.size);
    device->queue_size += data.size;
}

/* Put the newest of a kind in the place of the one before. */
static bool replace(ts_device *device, entry header, ts_text data)
{
    size_t needed = sizeof header + data.size;
    size_t old = find(device, header.kind, 0, 0);
    size_t freed = is_there(device, old) ? after(device, old) - old : 0;

    if (needed > freed && !make_room(device, needed - freed))
        return false;
    old = find(device, header.kind, 0, 0);
    if (is_there(device, old))
        drop(device, old);
    append(device, header, data);
    return true;
}

/* Return the reason code of what is wrong with data of the board, or NULL. */
static const char *fault_of(ts_text data, size_t around)
{
    if (data.size > 0 && !ts_json_is_object(data))
        return TS_CODE_BAD_JSON;
    if (data.size + around > TS_OUT_BYTES || data.size + sizeof(entry) > TS_QUEUE_BYTES || data.size > UINT16_MAX)
        return TS_CODE_TOO_LARGE;
    return NULL;
}

/* The next result may go when none is under way, and the document has shown that the session goes on. */
static void next_result(ts_device *device)
{
    size_t waiting = find(device, KIND_RESULT, FLAG_UNDER_WAY | FLAG_SENT, 0);
    if (device->session.known && is_there(device, waiting) &&
        !ts_chore_is(device, TS_CHORE_RESULT, TS_CHORE_UNDER_WAY))
        ts_chore_want(device, TS_CHORE_RESULT);
}

bool ts_outbox_result(ts_device *device, const ts_event *event)
{
    const ts_session *session = &device->session;
    const char *wrong = session->in_use ? fault_of(event->data, AROUND_RESULT) : TS_CODE_NOT_IN_USE;
    entry header = {session->fence, session->told_job, 0, KIND_RESULT, event->on ? FLAG_ON : 0};

    if (wrong != NULL) {
        ts_note_about(device, wrong, TS_TOPIC_DEVICES_RESULT);
        return true;
    }
    if (!make_room(device, sizeof header + event->data.size))
        return false;
    append(device, header, event->data);
    next_result(device);
    return true;
}

bool ts_result_write(ts_device *device, ts_writer *out)
{
    size_t at = find(device, KIND_RESULT, FLAG_UNDER_WAY, FLAG_UNDER_WAY);
    entry result;

    if (!is_there(device, at))
        at = find(device, KIND_RESULT, FLAG_SENT, 0);
    if (!is_there(device, at) || !device->session.known)
        return false;
    result = entry_at(device, at);
    set_flags(device, at, result.flags | FLAG_UNDER_WAY);
    ts_put(out, "{\"fence\":");
    ts_put_u32(out, result.fence);
    ts_put_key(out, TS_KEY_JOB);
    ts_put_u32(out, result.job);
    if (result.size > 0) {
        ts_put_key(out, TS_KEY_OUTPUT);
        ts_put_text(out, data_at(device, at));
    }
    if ((result.flags & FLAG_ON) != 0) {
        ts_put_key(out, TS_KEY_COMPLETE);
        ts_put(out, "true");
    }
    ts_put(out, "}");
    return true;
}

void ts_outbox_accepted(ts_device *device)
{
    size_t at = find(device, KIND_RESULT, FLAG_UNDER_WAY, FLAG_UNDER_WAY);

    if (is_there(device, at)) {
        if ((entry_at(device, at).flags & FLAG_ON) != 0)
            set_flags(device, at, FLAG_ON | FLAG_SENT); /* the broker has it; the document has to show it */
        else
            drop(device, at);
    }
    next_result(device);
}

/* Drop what the document makes void: results of another session or of an older input, and what it shows. */
void ts_outbox_settle(ts_device *device)
{
    const ts_session *session = &device->session;
    size_t at = 0;

    while (at < device->queue_size) {
        entry found = entry_at(device, at);
        bool over = !session->in_use || found.fence != session->fence || found.job < session->job;
        bool shown = (found.flags & FLAG_ON) != 0 && session->complete;
        if (found.kind == KIND_RESULT && (over || shown))
            drop(device, at);
        else
            at = after(device, at);
    }
    next_result(device);
}

/* The work goes on under another fence: what it has brought is the same session's. */
void ts_outbox_handed_over(ts_device *device, uint32_t from, uint32_t to)
{
    for (size_t at = 0; at < device->queue_size; at = after(device, at)) {
        entry found = entry_at(device, at);
        if (found.kind != KIND_RESULT || found.fence != from)
            continue;
        found.fence = to;
        found.flags &= FLAG_ON;
        memcpy(device->queue + at, &found, sizeof found);
    }
}

void ts_outbox_lost(ts_device *device)
{
    for (size_t at = 0; at < device->queue_size; at = after(device, at))
        set_flags(device, at, entry_at(device, at).flags & FLAG_ON);
}

void ts_outbox_open(ts_device *device)
{
    if (is_there(device, find(device, KIND_SENSED, 0, 0)))
        ts_chore_want(device, TS_CHORE_SENSED);
    if (is_there(device, find(device, KIND_TELEMETRY, 0, 0)))
        ts_chore_want(device, TS_CHORE_TELEMETRY);
}

bool ts_outbox_telemetry(ts_device *device, const ts_event *event)
{
    entry header = {0, 0, 0, KIND_TELEMETRY, event->on ? FLAG_ON : 0};
    bool live = ts_link_is_open(device);
    const char *wrong = fault_of(event->data, 0);
    ts_action publish = {0};

    if (wrong != NULL || event->data.size == 0) {
        ts_note_about(device, wrong != NULL ? wrong : TS_CODE_BAD_JSON, TS_TOPIC_DEVICES_TELEMETRY);
        return true;
    }
    if (!live)
        return replace(device, header, event->data);
    publish.kind = TS_DO_PUBLISH;
    publish.on = event->on;
    publish.topic = TS_TOPIC_DEVICES_TELEMETRY;
    publish.data = event->data;
    ts_todo(device, publish);
    ts_said(device);
    return true;
}

bool ts_telemetry_is_retained(const ts_device *device)
{
    return is_there(device, find(device, KIND_TELEMETRY, FLAG_ON, FLAG_ON));
}

/* It is written once; so it leaves the queue here. */
bool ts_telemetry_write(ts_device *device, ts_writer *out)
{
    size_t at = find(device, KIND_TELEMETRY, 0, 0);
    if (!is_there(device, at))
        return false;
    ts_put_text(out, data_at(device, at));
    drop(device, at);
    return true;
}

bool ts_outbox_sensed(ts_device *device, const ts_event *event)
{
    entry header = {0, 0, 0, KIND_SENSED, event->on ? FLAG_ON : 0};
    const char *wrong = device->config->trigger == NULL ? TS_CODE_UNKNOWN_TRIGGER : fault_of(event->data, AROUND_RESULT);

    if (wrong != NULL) {
        ts_note_about(device, wrong, TS_TOPIC_TRIGGERS_TRIGGER);
        return true;
    }
    if (!replace(device, header, event->data))
        return false;
    ts_chore_want(device, TS_CHORE_SENSED);
    return true;
}

bool ts_sensed_write(ts_device *device, ts_writer *out)
{
    size_t at = find(device, KIND_SENSED, 0, 0);
    if (!is_there(device, at))
        return false;
    ts_put(out, (entry_at(device, at).flags & FLAG_ON) != 0 ? "{\"active\":true" : "{\"active\":false");
    if (entry_at(device, at).size > 0) {
        ts_put_key(out, TS_KEY_DATA);
        ts_put_text(out, data_at(device, at));
    }
    ts_put(out, "}");
    return true;
}
