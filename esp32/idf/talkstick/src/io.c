#include "io.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "debounce.h"
#include "driver/gpio.h"
#include "esp_err.h"
#include "freertos/FreeRTOS.h"
#include "freertos/task.h"
#include "port.h"
#include "sdkconfig.h"

#define SAMPLE_MS 10
#define STACK_BYTES 2560
#define PRIORITY 3

/* Options that are off are not defined at all. */
#ifndef CONFIG_TALKSTICK_LED_INVERTED
#define CONFIG_TALKSTICK_LED_INVERTED 0
#endif
#ifndef CONFIG_TALKSTICK_OUTPUT_1_INVERTED
#define CONFIG_TALKSTICK_OUTPUT_1_INVERTED 0
#endif
#ifndef CONFIG_TALKSTICK_OUTPUT_1_SAFE
#define CONFIG_TALKSTICK_OUTPUT_1_SAFE 0
#endif
#ifndef CONFIG_TALKSTICK_OUTPUT_2_INVERTED
#define CONFIG_TALKSTICK_OUTPUT_2_INVERTED 0
#endif
#ifndef CONFIG_TALKSTICK_OUTPUT_2_SAFE
#define CONFIG_TALKSTICK_OUTPUT_2_SAFE 0
#endif

typedef struct {
    gpio_num_t pin;
    bool inverted;
} wire;

#if CONFIG_TALKSTICK_OUTPUTS >= 2
const ts_output ts_io_outputs[] = {{CONFIG_TALKSTICK_OUTPUT_1_NAME, CONFIG_TALKSTICK_OUTPUT_1_SAFE},
                                   {CONFIG_TALKSTICK_OUTPUT_2_NAME, CONFIG_TALKSTICK_OUTPUT_2_SAFE}};
static const wire wires[] = {{CONFIG_TALKSTICK_OUTPUT_1_GPIO, CONFIG_TALKSTICK_OUTPUT_1_INVERTED},
                             {CONFIG_TALKSTICK_OUTPUT_2_GPIO, CONFIG_TALKSTICK_OUTPUT_2_INVERTED}};
#elif CONFIG_TALKSTICK_OUTPUTS == 1
const ts_output ts_io_outputs[] = {{CONFIG_TALKSTICK_OUTPUT_1_NAME, CONFIG_TALKSTICK_OUTPUT_1_SAFE}};
static const wire wires[] = {{CONFIG_TALKSTICK_OUTPUT_1_GPIO, CONFIG_TALKSTICK_OUTPUT_1_INVERTED}};
#else
const ts_output ts_io_outputs[1];
static const wire wires[1];
#endif
const size_t ts_io_output_count = CONFIG_TALKSTICK_OUTPUTS;

static _Atomic int shown = TS_LIGHT_OFFLINE;

static void drive(wire to, bool on) { gpio_set_level(to.pin, on != to.inverted); }

static void make_output(wire to, bool on) {
    gpio_config_t config = {.pin_bit_mask = 1ULL << to.pin, .mode = GPIO_MODE_OUTPUT};

    drive(to, on); /* before it is an output: so it never is anything else */
    ESP_ERROR_CHECK(gpio_config(&config));
    drive(to, on);
}

void ts_io_safe(void) {
    for (size_t i = 0; i < ts_io_output_count; i++) make_output(wires[i], ts_io_outputs[i].safe);
}

void ts_io_switch(size_t index, bool on) {
    if (index < ts_io_output_count) drive(wires[index], on);
}

void ts_io_show(ts_light light) { atomic_store(&shown, (int)light); }

#if CONFIG_TALKSTICK_LED_GPIO >= 0
static const wire led = {CONFIG_TALKSTICK_LED_GPIO, CONFIG_TALKSTICK_LED_INVERTED};

static void light_up(void) { drive(led, ts_light_on((ts_light)atomic_load(&shown), ts_port_now_ms())); }
#else
static void light_up(void) {}
#endif

#if CONFIG_TALKSTICK_BUTTON_GPIO >= 0
static void look_at_button(ts_debounce *button) {
    bool down = gpio_get_level(CONFIG_TALKSTICK_BUTTON_GPIO) == 0; /* to ground, with a pull-up */

    if (ts_debounce_sample(button, down))
        ts_port_post(&(ts_event){.kind = TS_EV_BUTTON, .on = button->down}, TS_ANY_LIFE, TS_POST_WAIT);
}
#else
static void look_at_button(ts_debounce *button) { (void)button; }
#endif

static void run(void *unused) {
    ts_debounce button = {0};

    (void)unused;
    for (;;) {
        look_at_button(&button);
        light_up();
        vTaskDelay(pdMS_TO_TICKS(SAMPLE_MS));
    }
}

void ts_io_init(void) {
#if CONFIG_TALKSTICK_LED_GPIO >= 0
    make_output(led, false);
#endif
#if CONFIG_TALKSTICK_BUTTON_GPIO >= 0
    gpio_config_t button = {.pin_bit_mask = 1ULL << CONFIG_TALKSTICK_BUTTON_GPIO,
                            .mode = GPIO_MODE_INPUT,
                            .pull_up_en = GPIO_PULLUP_ENABLE};
    ESP_ERROR_CHECK(gpio_config(&button));
#endif
    if (xTaskCreate(run, "io", STACK_BYTES, NULL, PRIORITY, NULL) != pdPASS) abort();
}
