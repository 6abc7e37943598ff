/* Plays a transcript (schemas/transcripts) to the core, and compares what it does with what is written there.
 *
 * Nothing in here allocates memory, or needs more of a C library than memcpy, memset, memcmp and strlen: it runs on a
 * PC, and on a bare chip with the texts built in.
 */
#ifndef REPLAY_H
#define REPLAY_H

#include <stddef.h>

/* Replay `text`; `name` is for messages. Returns 0 if all was as written; else emits the first difference. */
int replay_text(const char *name, const char *text, size_t size);

/* Emit the text with the actions that the core really takes in place of those that are written. Returns 0, or 1 where
 * the text is no transcript. */
int replay_print(const char *name, const char *text, size_t size);

/* Put out a piece of text; whoever uses this supplies it. */
void emit(const char *text);

#endif
