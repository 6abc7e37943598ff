/* Flash memory, Wi-Fi, pins and the rest. */
#include "fake.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "driver/gpio.h"
#include "esp_app_desc.h"
#include "esp_crt_bundle.h"
#include "esp_log.h"
#include "esp_mac.h"
#include "esp_netif_sntp.h"
#include "esp_ota_ops.h"
#include "esp_random.h"
#include "esp_wifi.h"
#include "mbedtls/md.h"
#include "esp_system.h"
#include "nvs_flash.h"

#define ENTRIES 24
#define ESP_ERR_NVS_NOT_FOUND 0x1102

static struct {
    char key[16];
    char value[512];
} flash[ENTRIES];
static esp_event_handler_t on_wifi, on_ip;
bool fake_no_wifi;

esp_event_base_t const WIFI_EVENT = "WIFI_EVENT";
esp_event_base_t const IP_EVENT = "IP_EVENT";

void check_log(const char *tag, const char *format, ...) {
    va_list arguments;

    va_start(arguments, format);
    printf("%7u %s: ", (unsigned)fake_now_ms(), tag);
    vprintf(format, arguments);
    printf("\n");
    va_end(arguments);
}

void check_abort(esp_err_t code) {
    if (code != ESP_OK) esp_restart(); /* a panic ends so */
}

/* -- Flash memory ------------------------------------------------------------------------------------------------- */

static int find(const char *key) {
    for (int i = 0; i < ENTRIES; i++)
        if (strcmp(flash[i].key, key) == 0) return i;
    return -1;
}

void fake_flash(const char *key, const char *value) {
    int at = find(key);

    if (value == NULL) {
        if (at >= 0) flash[at].key[0] = '\0';
        return;
    }
    if (at < 0) at = find("");
    snprintf(flash[at].key, sizeof flash[at].key, "%s", key);
    snprintf(flash[at].value, sizeof flash[at].value, "%s", value);
}

const char *fake_flash_text(const char *key) {
    int at = find(key);

    return at < 0 ? NULL : flash[at].value;
}

int fake_flash_error;

esp_err_t nvs_flash_init(void) {
    const esp_err_t error = fake_flash_error;

    fake_flash_error = ESP_OK;
    return error;
}

esp_err_t nvs_flash_erase(void) {
    memset(flash, 0, sizeof flash);
    return ESP_OK;
}

esp_err_t nvs_open(const char *name, nvs_open_mode_t mode, nvs_handle_t *handle) {
    (void)mode;
    *handle = 1;
    return strcmp(name, "talkstick") == 0 ? ESP_OK : ESP_FAIL;
}

esp_err_t nvs_get_str(nvs_handle_t handle, const char *key, char *value, size_t *length) {
    const char *text = fake_flash_text(key);

    (void)handle;
    if (text == NULL || strlen(text) >= *length) return ESP_ERR_NVS_NOT_FOUND;
    *length = strlen(text) + 1;
    memcpy(value, text, *length);
    return ESP_OK;
}

esp_err_t nvs_set_str(nvs_handle_t handle, const char *key, const char *value) {
    (void)handle;
    fake_flash(key, value);
    return ESP_OK;
}

esp_err_t nvs_get_u32(nvs_handle_t handle, const char *key, uint32_t *value) {
    const char *text = fake_flash_text(key);

    (void)handle;
    if (text == NULL) return ESP_ERR_NVS_NOT_FOUND;
    *value = (uint32_t)strtoul(text, NULL, 10);
    return ESP_OK;
}

esp_err_t nvs_set_u32(nvs_handle_t handle, const char *key, uint32_t value) {
    char text[12];

    (void)handle;
    snprintf(text, sizeof text, "%u", (unsigned)value);
    fake_flash(key, text);
    return ESP_OK;
}

esp_err_t nvs_get_i32(nvs_handle_t handle, const char *key, int32_t *value) {
    return nvs_get_u32(handle, key, (uint32_t *)value);
}

esp_err_t nvs_set_i32(nvs_handle_t handle, const char *key, int32_t value) {
    return nvs_set_u32(handle, key, (uint32_t)value);
}

esp_err_t nvs_erase_key(nvs_handle_t handle, const char *key) {
    (void)handle;
    fake_flash(key, NULL);
    return ESP_OK;
}

esp_err_t nvs_commit(nvs_handle_t handle) {
    (void)handle;
    return ESP_OK;
}

void nvs_close(nvs_handle_t handle) { (void)handle; }

