/* The I2S bus: the microphone hears one sample all the time; 90 ms fit into the loudspeaker's buffers. */
#include "fake.h"

#include <stdlib.h>

#include "driver/i2s_std.h"

#define FRAME_BYTES 8 /* two slots of 32 bits */
#define FRAMES_A_MS 16
#define BUFFER_MS 90

struct i2s_channel_obj_t {
    bool enabled;
    uint32_t until; /* when what was written will have been played */
};

int16_t fake_heard;
uint32_t fake_played;
int16_t fake_said;

static struct i2s_channel_obj_t channels[2];

esp_err_t i2s_new_channel(const i2s_chan_config_t *config, i2s_chan_handle_t *tx, i2s_chan_handle_t *rx) {
    *tx = &channels[0];
    *rx = &channels[1];
    return config->auto_clear ? ESP_OK : ESP_FAIL;
}

esp_err_t i2s_channel_init_std_mode(struct i2s_channel_obj_t *channel, const i2s_std_config_t *config) {
    (void)channel;
    return config->clk_cfg.sample_rate_hz == 16000 && config->slot_cfg.data_bit_width == 32 ? ESP_OK : ESP_FAIL;
}

esp_err_t i2s_channel_enable(struct i2s_channel_obj_t *channel) {
    channel->enabled = true;
    return ESP_OK;
}

static bool never(void *unused) {
    (void)unused;
    return false;
}

esp_err_t i2s_channel_read(struct i2s_channel_obj_t *channel, void *to, size_t size, size_t *read,
                           uint32_t timeout_ms) {
    int32_t *slots = to;

    (void)timeout_ms;
    if (!channel->enabled) abort();
    fake_wait(never, NULL, (uint32_t)(size / FRAME_BYTES / FRAMES_A_MS));
    for (size_t i = 0; i < size / sizeof *slots; i++) slots[i] = i % 2 == 0 ? fake_heard * 65536 : 0;
    *read = size;
    return ESP_OK;
}

esp_err_t i2s_channel_write(struct i2s_channel_obj_t *channel, const void *from, size_t size, size_t *written,
                            uint32_t timeout_ms) {
    const int32_t *slots = from;
    uint32_t frames = (uint32_t)(size / FRAME_BYTES);

    (void)timeout_ms;
    if (!channel->enabled) abort();
    if (channel->until < fake_now_ms()) channel->until = fake_now_ms();
    channel->until += frames / FRAMES_A_MS;
    if (channel->until > fake_now_ms() + BUFFER_MS) fake_wait(never, NULL, channel->until - fake_now_ms() - BUFFER_MS);
    fake_played += frames;
    fake_said = (int16_t)(slots[2 * frames - 1] / 65536);
    *written = size;
    return ESP_OK;
}
