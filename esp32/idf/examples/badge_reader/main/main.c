/* A badge reader: a badge takes the board for its owner, and gives it back. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "esp_log.h"
#include "freertos/FreeRTOS.h"
#include "freertos/task.h"
#include "rc522.h"
#include "sdkconfig.h"
#include "talkstick_app.h"

#define LOOK_EVERY_MS 100
#define GONE_AFTER 10 /* looks: a badge that lies there is shown once */

static const char *const TAG = "badge";

/* To whom it may concern: the trigger of the settings, if there is one. */
static void sense(const char *uid) {
    char json[CARD_TEXT_BYTES + 16];

    snprintf(json, sizeof json, "{\"uid\":\"%s\"}", uid);
    if (CONFIG_TALKSTICK_TRIGGER[0] != '\0') ts_app_sensed(true, json);
}

static void shown(const card_uid *uid) {
    char text[CARD_TEXT_BYTES];
    char name[TS_NAME_BYTES];

    card_text(uid, text);
    sense(text);
    if (!card_owner(CONFIG_BADGE_PEOPLE, text, name, sizeof name)) {
        ESP_LOGW(TAG, "nobody knows the badge %s", text);
        return;
    }
    ESP_LOGI(TAG, "%s", name);
    ts_app_badge(name);
}

static void run(void *unused) {
    card_uid last = {.size = 0};
    card_uid now;
    int missed = 0;

    (void)unused;
    for (;;) {
        memset(&now, 0, sizeof now);
        if (!rc522_read(&now)) {
            if (++missed >= GONE_AFTER) last.size = 0;
        } else {
            missed = 0;
            if (memcmp(&now, &last, sizeof now) != 0) shown(&now);
            last = now;
        }
        vTaskDelay(pdMS_TO_TICKS(LOOK_EVERY_MS));
    }
}

static void answer(ts_text code, bool granted, ts_text message) {
    ESP_LOGI(TAG, "%s: %.*s %.*s", granted ? "yes" : "no", (int)code.size, code.data, (int)message.size, message.data);
}

static void start(void) {
    if (!rc522_init()) {
        ESP_LOGE(TAG, "the RC522 does not answer: look at its wires");
        return;
    }
    if (xTaskCreate(run, "badge", 4096, NULL, 4, NULL) != pdPASS) abort();
}

void app_main(void) {
    static const ts_app board = {
        .model = "badge-reader", .badges = true, .pulse = true, .start = start, .answer = answer};

    ts_app_run(&board);
}
