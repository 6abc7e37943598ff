/* The transcripts of schemas/, made part of the program by the build (see transcripts.S.in). */
#ifndef TRANSCRIPTS_H
#define TRANSCRIPTS_H

#include <stddef.h>

typedef struct {
    const char *name; /* of the file; NULL ends the list */
    const char *text;
    size_t size;
} transcript;

extern const transcript transcripts[];

/* Play one against the core; return 0 where the core did what it says (test/replay). */
int replay_text(const char *name, const char *text, size_t size);

#endif
