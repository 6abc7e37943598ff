/* Written from https://docs.espressif.com/projects/esp-idf/en/stable/esp32/api-reference/system/random.html. */
#ifndef FAKE_ESP_RANDOM_H
#define FAKE_ESP_RANDOM_H

#include <stdint.h>

inline uint32_t esp_random() { return 0x1234ABCD; }

#endif
