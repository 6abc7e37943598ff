/* Messages in pieces: esp-mqtt hands over what is longer than its buffer in several events, and the topic with the
 * first of them only. Nothing here knows the SDK. */
#ifndef TS_ASSEMBLY_H
#define TS_ASSEMBLY_H

#include <stdbool.h>
#include <stddef.h>

/* One event. `offset`: where its data belong in the message of `total` bytes. */
typedef struct {
    const char *topic; /* of the first piece; not terminated */
    size_t topic_size;
    const char *data; /* may be NULL where size is 0 */
    size_t size;
    size_t offset;
    size_t total;
} ts_piece;

/* The memory is the caller's: the topic is put in front, the data follow. */
typedef struct {
    char *memory;
    size_t capacity;
    size_t topic_size;
    size_t size;  /* of the data so far */
    bool running; /* more pieces of a message are to come */
} ts_assembly;

typedef enum { TS_PIECE_MORE, TS_PIECE_LAST, TS_PIECE_DROPPED } ts_piece_fate;

void ts_assembly_init(ts_assembly *assembly, char *memory, size_t capacity);

/* Take a piece. TS_PIECE_LAST: the message is whole. TS_PIECE_DROPPED: it is too large, or this is no piece of what
 * came before; told once for each piece. */
ts_piece_fate ts_assembly_add(ts_assembly *assembly, const ts_piece *piece);

#endif
