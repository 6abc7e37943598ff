/* Reads `scale-1 boot=16 output=relay:off voice …`, and `k7qm2-… mac=… nonce=…`. */
#include <string.h>

#include "script.h"

typedef struct {
    const char *name;
    size_t offset;
} field;

#define FIELD(name) {#name, offsetof(script_board, config.name)}
#define EXTRA(name) {#name, offsetof(script_board, name)}

static const field numbers[] = {
    FIELD(boot),          FIELD(seed),           FIELD(buffer_ms),      FIELD(max_payload), FIELD(heartbeat_ms),
    FIELD(link_grace_ms), FIELD(backoff_min_ms), FIELD(backoff_max_ms), FIELD(give_up_ms),  EXTRA(clock),
};
static const field texts[] = {
    FIELD(prefix), FIELD(model), FIELD(firmware), FIELD(trigger), EXTRA(mac), EXTRA(nonce),
};
static const field flags[] = {FIELD(clean_step), FIELD(voice), FIELD(badges), FIELD(pulse)};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define WORD(name, word) word,
static const char *const codecs[] = {TS_CODECS(WORD)};

static const field *find(const field *fields, size_t count, ts_text name) {
    for (size_t at = 0; at < count; at++) {
        if (is_word(name, fields[at].name)) {
            return &fields[at];
        }
    }
    return NULL;
}

static const char *keep(script_board *board, ts_text text) {
    if (text.size >= sizeof board->texts - board->used) {
        return NULL;
    }
    char *kept = board->texts + board->used;
    memcpy(kept, text.data, text.size);
    kept[text.size] = '\0';
    board->used += text.size + 1;
    return kept;
}

static bool read_output(script_board *board, ts_text value) {
    size_t colon = 0;
    while (colon < value.size && value.data[colon] != ':') {
        colon++;
    }
    if (colon == value.size || board->config.output_count == MAX_OUTPUTS) {
        return false;
    }
    const char *name = keep(board, (ts_text){value.data, colon});
    bool safe = is_word((ts_text){value.data + colon, value.size - colon}, ":on");
    board->outputs[board->config.output_count++] = (ts_output){name, safe};
    return name != NULL;
}

static bool read_codec(uint8_t *codec, ts_text value) {
    for (uint8_t at = 0; at < COUNT(codecs); at++) {
        if (is_word(value, codecs[at])) {
            *codec = at;
            return true;
        }
    }
    return false;
}

static bool set_number(script_board *board, const field *known, ts_text value) {
    uint32_t number;
    if (!read_number(value, &number)) {
        return false;
    }
    memcpy((char *)board + known->offset, &number, sizeof number);
    return true;
}

static bool set_text(script_board *board, const field *known, ts_text value) {
    const char *kept = keep(board, value);
    memcpy((char *)board + known->offset, &kept, sizeof kept);
    return kept != NULL;
}

static bool read_frame_bytes(script_board *board, ts_text value) {
    uint32_t number;
    if (!read_number(value, &number) || number > UINT16_MAX) {
        return false;
    }
    board->config.frame_bytes = (uint16_t)number;
    return true;
}

static bool read_pair(script_board *board, ts_text name, ts_text value) {
    const field *known = find(numbers, COUNT(numbers), name);
    if (known != NULL) {
        return set_number(board, known, value);
    }
    known = find(texts, COUNT(texts), name);
    if (known != NULL) {
        return set_text(board, known, value);
    }
    if (is_word(name, "output")) {
        return read_output(board, value);
    }
    if (is_word(name, "heard")) {
        return read_codec(&board->config.heard_codec, value);
    }
    if (is_word(name, "speech")) {
        return read_codec(&board->config.speech_codec, value);
    }
    return is_word(name, "frame_bytes") && read_frame_bytes(board, value);
}

static bool read_trait(script_board *board, ts_text word) {
    size_t end = 0;
    while (end < word.size && word.data[end] != '=') {
        end++;
    }
    if (end < word.size) {
        return read_pair(board, (ts_text){word.data, end}, (ts_text){word.data + end + 1, word.size - end - 1});
    }
    const field *known = find(flags, COUNT(flags), word);
    if (known == NULL) {
        return false;
    }
    bool yes = true;
    memcpy((char *)board + known->offset, &yes, sizeof yes);
    return true;
}

bool read_board(script_board *board, ts_text line) {
    memset(board, 0, sizeof *board);
    board->config.id = keep(board, take_word(&line));
    board->config.outputs = board->outputs;
    while (line.size > 0) {
        if (!read_trait(board, take_word(&line))) {
            return false;
        }
    }
    return board->config.id != NULL;
}
