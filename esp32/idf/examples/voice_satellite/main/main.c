/* A board that one talks to: hold the button, speak, let go. Microphone and loudspeaker are the component's
 * business. */
#include "esp_log.h"
#include "talkstick_app.h"

static void show(const ts_view *view) {
    static const char *const words[] = {"quiet", "listening", "thinking", "speaking"};

    ESP_LOGI("satellite", "%s", words[view->voice]);
}

void app_main(void) {
    static const ts_app board = {.model = "satellite", .show = show};

    ts_app_run(&board);
}
