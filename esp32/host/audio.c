#include "audio.h"

#include <stdlib.h>
#include <string.h>

#define LARGEST_FILE (16 * 1024 * 1024)
#define RING_CHUNKS (1500 / CHUNK_MS) /* what a board would keep for a network that stutters */
#define LOOK_AGAIN_MS 20

static uint32_t until(uint32_t moment, uint32_t now) { return (int32_t)(moment - now) > 0 ? moment - now : 0; }

static uint32_t little_endian(const char *data) {
    const unsigned char *bytes = (const unsigned char *)data;
    return bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 | (uint32_t)bytes[3] << 24;
}

/* Find the samples of a WAV file; all of it, where it is none. */
static ts_text samples_in(const char *file, size_t size) {
    if (size < 12 || memcmp(file, "RIFF", 4) != 0 || memcmp(file + 8, "WAVE", 4) != 0) {
        return (ts_text){file, size};
    }
    for (size_t at = 12; size - at >= 8;) {
        size_t length = little_endian(file + at + 4), left = size - at - 8;
        length = length < left ? length : left; /* who streams a WAV file does not know its length */
        if (memcmp(file + at, "data", 4) == 0) {
            return (ts_text){file + at + 8, length};
        }
        length += length & 1u;
        at += 8 + (length < left ? length : left);
    }
    return (ts_text){file, 0};
}

bool microphone_hear(microphone *self, const char *path) {
    FILE *file = fopen(path, "rb");
    char *all = file == NULL ? NULL : malloc(LARGEST_FILE);
    if (all == NULL) {
        if (file != NULL) {
            fclose(file);
        }
        return false;
    }
    ts_text samples = samples_in(all, fread(all, 1, LARGEST_FILE, file));
    fclose(file);
    memmove(all, samples.data, samples.size);
    free(self->pcm);
    self->pcm = all;
    self->size = samples.size;
    return samples.size > 0;
}

void microphone_switch(microphone *self, bool on, uint32_t now_ms) {
    self->is_on = on;
    self->began_ms = self->not_before_ms = now_ms;
    self->chunks = self->dropped = 0;
}

uint32_t microphone_due_ms(const microphone *self, uint32_t now_ms) {
    if (!self->is_on) {
        return NEVER;
    }
    uint32_t spoken = until(self->began_ms + (self->chunks + 1) * CHUNK_MS, now_ms);
    uint32_t room = until(self->not_before_ms, now_ms);
    return spoken > room ? spoken : room;
}

bool microphone_next(microphone *self, ts_event *event, uint32_t now_ms) {
    if (microphone_due_ms(self, now_ms) > 0) {
        return false;
    }
    uint32_t ready = (now_ms - self->began_ms) / CHUNK_MS;
    if (ready - self->chunks > RING_CHUNKS) {
        uint32_t excess = ready - self->chunks - RING_CHUNKS;
        self->chunks += excess;
        self->dropped += excess;
    }
    size_t from = (size_t)self->chunks * CHUNK_BYTES;
    size_t left = from < self->size ? self->size - from : 0;
    size_t size = left < CHUNK_BYTES ? left : CHUNK_BYTES;
    memset(self->chunk, 0, sizeof self->chunk);
    if (size > 0) {
        memcpy(self->chunk, self->pcm + from, size);
    }
    *event = (ts_event){.kind = TS_EV_AUDIO, .number = self->dropped, .data = {self->chunk, CHUNK_BYTES}};
    return true;
}

void microphone_taken(microphone *self, bool was_taken, uint32_t now_ms) {
    if (was_taken) {
        self->chunks++;
        self->dropped = 0;
    } else {
        self->not_before_ms = now_ms + LOOK_AGAIN_MS;
    }
}

bool microphone_lifts(microphone *self) {
    bool is_at_end = self->lifts && (!self->is_on || (size_t)self->chunks * CHUNK_BYTES >= self->size);
    self->lifts = self->lifts && !is_at_end;
    return is_at_end;
}

/* How many bytes of audio sound for a millisecond; 0: nobody knows without decoding it. */
static uint32_t bytes_per_ms(uint8_t codec) {
    switch (codec) {
    case TS_CODEC_PCM16_16K: return 32;
    case TS_CODEC_PCM16_8K: return 16;
    case TS_CODEC_MULAW_8K: return 8;
    default: return 0;
    }
}

void speaker_play(speaker *self, ts_text audio, uint32_t lost, uint32_t now_ms) {
    uint32_t rate = bytes_per_ms(self->codec);
    char silence = self->codec == TS_CODEC_MULAW_8K ? (char)0xff : 0;
    size_t gap = rate == 0 ? 0 : lost * audio.size;
    for (size_t at = 0; self->file != NULL && at < gap; at++) {
        putc(silence, self->file);
    }
    if (self->file != NULL) {
        fwrite(audio.data, 1, audio.size, self->file);
        fflush(self->file);
    }
    if (!self->is_playing) {
        self->is_playing = true;
        self->until_ms = now_ms;
    }
    self->until_ms += rate == 0 ? 0 : (uint32_t)((gap + audio.size) / rate);
}

void speaker_hush(speaker *self) { self->is_playing = false; }

uint32_t speaker_due_ms(const speaker *self, uint32_t now_ms) {
    return self->is_playing ? until(self->until_ms, now_ms) : NEVER;
}

bool speaker_is_done(speaker *self, uint32_t now_ms) {
    bool is_done = speaker_due_ms(self, now_ms) == 0;
    self->is_playing = self->is_playing && !is_done;
    return is_done;
}
