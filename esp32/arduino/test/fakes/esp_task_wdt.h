/* Written from https://docs.espressif.com/projects/esp-idf/en/stable/esp32/api-reference/system/wdts.html. */
#ifndef FAKE_ESP_TASK_WDT_H
#define FAKE_ESP_TASK_WDT_H

#include "Arduino.h"

esp_err_t esp_task_wdt_status(void *task);
esp_err_t esp_task_wdt_reset();

#endif