/* -- Wi-Fi: it connects at once, or when the test says so ----------------------------------------------------------- */

esp_err_t esp_netif_init(void) { return ESP_OK; }
esp_err_t esp_event_loop_create_default(void) { return ESP_OK; }
esp_netif_t *esp_netif_create_default_wifi_sta(void) { return NULL; }

esp_err_t esp_event_handler_register(esp_event_base_t base, int32_t id, esp_event_handler_t handler, void *argument) {
    (void)id, (void)argument;
    *(base == WIFI_EVENT ? &on_wifi : &on_ip) = handler;
    return ESP_OK;
}

esp_err_t esp_wifi_init(const wifi_init_config_t *config) {
    (void)config;
    return ESP_OK;
}

esp_err_t esp_wifi_set_storage(wifi_storage_t storage) { return storage == WIFI_STORAGE_RAM ? ESP_OK : ESP_FAIL; }

esp_err_t esp_wifi_set_mode(wifi_mode_t mode) { return mode == WIFI_MODE_STA ? ESP_OK : ESP_FAIL; }

esp_err_t esp_wifi_set_config(wifi_interface_t interface, wifi_config_t *config) {
    (void)interface;
    if (strlen((const char *)config->sta.password) < 8) return ESP_FAIL; /* ESP_ERR_WIFI_PASSWORD */
    return strcmp((const char *)config->sta.ssid, "house") == 0 ? ESP_OK : ESP_FAIL;
}

esp_err_t esp_wifi_start(void) {
    on_wifi(NULL, WIFI_EVENT, WIFI_EVENT_STA_START, NULL);
    return ESP_OK;
}

void fake_wifi(void) { on_ip(NULL, IP_EVENT, IP_EVENT_STA_GOT_IP, NULL); }

esp_err_t esp_wifi_connect(void) {
    if (!fake_no_wifi) fake_wifi();
    return ESP_OK;
}

esp_err_t esp_netif_sntp_init(const esp_sntp_config_t *config) {
    return strcmp(config->servers[0], "ntp.example") == 0 ? ESP_OK : ESP_FAIL;
}

esp_err_t esp_netif_sntp_sync_wait(TickType_t timeout) {
    (void)timeout;
    return ESP_OK;
}

/* -- Pins --------------------------------------------------------------------------------------------------------- */

esp_err_t gpio_config(const gpio_config_t *config) {
    for (int pin = 0; pin < 49; pin++) {
        if (!(config->pin_bit_mask >> pin & 1)) continue;
        fake_chip.driven[pin] = config->mode == GPIO_MODE_OUTPUT;
        if (config->pull_up_en == GPIO_PULLUP_ENABLE) fake_chip.levels[pin] = 1;
    }
    return ESP_OK;
}

esp_err_t gpio_set_level(gpio_num_t pin, uint32_t level) {
    fake_chip.levels[pin] = level;
    return ESP_OK;
}

int gpio_get_level(gpio_num_t pin) { return (int)fake_chip.levels[pin]; }

/* -- The rest ----------------------------------------------------------------------------------------------------- */

const esp_app_desc_t *esp_app_get_description(void) {
    static const esp_app_desc_t description = {.version = "1.2.3"};

    return &description;
}

esp_err_t esp_ota_mark_app_valid_cancel_rollback(void) {
    fake_chip.confirmed = true;
    return ESP_OK;
}

esp_err_t esp_read_mac(uint8_t *mac, esp_mac_type_t type) {
    static const uint8_t address[6] = {0xa4, 0xcf, 0x12, 0x8b, 0x3f, 0x9e};

    (void)type;
    memcpy(mac, address, sizeof address);
    return ESP_OK;
}

uint32_t esp_random(void) { return 12345; }
void esp_fill_random(void *buffer, size_t size) { memset(buffer, 0x5a, size); }

esp_err_t esp_crt_bundle_attach(void *conf) {
    (void)conf;
    return ESP_OK;
}

const mbedtls_md_info_t *mbedtls_md_info_from_type(mbedtls_md_type_t type) {
    (void)type;
    return NULL;
}

/* Not the function itself: that is the library's business. This shows what it was given. */
int mbedtls_md_hmac(const mbedtls_md_info_t *info, const unsigned char *key, size_t key_size,
                    const unsigned char *input, size_t size, unsigned char *output) {
    (void)info, (void)key, (void)input;
    memset(output, 0, 32);
    output[0] = (unsigned char)key_size;
    output[1] = (unsigned char)size;
    return 0;
}
