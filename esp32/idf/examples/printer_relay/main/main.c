/* The mains of a 3D printer. Who holds it switches it: `switch` {"fence":F,"output":"relay","on":true}. It is off
 * when nobody may use it, or when the connection is lost for longer than the lease. Nobody gets it before somebody has
 * cleared the plate and pressed the button. */
#include <stdatomic.h>
#include <stdlib.h>

#include "driver/gpio.h"
#include "freertos/FreeRTOS.h"
#include "freertos/task.h"
#include "sdkconfig.h"
#include "talkstick_app.h"

static _Atomic bool on;
static _Atomic bool to_clear; /* the plate is not empty */

static void output(size_t index, bool is_on) {
    if (index == 0) atomic_store(&on, is_on);
}

static void clean(void) { atomic_store(&to_clear, true); }

static void button(bool down) {
    if (!down && atomic_load(&to_clear)) atomic_store(&to_clear, !ts_app_cleaned());
}

#if CONFIG_PRINTER_DONE_GPIO >= 0
#define SAMPLE_MS 100
#define DONE_SAMPLES 30 /* three seconds */

static void run(void *unused) {
    int low = 0;
    bool told = false;
    uint32_t work = 0;

    (void)unused;
    for (;;) {
        bool done = atomic_load(&on) && gpio_get_level(CONFIG_PRINTER_DONE_GPIO) == 0;
        low = done ? low + 1 : 0;
        if (low == 1) work = ts_app_work();
        if (low == 0)
            told = false;
        else if (low >= DONE_SAMPLES && !told)
            told = ts_app_report(work, "{\"printed\":true}", true);
        vTaskDelay(pdMS_TO_TICKS(SAMPLE_MS));
    }
}

static void start(void) {
    gpio_config_t input = {
        .pin_bit_mask = 1ULL << CONFIG_PRINTER_DONE_GPIO, .mode = GPIO_MODE_INPUT, .pull_up_en = GPIO_PULLUP_ENABLE};

    ESP_ERROR_CHECK(gpio_config(&input));
    if (xTaskCreate(run, "printer", 3072, NULL, 4, NULL) != pdPASS) abort();
}
#else
static void start(void) {}
#endif

void app_main(void) {
    static const ts_app board = {.model = "printer-relay",
                                 .clean_step = true,
                                 .start = start,
                                 .output = output,
                                 .clean = clean,
                                 .button = button};

    ts_app_run(&board);
}
