/* API Reference, System, Logging library */
#pragma once
#include <stdio.h>
__attribute__((format(printf, 2, 3))) void check_log(const char *tag, const char *format, ...);
#define ESP_LOGE(tag, ...) check_log(tag, __VA_ARGS__)
#define ESP_LOGW(tag, ...) check_log(tag, __VA_ARGS__)
#define ESP_LOGI(tag, ...) check_log(tag, __VA_ARGS__)
