/* Who a transcript is about: a board (`device …`), or one that claims its credentials (`claim …`). */
#ifndef SUBJECT_H
#define SUBJECT_H

#include "script.h"
#include "talkstick_claim.h"

typedef struct {
    bool claims;
    bool started;
    script_board board;
    ts_device device;
    ts_claim claim;
    ts_claim_state told;
} subject;

/* Read the line that describes it; return false where it does not. */
bool subject_read(subject *it, ts_text line);

bool subject_start(subject *it, uint32_t now);
bool subject_handle(subject *it, const ts_event *event, uint32_t now);
bool subject_next(subject *it, ts_action *action);

/* Write an action as transcripts have it. */
void subject_render(const subject *it, const ts_action *action, uint32_t now, line_out *out);

/* Write how a claim ended, once; return whether there is anything new. */
bool subject_news(subject *it, line_out *out);

#endif
