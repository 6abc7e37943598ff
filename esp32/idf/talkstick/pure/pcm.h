/* Samples: the microphone gives 32 bits at 16 kHz, the server takes 16 bits at 16 kHz or mu-law at 8 kHz. */
#ifndef TS_PCM_H
#define TS_PCM_H

#include <stddef.h>
#include <stdint.h>

/* One sample of G.711 mu-law, and back. */
uint8_t ts_mulaw_encode(int16_t sample);
int16_t ts_mulaw_decode(uint8_t code);

/* One sample of the I2S bus, 2^gain times as loud, cut where that is too loud. */
int16_t ts_pcm_from_i2s(int32_t sample, unsigned gain);

/* Write `count` samples at 16 kHz as mu-law at 8 kHz; return how many bytes that made. */
size_t ts_pcm_to_mulaw(const int16_t *samples, size_t count, uint8_t *codes);

/* Write `count` bytes of mu-law at 8 kHz as samples at 16 kHz; return how many. `last`: the sample before. */
size_t ts_pcm_from_mulaw(const uint8_t *codes, size_t count, int16_t *samples, int16_t *last);

#endif
