/* What waits for a connection: entries of several kinds, in the order in which they came. */
#ifndef TS_QUEUE_H
#define TS_QUEUE_H

#include "internal.h"

enum { KIND_RESULT, KIND_TELEMETRY, KIND_SENSED };
enum { FLAG_ON = 1, FLAG_UNDER_WAY = 2, FLAG_SENT = 4 }; /* FLAG_ON: final, or retained, or active */

typedef struct {
    uint32_t fence;
    uint32_t job;
    uint16_t size;
    uint8_t kind;
    uint8_t flags;
} ts_entry;

/* A place in the queue is an offset; one that is not below `queue_size` is none. */
ts_entry ts_queue_at(const ts_device *device, size_t at);
ts_text ts_queue_data(const ts_device *device, size_t at);
size_t ts_queue_after(const ts_device *device, size_t at);
bool ts_queue_has(const ts_device *device, size_t at);
void ts_queue_set_flags(ts_device *device, size_t at, uint8_t flags);
void ts_queue_drop(ts_device *device, size_t at);

/* Find the first entry of a kind with these of the flags in `mask`. */
size_t ts_queue_find(const ts_device *device, uint8_t kind, unsigned mask, unsigned flags);

/* Add an entry, for which progress is dropped if need be: it is worth less the older it is. The end of the work, and
 * what is sensed, never are, and for them readings and progress that is under way are, too. Returns false where there
 * is no room. */
bool ts_queue_add(ts_device *device, ts_entry header, ts_text data);

/* Put the newest of a kind in the place of the one before. */
bool ts_queue_replace(ts_device *device, ts_entry header, ts_text data);

#endif
