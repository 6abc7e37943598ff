#include "codec.h"

#include <string.h>

size_t ts_codec_encode(const int16_t *samples, size_t count, uint8_t *codes) {
#ifdef CONFIG_TALKSTICK_HEARD_MULAW
    return ts_pcm_to_mulaw(samples, count, codes);
#else
    memcpy(codes, samples, count * sizeof *samples); /* the chips are little endian, as the frames are */
    return count * sizeof *samples;
#endif
}

size_t ts_codec_decode(const uint8_t *codes, size_t size, int16_t *samples) {
#ifdef CONFIG_TALKSTICK_SAID_MULAW
    static int16_t last;

    return ts_pcm_from_mulaw(codes, size, samples, &last);
#else
    memcpy(samples, codes, size / sizeof *samples * sizeof *samples);
    return size / sizeof *samples;
#endif
}
