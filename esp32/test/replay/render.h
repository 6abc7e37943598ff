/* Actions as transcripts have them. */
#ifndef RENDER_H
#define RENDER_H

#include "lines.h"

/* Write two more words; an empty one is none. */
void put_words(line_out *out, const char *first, const char *second);

/* Write an action into `out`, as a line of a transcript. */
void render(line_out *out, const ts_action *action, const ts_config *config, const ts_view *view);

#endif
