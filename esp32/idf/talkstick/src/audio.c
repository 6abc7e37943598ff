#include "audio.h"

#include "sdkconfig.h"

#ifdef CONFIG_TALKSTICK_VOICE
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "codec.h"
#include "frames.h"
#include "freertos/FreeRTOS.h"
#include "freertos/task.h"
#include "port.h"
#include "sound.h"

#define MIC_STACK_BYTES 4096
#define MIC_PRIORITY 8 /* above all that may wait: what is not read in time is lost */
#define SPEAKER_STACK_BYTES 4096
#define SPEAKER_PRIORITY 7
#define FRAME_BYTES (TS_USUAL_FRAME - TS_FRAME_HEADER)

static ts_frames heard; /* from the microphone's task to that of the port */
static ts_frames said;  /* from there to the loudspeaker's */
static _Atomic bool recording;
static TaskHandle_t speaker;

static char chunk[FRAME_BYTES]; /* what was taken out of `heard`, and waits for the core */
static ts_event chunk_event;
static bool chunk_full;
static bool ending; /* the microphone was switched off, and the core does not know yet that this was all */

/* -- Microphone --------------------------------------------------------------------------------------------------- */

/* It never publishes: it reads, encodes, and puts into the ring. One wake-up call is enough for what comes
 * meanwhile. */
static void capture(void *unused) {
    static int16_t samples[TS_SOUND_SAMPLES];
    static uint8_t codes[TS_SOUND_SAMPLES * sizeof(int16_t)];
    static const ts_event wake = {.kind = TS_EV_TICK};
    size_t size;
    bool idle;

    (void)unused;
    for (;;) {
        ts_sound_read(samples);
        if (!atomic_load(&recording)) continue;
        size = ts_codec_encode(samples, TS_SOUND_SAMPLES, codes);
        idle = atomic_load(&heard.head) == atomic_load(&heard.tail);
        ts_frames_put(&heard, codes, (uint16_t)size, 0);
        if (idle) ts_port_post(&wake, TS_ANY_LIFE, TS_POST_NOW);
    }
}

/* What was heard before it was switched off is still taken; then an empty event says that this was all. What is left of
 * the recording before is void. Called by the task that takes. */
void ts_audio_record(bool on) {
    uint16_t size;
    uint32_t lost;

    atomic_store(&recording, on);
    ending = !on;
    if (!on) return;
    while (ts_frames_take(&heard, chunk, sizeof chunk, &size, &lost)) {
    }
    chunk_full = false;
}

const ts_event *ts_audio_heard(void) {
    uint16_t size = 0;
    uint32_t lost = 0;

    if (chunk_full) return &chunk_event;
    if (!ts_frames_take(&heard, chunk, sizeof chunk, &size, &lost) && !ending) return NULL;
    ending = ending && size > 0;
    chunk_event = (ts_event){.kind = TS_EV_AUDIO, .number = lost, .data = {chunk, size}};
    chunk_full = true;
    return &chunk_event;
}

void ts_audio_taken(void) { chunk_full = false; }

bool ts_audio_waiting(void) { return chunk_full || atomic_load(&heard.head) != atomic_load(&heard.tail); }

/* -- Loudspeaker -------------------------------------------------------------------------------------------------- */

static void play(const uint8_t *codes, uint16_t size, uint32_t lost) {
    static int16_t samples[2 * FRAME_BYTES];
    size_t count = ts_codec_decode(codes, size, samples);

    for (; lost > 0 && lost <= TS_SOUND_LONGEST_GAP; lost--)
        ts_sound_silence(count); /* frames of a turn are equally long, but for the last */
    ts_sound_write(samples, count);
}

static void speak(void *unused) {
    static uint8_t codes[FRAME_BYTES];
    uint16_t size;
    uint32_t lost;

    (void)unused;
    for (;;) {
        ulTaskNotifyTake(pdTRUE, portMAX_DELAY);
        if (ts_frames_empty(&said)) continue;
        while (ts_frames_take(&said, codes, sizeof codes, &size, &lost)) play(codes, size, lost);
        ts_port_post(&(ts_event){.kind = TS_EV_PLAYED}, TS_ANY_LIFE, TS_POST_WAIT);
    }
}

void ts_audio_play(ts_text data, uint32_t lost) {
    ts_frames_put(&said, data.data, (uint16_t)data.size, lost);
    xTaskNotifyGive(speaker);
}

void ts_audio_hush(void) { ts_frames_hush(&said); }

/* -- The start ---------------------------------------------------------------------------------------------------- */

void ts_audio_configure(ts_config *config) {
    config->voice = true;
    config->heard_codec = TS_CODEC_HEARD;
    config->speech_codec = TS_CODEC_SAID;
    config->frame_bytes = TS_USUAL_FRAME;
    config->buffer_ms = TS_CODEC_SAID_BUFFER_MS;
}

static void make_ring(ts_frames *ring, uint32_t size) {
    uint8_t *memory = malloc(size);

    if (memory == NULL) abort();
    ts_frames_init(ring, memory, size);
}

void ts_audio_init(void) {
    make_ring(&heard, TS_CODEC_HEARD_RING);
    make_ring(&said, TS_CODEC_SAID_RING);
    ts_sound_init();
    if (xTaskCreate(speak, "speaker", SPEAKER_STACK_BYTES, NULL, SPEAKER_PRIORITY, &speaker) != pdPASS ||
        xTaskCreate(capture, "microphone", MIC_STACK_BYTES, NULL, MIC_PRIORITY, NULL) != pdPASS)
        abort();
}
#else
void ts_audio_configure(ts_config *config) { (void)config; }

void ts_audio_init(void) {}

const ts_event *ts_audio_heard(void) { return NULL; }

void ts_audio_taken(void) {}

bool ts_audio_waiting(void) { return false; }

void ts_audio_record(bool on) { (void)on; }

void ts_audio_play(ts_text data, uint32_t lost) {
    (void)data;
    (void)lost;
}

void ts_audio_hush(void) {}
#endif
