/* The codecs of this build, and how much memory their audio takes. The rings hold at least 1.5 s: that is how long a
 * publish over TLS may hang. */
#ifndef TS_CODEC_H
#define TS_CODEC_H

#include "pcm.h"
#include "sdkconfig.h"
#include "talkstick_contract.h"

#define TS_RING_PCM16 65536    /* 2 s of 16 bits at 16 kHz */
#define TS_RING_MULAW 16384    /* 2 s of 8 bits at 8 kHz */
#define TS_RING_BUFFER_MS 1500 /* of that is told to the server: frames bring their own overhead */

#ifdef CONFIG_TALKSTICK_HEARD_MULAW
#define TS_CODEC_HEARD TS_CODEC_MULAW_8K
#define TS_CODEC_HEARD_RING TS_RING_MULAW
#else
#define TS_CODEC_HEARD TS_CODEC_PCM16_16K
#define TS_CODEC_HEARD_RING TS_RING_PCM16
#endif

#ifdef CONFIG_TALKSTICK_SAID_MULAW
#define TS_CODEC_SAID TS_CODEC_MULAW_8K
#define TS_CODEC_SAID_RING TS_RING_MULAW
#else
#define TS_CODEC_SAID TS_CODEC_PCM16_16K
#define TS_CODEC_SAID_RING TS_RING_PCM16
#endif
#define TS_CODEC_SAID_BUFFER_MS TS_RING_BUFFER_MS

/* Encode what was heard; return how many bytes that made: at most two for each sample. */
size_t ts_codec_encode(const int16_t *samples, size_t count, uint8_t *codes);

/* Decode what is to be said; return how many samples that made: at most two for each byte. */
size_t ts_codec_decode(const uint8_t *codes, size_t size, int16_t *samples);

#endif
