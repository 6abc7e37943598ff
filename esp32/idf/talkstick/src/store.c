#include "store.h"

#include <stdio.h>
#include <string.h>

#include "esp_log.h"
#include "esp_random.h"
#include "nvs.h"
#include "nvs_flash.h"
#include "sdkconfig.h"
#include "talkstick_app.h"

#define APP_NAMESPACE "app"

static const char *const TAG = "store";

void ts_store_init(void) {
    const esp_err_t error = nvs_flash_init();

    if (error == ESP_ERR_NVS_NO_FREE_PAGES || error == ESP_ERR_NVS_NEW_VERSION_FOUND) {
        ESP_LOGE(TAG, "the flash memory cannot be read, and is erased: provision the board again");
        ESP_ERROR_CHECK(nvs_flash_erase());
        ESP_ERROR_CHECK(nvs_flash_init());
        return;
    }
    ESP_ERROR_CHECK(error); /* no fault of the flash, such as too little memory: a restart may help */
}

static bool open_store(nvs_open_mode_t mode, nvs_handle_t *store) {
    return nvs_open(TS_NVS_NAMESPACE, mode, store) == ESP_OK;
}

static void read_text(nvs_handle_t store, const char *key, char *text, size_t size) {
    if (nvs_get_str(store, key, text, &size) != ESP_OK) text[0] = '\0';
}

void ts_store_load(ts_provision *provision) {
    nvs_handle_t store;

    memset(provision, 0, sizeof *provision);
    if (!open_store(NVS_READONLY, &store)) return;
    read_text(store, TS_NVS_KEY_URI, provision->uri, sizeof provision->uri);
    read_text(store, TS_NVS_KEY_CA, provision->ca, sizeof provision->ca);
    read_text(store, TS_NVS_KEY_PREFIX, provision->prefix, sizeof provision->prefix);
    read_text(store, TS_NVS_KEY_ID, provision->id, sizeof provision->id);
    read_text(store, TS_NVS_KEY_SECRET, provision->secret, sizeof provision->secret);
    read_text(store, TS_NVS_KEY_CODE, provision->code, sizeof provision->code);
    nvs_close(store);
}

void ts_store_wifi(char ssid[TS_WIFI_SSID_BYTES], char password[TS_WIFI_PASS_BYTES]) {
    nvs_handle_t store;

    ssid[0] = '\0';
    if (open_store(NVS_READONLY, &store)) {
        read_text(store, TS_NVS_KEY_WIFI_SSID, ssid, TS_WIFI_SSID_BYTES);
        read_text(store, TS_NVS_KEY_WIFI_PASS, password, TS_WIFI_PASS_BYTES);
        nvs_close(store);
    }
    if (ssid[0] != '\0') return;
    snprintf(ssid, TS_WIFI_SSID_BYTES, "%s", CONFIG_TALKSTICK_WIFI_SSID);
    snprintf(password, TS_WIFI_PASS_BYTES, "%s", CONFIG_TALKSTICK_WIFI_PASSWORD);
}

static uint32_t read_number(const char *key) {
    nvs_handle_t store;
    uint32_t number = 0;

    if (!open_store(NVS_READONLY, &store)) return 0;
    if (nvs_get_u32(store, key, &number) != ESP_OK) number = 0;
    nvs_close(store);
    return number;
}

static void write_number(const char *key, uint32_t number) {
    nvs_handle_t store;

    if (!open_store(NVS_READWRITE, &store)) return;
    if (nvs_set_u32(store, key, number) != ESP_OK || nvs_commit(store) != ESP_OK)
        ESP_LOGE(TAG, "cannot store `%s`", key);
    nvs_close(store);
}

uint32_t ts_store_boot(void) { return read_number(TS_NVS_KEY_BOOT); }

void ts_store_save_boot(uint32_t boot) { write_number(TS_NVS_KEY_BOOT, boot); }

uint32_t ts_store_time(void) { return read_number(TS_NVS_KEY_TIME); }

void ts_store_save_time(uint32_t seconds) { write_number(TS_NVS_KEY_TIME, seconds); }

void ts_store_nonce(char nonce[TS_NONCE_BYTES]) {
    nvs_handle_t store;

    ESP_ERROR_CHECK(nvs_open(TS_NVS_NAMESPACE, NVS_READWRITE, &store));
    read_text(store, TS_NVS_KEY_NONCE, nonce, TS_NONCE_BYTES);
    if (strlen(nonce) != TS_NONCE_BYTES - 1) {
        uint8_t random[16];
        esp_fill_random(random, sizeof random);
        for (size_t i = 0; i < sizeof random; i++) snprintf(nonce + 2 * i, 3, "%02x", random[i]);
        ESP_ERROR_CHECK(nvs_set_str(store, TS_NVS_KEY_NONCE, nonce));
        ESP_ERROR_CHECK(nvs_commit(store));
    }
    nvs_close(store);
}

bool ts_store_claimed(const char *id, const char *secret) {
    nvs_handle_t store;
    bool stored;

    if (!open_store(NVS_READWRITE, &store)) return false;
    stored = nvs_set_str(store, TS_NVS_KEY_ID, id) == ESP_OK &&
             nvs_set_str(store, TS_NVS_KEY_SECRET, secret) == ESP_OK && nvs_commit(store) == ESP_OK;
    if (stored) {
        nvs_erase_key(store, TS_NVS_KEY_CODE);
        nvs_erase_key(store, TS_NVS_KEY_NONCE);
        nvs_commit(store);
    }
    nvs_close(store);
    return stored;
}

bool ts_app_recall(const char *key, int32_t *value) {
    nvs_handle_t store;
    bool found;

    if (nvs_open(APP_NAMESPACE, NVS_READONLY, &store) != ESP_OK) return false;
    found = nvs_get_i32(store, key, value) == ESP_OK;
    nvs_close(store);
    return found;
}

bool ts_app_keep(const char *key, int32_t value) {
    nvs_handle_t store;
    bool stored;

    if (nvs_open(APP_NAMESPACE, NVS_READWRITE, &store) != ESP_OK) return false;
    stored = nvs_set_i32(store, key, value) == ESP_OK && nvs_commit(store) == ESP_OK;
    nvs_close(store);
    return stored;
}

void ts_store_forget(void) {
    static const char *const keys[] = {TS_NVS_KEY_URI,   TS_NVS_KEY_CA,        TS_NVS_KEY_PREFIX,
                                       TS_NVS_KEY_ID,    TS_NVS_KEY_SECRET,    TS_NVS_KEY_CODE,
                                       TS_NVS_KEY_NONCE, TS_NVS_KEY_WIFI_SSID, TS_NVS_KEY_WIFI_PASS};
    nvs_handle_t store;

    if (!open_store(NVS_READWRITE, &store)) return;
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++)
        nvs_erase_key(store, keys[i]); /* what is not there cannot be erased */
    nvs_commit(store);
    nvs_close(store);
}
