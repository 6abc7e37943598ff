/* A queue in a piece of memory: entries one after the other, each a header and its data. */
#include "queue.h"

#include <string.h>

ts_entry ts_queue_at(const ts_device *device, size_t at) {
    ts_entry found;
    memcpy(&found, device->queue + at, sizeof found);
    return found;
}

void ts_queue_set_flags(ts_device *device, size_t at, uint8_t flags) {
    ts_entry changed = ts_queue_at(device, at);
    changed.flags = flags;
    memcpy(device->queue + at, &changed, sizeof changed);
}

size_t ts_queue_after(const ts_device *device, size_t at) {
    return at + sizeof(ts_entry) + ts_queue_at(device, at).size;
}

ts_text ts_queue_data(const ts_device *device, size_t at) {
    ts_text data = {device->queue + at + sizeof(ts_entry), ts_queue_at(device, at).size};
    return data;
}

void ts_queue_drop(ts_device *device, size_t at) {
    size_t next = ts_queue_after(device, at);
    memmove(device->queue + at, device->queue + next, device->queue_size - next);
    device->queue_size -= next - at;
}

size_t ts_queue_find(const ts_device *device, uint8_t kind, unsigned mask, unsigned flags) {
    size_t at = 0;
    for (; at < device->queue_size; at = ts_queue_after(device, at)) {
        ts_entry found = ts_queue_at(device, at);
        if (found.kind == kind && (found.flags & mask) == flags) break;
    }
    return at;
}

bool ts_queue_has(const ts_device *device, size_t at) { return at < device->queue_size; }

static size_t room(const ts_device *device) { return sizeof device->queue - device->queue_size; }

static bool is_progress(ts_entry entry) { return entry.kind == KIND_RESULT && (entry.flags & FLAG_ON) == 0; }

/* Tell whether an entry may be dropped for another. */
static bool gives_way(ts_entry entry, ts_entry to) {
    bool progress = is_progress(entry);
    if (is_progress(to) || to.kind == KIND_TELEMETRY) return progress && (entry.flags & FLAG_UNDER_WAY) == 0;
    return progress || entry.kind == KIND_TELEMETRY;
}

/* Return how many bytes could be had for an entry. */
static size_t most_room(const ts_device *device, ts_entry to) {
    size_t most = room(device);
    for (size_t at = 0; at < device->queue_size; at = ts_queue_after(device, at))
        if (gives_way(ts_queue_at(device, at), to)) most += ts_queue_after(device, at) - at;
    return most;
}

static bool make_room(ts_device *device, ts_entry to, size_t size) {
    size_t at = 0;

    if (room(device) >= size) return true;
    if (most_room(device, to) < size) return false;
    ts_note_about(device, TS_CODE_TOO_MANY, TS_TOPIC_DEVICES_RESULT);
    while (room(device) < size) {
        if (gives_way(ts_queue_at(device, at), to))
            ts_queue_drop(device, at);
        else
            at = ts_queue_after(device, at);
    }
    return true;
}

static void append(ts_device *device, ts_entry header, ts_text data) {
    header.size = (uint16_t)data.size;
    memcpy(device->queue + device->queue_size, &header, sizeof header);
    device->queue_size += sizeof header;
    if (data.size > 0) memcpy(device->queue + device->queue_size, data.data, data.size);
    device->queue_size += data.size;
}

bool ts_queue_replace(ts_device *device, ts_entry header, ts_text data) {
    size_t needed = sizeof header + data.size;
    size_t old = ts_queue_find(device, header.kind, 0, 0);
    size_t freed = ts_queue_has(device, old) ? ts_queue_after(device, old) - old : 0;

    if (needed > freed && !make_room(device, header, needed - freed)) return false;
    old = ts_queue_find(device, header.kind, 0, 0);
    if (ts_queue_has(device, old)) ts_queue_drop(device, old);
    append(device, header, data);
    return true;
}

bool ts_queue_add(ts_device *device, ts_entry header, ts_text data) {
    if (!make_room(device, header, sizeof header + data.size)) return false;
    append(device, header, data);
    return true;
}
