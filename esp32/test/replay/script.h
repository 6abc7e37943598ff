/* What a transcript says: the board, and what happens to it. */
#ifndef SCRIPT_H
#define SCRIPT_H

#include "lines.h"

#define MAX_OUTPUTS 4
#define MAX_WAITING 256 /* acknowledgements that are due */

/* What was sent, and is answered in this order; tokens of one kind. */
typedef struct {
    uint16_t tokens[MAX_WAITING];
    size_t first, count;
} tokens_due;

void token_add(tokens_due *due, uint16_t token);
bool token_take(tokens_due *due, uint16_t *token);

/* A board as the line `device …` describes it, or `claim …`: then its id is the code. */
typedef struct {
    ts_config config;
    const char *mac, *nonce; /* of a claim */
    ts_output outputs[MAX_OUTPUTS];
    char texts[512]; /* what the configuration points to */
    size_t used;
    uint32_t clock; /* of the board, when the transcript begins */
} script_board;

bool read_board(script_board *board, ts_text line);

/* Fill in the event that a line tells. Returns whether it is one. */
bool read_event(ts_event *event, ts_text line, char *store);

#endif
