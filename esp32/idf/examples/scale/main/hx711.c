#include "hx711.h"

#include "driver/gpio.h"
#include "esp_rom_sys.h"
#include "freertos/FreeRTOS.h"
#include "freertos/task.h"
#include "sdkconfig.h"

#define BITS 24
#define WAITS 25 /* of 10 ms: it converts ten times a second */

static portMUX_TYPE lock = portMUX_INITIALIZER_UNLOCKED;

void hx711_init(void) {
    gpio_config_t clock = {.pin_bit_mask = 1ULL << CONFIG_SCALE_SCK_GPIO, .mode = GPIO_MODE_OUTPUT};
    gpio_config_t data = {.pin_bit_mask = 1ULL << CONFIG_SCALE_DT_GPIO, .mode = GPIO_MODE_INPUT};

    ESP_ERROR_CHECK(gpio_config(&clock));
    ESP_ERROR_CHECK(gpio_config(&data));
    gpio_set_level(CONFIG_SCALE_SCK_GPIO, 0);
}

static uint32_t pulse(void) {
    uint32_t bit;

    gpio_set_level(CONFIG_SCALE_SCK_GPIO, 1);
    esp_rom_delay_us(1);
    bit = (uint32_t)gpio_get_level(CONFIG_SCALE_DT_GPIO);
    gpio_set_level(CONFIG_SCALE_SCK_GPIO, 0);
    esp_rom_delay_us(1);
    return bit;
}

/* A clock that stays high for 60 us switches the chip off: nothing may come between. One more pulse: channel A
 * again. */
static uint32_t shift_in(void) {
    uint32_t bits = 0;

    taskENTER_CRITICAL(&lock);
    for (int i = 0; i < BITS; i++) bits = bits << 1 | pulse();
    pulse();
    taskEXIT_CRITICAL(&lock);
    return bits;
}

bool hx711_read(uint32_t *bits) {
    for (int i = 0; i < WAITS; i++) {
        if (gpio_get_level(CONFIG_SCALE_DT_GPIO) == 0) {
            *bits = shift_in();
            return true;
        }
        vTaskDelay(pdMS_TO_TICKS(10));
    }
    return false;
}
