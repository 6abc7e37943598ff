/* What the board is, for those who ask. */
#include "internal.h"

static const char *codec_word(uint8_t codec) {
#define WORD(NAME, TEXT) TEXT,
    static const char *const words[] = {TS_CODECS(WORD)};
#undef WORD
    return codec < sizeof words / sizeof words[0] ? words[codec] : words[0];
}

static void put_text_if_any(ts_writer *out, const char *key, const char *text) {
    if (text == NULL) return;
    ts_put_key(out, key);
    ts_put_string(out, text);
}

static void put_capabilities(ts_writer *out, const ts_config *config) {
    ts_put_key(out, TS_KEY_CAPABILITIES);
    ts_put(out, "[");
    for (size_t i = 0; i < config->output_count; i++) {
        if (i > 0) ts_put(out, ",");
        ts_put_string(out, config->outputs[i].name);
    }
    ts_put(out, "]");
}

static void put_number(ts_writer *out, const char *key, uint32_t number) {
    ts_put_key(out, key);
    ts_put_u32(out, number);
}

static void put_audio(ts_writer *out, const ts_device *device) {
    ts_put_key(out, TS_KEY_AUDIO);
    ts_put(out, "{");
    put_text_if_any(out, TS_KEY_SPEECH, codec_word(device->config->speech_codec));
    put_number(out, TS_KEY_FRAME_BYTES, ts_frame_bytes(device));
    put_number(out, TS_KEY_BUFFER_MS, ts_buffer_ms(device));
    ts_put(out, "}");
}

bool ts_info_write(ts_device *device, ts_writer *out) {
    const ts_config *config = device->config;

    ts_put(out, "{");
    put_text_if_any(out, TS_KEY_MODEL, config->model);
    put_text_if_any(out, TS_KEY_FIRMWARE, config->firmware);
    put_capabilities(out, config);
    if (config->max_payload > 0) {
        ts_put_key(out, TS_KEY_LIMITS);
        ts_put(out, "{");
        put_number(out, "max_payload", config->max_payload);
        ts_put(out, "}");
    }
    if (config->voice) put_audio(out, device);
    if (config->clean_step) {
        ts_put_key(out, TS_KEY_CLEAN_STEP);
        ts_put(out, "true");
    }
    ts_put(out, "}");
    return true;
}
