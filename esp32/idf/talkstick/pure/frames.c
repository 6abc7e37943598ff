#include "frames.h"

#include <string.h>

void ts_frames_init(ts_frames *frames, uint8_t *memory, uint32_t size) {
    memset(frames, 0, sizeof *frames);
    frames->memory = memory;
    frames->size = size;
}

static void copy_in(ts_frames *frames, uint32_t at, const uint8_t *data, uint32_t size) {
    uint32_t start = at & (frames->size - 1);
    uint32_t first = frames->size - start < size ? frames->size - start : size;

    memcpy(frames->memory + start, data, first);
    memcpy(frames->memory, data + first, size - first);
}

static void copy_out(const ts_frames *frames, uint32_t at, uint8_t *data, uint32_t size) {
    uint32_t start = at & (frames->size - 1);
    uint32_t first = frames->size - start < size ? frames->size - start : size;

    memcpy(data, frames->memory + start, first);
    memcpy(data + first, frames->memory, size - first);
}

bool ts_frames_put(ts_frames *frames, const void *data, uint16_t size, uint32_t lost) {
    uint32_t head = atomic_load_explicit(&frames->head, memory_order_relaxed);
    uint32_t used = head - atomic_load_explicit(&frames->tail, memory_order_acquire);
    uint8_t header[TS_FRAMES_OVERHEAD];

    frames->lost += lost;
    if (frames->size - used < (uint32_t)size + TS_FRAMES_OVERHEAD) {
        frames->lost++;
        return false;
    }
    memcpy(header, &size, sizeof size);
    memcpy(header + sizeof size, &frames->lost, sizeof frames->lost);
    copy_in(frames, head, header, sizeof header);
    copy_in(frames, head + TS_FRAMES_OVERHEAD, data, size);
    frames->lost = 0;
    atomic_store_explicit(&frames->head, head + TS_FRAMES_OVERHEAD + size, memory_order_release);
    return true;
}

/* Where the oldest frame begins. Counters run on and wrap: they are compared by their difference. */
static uint32_t oldest(ts_frames *frames) {
    uint32_t tail = atomic_load_explicit(&frames->tail, memory_order_relaxed);
    uint32_t floor = atomic_load_explicit(&frames->floor, memory_order_acquire);

    return (int32_t)(floor - tail) > 0 ? floor : tail;
}

bool ts_frames_take(ts_frames *frames, void *data, uint16_t capacity, uint16_t *size, uint32_t *lost) {
    uint32_t tail = oldest(frames);
    uint8_t header[TS_FRAMES_OVERHEAD];
    uint16_t whole;

    if (atomic_load_explicit(&frames->head, memory_order_acquire) == tail) {
        atomic_store_explicit(&frames->tail, tail, memory_order_release);
        return false;
    }
    copy_out(frames, tail, header, sizeof header);
    memcpy(&whole, header, sizeof whole);
    memcpy(lost, header + sizeof whole, sizeof *lost);
    *size = whole < capacity ? whole : capacity;
    copy_out(frames, tail + TS_FRAMES_OVERHEAD, data, *size);
    atomic_store_explicit(&frames->tail, tail + TS_FRAMES_OVERHEAD + whole, memory_order_release);
    return true;
}

void ts_frames_hush(ts_frames *frames) {
    frames->lost = 0;
    atomic_store_explicit(&frames->floor, atomic_load_explicit(&frames->head, memory_order_relaxed),
                          memory_order_release);
}

bool ts_frames_empty(ts_frames *frames) {
    return atomic_load_explicit(&frames->head, memory_order_acquire) == oldest(frames);
}
