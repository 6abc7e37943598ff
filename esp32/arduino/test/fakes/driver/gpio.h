/* Written from https://docs.espressif.com/projects/esp-idf/en/stable/esp32/api-reference/peripherals/gpio.html. */
#ifndef FAKE_GPIO_H
#define FAKE_GPIO_H

#include "../Arduino.h"

typedef int gpio_num_t;

inline esp_err_t gpio_set_level(gpio_num_t pin, uint32_t level) { // also of what is no output yet
    fake::chip.pins[pin] = static_cast<int>(level);
    return ESP_OK;
}

#endif
