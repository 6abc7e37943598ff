/* docs.espressif.com/projects/esp-idf: API Guides, Error Handling */
#pragma once
typedef int esp_err_t;
#define ESP_OK 0
#define ESP_FAIL (-1)
#define ESP_ERR_NO_MEM 0x101
const char *esp_err_to_name(esp_err_t code);
void check_abort(esp_err_t code);
#define ESP_ERROR_CHECK(x) check_abort(x)
