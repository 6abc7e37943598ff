#include "clock.h"

#include <sys/time.h>
#include <time.h>

#include "esp_log.h"
#include "esp_netif_sntp.h"
#include "freertos/FreeRTOS.h"
#include "sdkconfig.h"
#include "store.h"

#define DAY_S 86400

static const char *const TAG = "clock";

static bool told;

/* After a deep sleep the chip still knows it; after a power failure nothing is better than the last known time, which
 * is never ahead of the true one. */
void ts_clock_init(void) {
    esp_sntp_config_t config = ESP_NETIF_SNTP_DEFAULT_CONFIG(CONFIG_TALKSTICK_NTP_SERVER);
    struct timeval last = {.tv_sec = (time_t)ts_store_time()};

    if (time(NULL) < last.tv_sec) settimeofday(&last, NULL);
    ESP_ERROR_CHECK(esp_netif_sntp_init(&config));
}

bool ts_clock_wait(uint32_t ms) {
    if (told) return true;
    if (esp_netif_sntp_sync_wait(pdMS_TO_TICKS(ms)) != ESP_OK) return false;
    told = true;
    if (time(NULL) >= (time_t)ts_store_time() + DAY_S)
        ts_store_save_time((uint32_t)time(NULL)); /* at most once a day, and once after a start */
    ESP_LOGI(TAG, "the time is known");
    return true;
}
