#include "assembly.h"

#include <string.h>

void ts_assembly_init(ts_assembly *assembly, char *memory, size_t capacity) {
    memset(assembly, 0, sizeof *assembly);
    assembly->memory = memory;
    assembly->capacity = capacity;
}

static bool begin(ts_assembly *assembly, const ts_piece *piece) {
    if (piece->topic == NULL || piece->topic_size > assembly->capacity ||
        piece->total > assembly->capacity - piece->topic_size)
        return false;
    memcpy(assembly->memory, piece->topic, piece->topic_size);
    assembly->topic_size = piece->topic_size;
    assembly->size = 0;
    return true;
}

ts_piece_fate ts_assembly_add(ts_assembly *assembly, const ts_piece *piece) {
    bool fits = piece->offset == 0 ? begin(assembly, piece) : assembly->running && piece->offset == assembly->size;

    assembly->running = false;
    if (!fits || piece->size > piece->total || piece->offset > piece->total - piece->size ||
        piece->total > assembly->capacity - assembly->topic_size)
        return TS_PIECE_DROPPED;
    if (piece->size > 0) memcpy(assembly->memory + assembly->topic_size + piece->offset, piece->data, piece->size);
    assembly->size = piece->offset + piece->size;
    assembly->running = assembly->size < piece->total;
    return assembly->running ? TS_PIECE_MORE : TS_PIECE_LAST;
}
