#include "pcm.h"

#define BIAS 132
#define CLIP (32767 - BIAS)

uint8_t ts_mulaw_encode(int16_t sample) {
    int32_t magnitude = sample < 0 ? -(int32_t)sample : sample;
    unsigned exponent = 7;

    if (magnitude > CLIP) magnitude = CLIP;
    magnitude += BIAS;
    while (exponent > 0 && (magnitude & (1 << (exponent + 7))) == 0) exponent--;
    unsigned mantissa = ((unsigned)magnitude >> (exponent + 3)) & 15u;
    return (uint8_t)~((sample < 0 ? 0x80u : 0u) | exponent << 4 | mantissa);
}

int16_t ts_mulaw_decode(uint8_t code) {
    unsigned bits = (uint8_t)~code;
    unsigned exponent = (bits >> 4) & 7u;
    int32_t magnitude = (int32_t)((((bits & 15u) << 3) + BIAS) << exponent) - BIAS;

    return (int16_t)(bits & 0x80u ? -magnitude : magnitude);
}

int16_t ts_pcm_from_i2s(int32_t sample, unsigned gain) {
    int64_t louder = (int64_t)sample * ((int64_t)1 << gain) / 65536;

    if (louder > INT16_MAX) return INT16_MAX;
    return louder < INT16_MIN ? INT16_MIN : (int16_t)louder;
}

size_t ts_pcm_to_mulaw(const int16_t *samples, size_t count, uint8_t *codes) {
    for (size_t i = 0; i + 1 < count; i += 2)
        codes[i / 2] = ts_mulaw_encode((int16_t)((samples[i] + samples[i + 1]) / 2));
    return count / 2;
}

size_t ts_pcm_from_mulaw(const uint8_t *codes, size_t count, int16_t *samples, int16_t *last) {
    for (size_t i = 0; i < count; i++) {
        int16_t now = ts_mulaw_decode(codes[i]);
        samples[2 * i] = (int16_t)((*last + now) / 2);
        samples[2 * i + 1] = now;
        *last = now;
    }
    return 2 * count;
}
