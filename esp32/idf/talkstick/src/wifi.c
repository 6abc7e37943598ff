#include "wifi.h"

#include <stdlib.h>
#include <string.h>

#include "esp_event.h"
#include "esp_log.h"
#include "esp_netif.h"
#include "esp_timer.h"
#include "esp_wifi.h"
#include "freertos/FreeRTOS.h"
#include "freertos/event_groups.h"

#define HAS_ADDRESS 1u
#define FIRST_RETRY_MS 500u
#define LONGEST_RETRY_MS 16000u

static const char *const TAG = "wifi";

static EventGroupHandle_t state;
static esp_timer_handle_t retry;
static uint32_t retry_ms = FIRST_RETRY_MS;

static void try_again(void *unused) {
    (void)unused;
    esp_wifi_connect();
}

static void disconnected(const wifi_event_sta_disconnected_t *why) {
    xEventGroupClearBits(state, HAS_ADDRESS);
    ESP_LOGW(TAG, "disconnected, reason %u; again in %u ms", (unsigned)why->reason, (unsigned)retry_ms);
    esp_timer_start_once(retry, (uint64_t)retry_ms * 1000);
    retry_ms = retry_ms * 2 < LONGEST_RETRY_MS ? retry_ms * 2 : LONGEST_RETRY_MS;
}

static void on_event(void *unused, esp_event_base_t base, int32_t id, void *data) {
    (void)unused;
    if (base == WIFI_EVENT && id == WIFI_EVENT_STA_START) {
        esp_wifi_connect();
    } else if (base == WIFI_EVENT && id == WIFI_EVENT_STA_DISCONNECTED) {
        disconnected(data);
    } else if (base == IP_EVENT && id == IP_EVENT_STA_GOT_IP) {
        retry_ms = FIRST_RETRY_MS;
        xEventGroupSetBits(state, HAS_ADDRESS);
    } else if (base == IP_EVENT && id == IP_EVENT_STA_LOST_IP) {
        xEventGroupClearBits(state, HAS_ADDRESS);
    }
}

static bool configure(const char *ssid, const char *password) {
    wifi_config_t config = {0};
    size_t name = strlen(ssid);
    size_t secret = strlen(password);

    /* Both fields may be full, without a terminator. */
    memcpy(config.sta.ssid, ssid, name < sizeof config.sta.ssid ? name : sizeof config.sta.ssid);
    memcpy(config.sta.password, password, secret < sizeof config.sta.password ? secret : sizeof config.sta.password);
    config.sta.threshold.authmode = secret > 0 ? WIFI_AUTH_WPA2_PSK : WIFI_AUTH_OPEN;
    return esp_wifi_set_config(WIFI_IF_STA, &config) == ESP_OK;
}

bool ts_wifi_init(const char *ssid, const char *password) {
    wifi_init_config_t driver = WIFI_INIT_CONFIG_DEFAULT();
    esp_timer_create_args_t timer = {.callback = try_again, .name = "wifi"};

    state = xEventGroupCreate();
    if (state == NULL) abort();
    ESP_ERROR_CHECK(esp_timer_create(&timer, &retry));
    ESP_ERROR_CHECK(esp_netif_init());
    ESP_ERROR_CHECK(esp_event_loop_create_default());
    esp_netif_create_default_wifi_sta();
    ESP_ERROR_CHECK(esp_wifi_init(&driver));
    ESP_ERROR_CHECK(esp_wifi_set_storage(WIFI_STORAGE_RAM)); /* we keep it ourselves */
    ESP_ERROR_CHECK(esp_event_handler_register(WIFI_EVENT, ESP_EVENT_ANY_ID, on_event, NULL));
    ESP_ERROR_CHECK(esp_event_handler_register(IP_EVENT, ESP_EVENT_ANY_ID, on_event, NULL));
    ESP_ERROR_CHECK(esp_wifi_set_mode(WIFI_MODE_STA));
    if (!configure(ssid, password)) return false;
    ESP_ERROR_CHECK(esp_wifi_start());
    return true;
}

bool ts_wifi_wait(uint32_t ms) {
    return (xEventGroupWaitBits(state, HAS_ADDRESS, pdFALSE, pdTRUE, pdMS_TO_TICKS(ms)) & HAS_ADDRESS) != 0;
}
