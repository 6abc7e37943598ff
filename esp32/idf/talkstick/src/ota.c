#include "ota.h"

#include "esp_log.h"
#include "esp_ota_ops.h"
#include "sdkconfig.h"

static const char *const TAG = "ota";

void ts_ota_confirm(void) {
    static bool confirmed;

    if (confirmed) return;
    confirmed = true;
    if (esp_ota_mark_app_valid_cancel_rollback() == ESP_OK) ESP_LOGI(TAG, "this firmware stays");
}

#ifdef CONFIG_TALKSTICK_OTA
#include <string.h>

#include "esp_crt_bundle.h"
#include "esp_https_ota.h"
#include "esp_system.h"
#include "freertos/FreeRTOS.h"
#include "freertos/task.h"
#include "talkstick_app.h"
#include "url.h"

#define URL_BYTES 256
#define STACK_BYTES 8192
#define PRIORITY 4
#define TIMEOUT_MS 10000

static char url[URL_BYTES];
static volatile bool under_way;
static uint32_t work; /* that it was asked for in */

/* The holder of a session commands it: so it is only ever taken from where the build says. */
static void fetch(void *unused) {
    esp_http_client_config_t http = {
        .url = url,
        .timeout_ms = TIMEOUT_MS,
        .keep_alive_enable = true,
        .crt_bundle_attach = esp_crt_bundle_attach,
    };
    esp_https_ota_config_t ota = {.http_config = &http};

    (void)unused;
    if (esp_https_ota(&ota) == ESP_OK) esp_restart();
    ESP_LOGE(TAG, "%s could not be taken", url);
    ts_app_report(work, "{\"ota\":\"failed\"}", false);
    under_way = false;
    vTaskDelete(NULL);
}

static bool allowed(ts_text data) {
    return ts_app_string(data, "url", url, sizeof url) && strlen(url) < sizeof url - 1 &&
           ts_url_is_below(url, CONFIG_TALKSTICK_OTA_URL_PREFIX);
}

bool ts_ota_command(ts_text name, ts_text data) {
    if (name.size != strlen("ota") || memcmp(name.data, "ota", name.size) != 0) return false;
    if (under_way) return true;
    if (!allowed(data)) {
        ts_app_report(ts_app_work(), "{\"ota\":\"refused\"}", false);
        return true;
    }
    work = ts_app_work();
    ts_app_report(work, "{\"ota\":\"begun\"}", false);
    under_way = true;
    if (xTaskCreate(fetch, "ota", STACK_BYTES, NULL, PRIORITY, NULL) != pdPASS) under_way = false;
    return true;
}
#else
bool ts_ota_command(ts_text name, ts_text data) {
    (void)name;
    (void)data;
    return false;
}
#endif
