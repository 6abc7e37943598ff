#include "sound.h"

#include "sdkconfig.h"

#ifdef CONFIG_TALKSTICK_VOICE
#include <string.h>

#include "driver/i2s_std.h"
#include "esp_err.h"
#include "pcm.h"

#define RATE_HZ 16000
#define WAIT_MS 1000
#define SLOTS 2   /* left and right: the microphone fills one, the loudspeaker mixes both */
#define BLOCK 160 /* samples that are converted at once */

static i2s_chan_handle_t microphone;
static i2s_chan_handle_t loudspeaker;

static void start(i2s_chan_handle_t channel, const i2s_std_config_t *config) {
    ESP_ERROR_CHECK(i2s_channel_init_std_mode(channel, config));
    ESP_ERROR_CHECK(i2s_channel_enable(channel));
}

/* Both directions are configured alike: then they share the clock. The loudspeaker is silent by itself when nobody
 * gives it anything. */
void ts_sound_init(void) {
    i2s_chan_config_t channel = I2S_CHANNEL_DEFAULT_CONFIG(I2S_NUM_0, I2S_ROLE_MASTER);
    i2s_std_config_t config = {
        .clk_cfg = I2S_STD_CLK_DEFAULT_CONFIG(RATE_HZ),
        .slot_cfg = I2S_STD_PHILIPS_SLOT_DEFAULT_CONFIG(I2S_DATA_BIT_WIDTH_32BIT, I2S_SLOT_MODE_STEREO),
        .gpio_cfg = {.mclk = I2S_GPIO_UNUSED,
                     .bclk = CONFIG_TALKSTICK_I2S_BCLK_GPIO,
                     .ws = CONFIG_TALKSTICK_I2S_WS_GPIO,
                     .dout = CONFIG_TALKSTICK_I2S_DOUT_GPIO,
                     .din = CONFIG_TALKSTICK_I2S_DIN_GPIO},
    };

    channel.auto_clear = true;
    ESP_ERROR_CHECK(i2s_new_channel(&channel, &loudspeaker, &microphone));
    start(loudspeaker, &config);
    start(microphone, &config);
}

/* The microphone speaks in the left slot (its pin L/R is at ground), with 24 bits at the top of the 32. */
void ts_sound_read(int16_t *samples) {
    static int32_t slots[SLOTS * BLOCK];

    for (size_t at = 0; at < TS_SOUND_SAMPLES; at += BLOCK) {
        size_t size = 0;
        if (i2s_channel_read(microphone, slots, sizeof slots, &size, WAIT_MS) != ESP_OK)
            memset((char *)slots + size, 0, sizeof slots - size);
        for (size_t i = 0; i < BLOCK; i++)
            samples[at + i] = ts_pcm_from_i2s(slots[SLOTS * i], CONFIG_TALKSTICK_MIC_GAIN);
    }
}

static void write_block(const int16_t *samples, size_t count) {
    static int32_t slots[SLOTS * BLOCK];
    size_t written;

    for (size_t i = 0; i < count; i++)
        slots[SLOTS * i] = slots[SLOTS * i + 1] = samples == NULL ? 0 : samples[i] * 65536;
    i2s_channel_write(loudspeaker, slots, count * SLOTS * sizeof slots[0], &written, WAIT_MS);
}

void ts_sound_write(const int16_t *samples, size_t count) {
    for (size_t at = 0; at < count; at += BLOCK) write_block(samples + at, count - at < BLOCK ? count - at : BLOCK);
}

void ts_sound_silence(size_t count) {
    for (size_t at = 0; at < count; at += BLOCK) write_block(NULL, count - at < BLOCK ? count - at : BLOCK);
}
#endif
