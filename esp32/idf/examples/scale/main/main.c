/* A scale that people share: while somebody holds it, it reports what it weighs, and is done when the weight is steady.
 * Commands: `tare` {"fence":F}, `calibrate` {"fence":F,"grams":1000} with that weight upon it. */
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "esp_log.h"
#include "freertos/FreeRTOS.h"
#include "freertos/task.h"
#include "hx711.h"
#include "sdkconfig.h"
#include "talkstick_app.h"
#include "weighing.h"

#define REPORT_EVERY 10 /* readings: once a second */
#define PER_KG 420000   /* of a usual cell, until it is calibrated */

static const char *const TAG = "scale";

static weighing scale = {.per_kg = PER_KG};
static _Atomic bool tare;
static _Atomic uint32_t known_g; /* a weight to learn from; 0: none */

/* -- Told by the board ------------------------------------------------------------------------------------------- */

static void safe(ts_reason reason) {
    (void)reason;
    atomic_store(&tare, false);
    atomic_store(&known_g, 0);
}

static bool is(ts_text name, const char *word) {
    return name.size == strlen(word) && memcmp(name.data, word, name.size) == 0;
}

static void command(ts_text name, ts_text data) {
    uint32_t grams;

    if (is(name, "tare"))
        atomic_store(&tare, true);
    else if (is(name, "calibrate") && ts_app_number(data, "grams", &grams))
        atomic_store(&known_g, grams);
}

/* -- Its own task ------------------------------------------------------------------------------------------------- */

static void obey(uint32_t work, int32_t reading) {
    uint32_t grams = atomic_exchange(&known_g, 0);

    if (atomic_exchange(&tare, false)) {
        scale.zero = reading;
        ts_app_keep("zero", reading);
        ts_app_report(work, "{\"tared\":true}", false);
    }
    if (grams > 0 && weighing_calibrate(&scale, reading, grams > INT32_MAX ? INT32_MAX : (int32_t)grams)) {
        ts_app_keep("per_kg", scale.per_kg);
        ts_app_report(work, "{\"calibrated\":true}", false);
    }
}

static bool report(uint32_t work, int32_t grams, bool done) {
    char json[48];

    snprintf(json, sizeof json, "{\"weight_kg\":%s%d.%03d}", grams < 0 ? "-" : "", abs((int)grams / 1000),
             abs((int)grams % 1000));
    return ts_app_report(work, json, done);
}

static void weigh(uint32_t work, int32_t reading) {
    static uint32_t begun; /* the work that what was weighed counts for */
    static bool done;
    int32_t grams = weighing_grams(&scale, reading);
    bool steady;

    if (work != begun) {
        begun = work;
        done = false;
        scale.count = 0;
    }
    steady = weighing_steady(&scale, grams, CONFIG_SCALE_STEADY_G) && abs((int)grams) >= CONFIG_SCALE_LEAST_G;

    if (work != 0 && !done && (steady || scale.count % REPORT_EVERY == 0)) done = report(work, grams, steady) && steady;
}

static void run(void *unused) {
    uint32_t bits;

    (void)unused;
    for (;;) {
        uint32_t work = ts_app_work(); /* before it weighs */
        if (!hx711_read(&bits)) {
            ESP_LOGE(TAG, "the HX711 does not answer: look at DT and SCK");
            vTaskDelay(pdMS_TO_TICKS(1000));
            continue;
        }
        obey(work, weighing_reading(bits));
        weigh(work, weighing_reading(bits));
    }
}

static void start(void) {
    ts_app_recall("zero", &scale.zero);
    ts_app_recall("per_kg", &scale.per_kg);
    hx711_init();
    if (xTaskCreate(run, "scale", 4096, NULL, 4, NULL) != pdPASS) abort();
}

void app_main(void) {
    static const ts_app board = {.model = "hx711-scale", .start = start, .command = command, .safe = safe};

    ts_app_run(&board);
}
