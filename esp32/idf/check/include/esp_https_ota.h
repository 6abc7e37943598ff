/* API Reference, System, ESP HTTPS OTA; Protocols, ESP HTTP Client */
#pragma once
#include <stdbool.h>
#include "esp_err.h"
typedef struct {
    const char *url;
    int timeout_ms;
    bool keep_alive_enable;
    esp_err_t (*crt_bundle_attach)(void *conf);
} esp_http_client_config_t;
typedef struct {
    const esp_http_client_config_t *http_config;
} esp_https_ota_config_t;
esp_err_t esp_https_ota(const esp_https_ota_config_t *config);
