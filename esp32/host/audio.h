/* A microphone that hears a file, and a loudspeaker that fills one, both in real time. */
#ifndef HOST_AUDIO_H
#define HOST_AUDIO_H

#include <stdio.h>

#include "talkstick.h"

#define NEVER UINT32_MAX

#define CHUNK_MS 40
#define CHUNK_BYTES (CHUNK_MS * 16 * 2)

typedef struct {
    char *pcm; /* 16 bits, 16 kHz; after its end there is silence */
    size_t size;
    bool is_on;
    bool lifts; /* the finger leaves the button at the end of the file */
    uint32_t began_ms;
    uint32_t chunks;        /* since then, the dropped ones included */
    uint32_t dropped;       /* since one was taken */
    uint32_t not_before_ms; /* nobody has room until then */
    char chunk[CHUNK_BYTES];
} microphone;

/* Let it hear a file, WAV or raw, from now on. Returns false where that is none. */
bool microphone_hear(microphone *self, const char *path);
void microphone_switch(microphone *self, bool on, uint32_t now_ms);

/* Return after how many milliseconds there is a chunk; NEVER: it is off. */
uint32_t microphone_due_ms(const microphone *self, uint32_t now_ms);

/* Write the chunk that is due; return whether there is one. It stays until it is taken. */
bool microphone_next(microphone *self, ts_event *event, uint32_t now_ms);
void microphone_taken(microphone *self, bool was_taken, uint32_t now_ms);

/* Tell, once, whether all was said that was to be, or nobody listens. */
bool microphone_lifts(microphone *self);

typedef struct {
    FILE *file; /* NULL: it is heard by nobody */
    uint8_t codec;
    bool is_playing;
    uint32_t until_ms;
} speaker;

void speaker_play(speaker *self, ts_text audio, uint32_t lost, uint32_t now_ms);
void speaker_hush(speaker *self);
uint32_t speaker_due_ms(const speaker *self, uint32_t now_ms);

/* Tell, once, whether it has played all. */
bool speaker_is_done(speaker *self, uint32_t now_ms);

#endif
