#include "board.h"

#include <stdatomic.h>

#include "audio.h"
#include "esp_app_desc.h"
#include "esp_log.h"
#include "esp_random.h"
#include "esp_sleep.h"
#include "esp_system.h"
#include "io.h"
#include "net.h"
#include "ota.h"
#include "port.h"
#include "sdkconfig.h"
#include "store.h"

#define HOLD_MS 10000 /* as the core has it without voice */
#define GIVE_UP_MS (30u * 60 * 1000)
#define SLEEP_ANYWAY_MS 5000 /* after which nobody is waited for */

static const char *const TAG = "board";

static ts_device device;
static ts_config config;
static const ts_app *app;
static uint32_t nap_ms; /* asked for; 0: none */
static uint32_t nap_since;
static _Atomic uint32_t work; /* the number of the one that goes on; 0: none does */

void ts_board_forget(void) {
    ESP_LOGW(TAG, "factory reset");
    ts_store_forget();
    esp_restart();
}

/* -- Events ------------------------------------------------------------------------------------------------------- */

static void fall_asleep(void) {
    ts_io_safe();
    esp_deep_sleep((uint64_t)nap_ms * 1000);
}

static bool handle(const ts_event *event, uint32_t now_ms) {
    bool taken = ts_handle(&device, event, now_ms);

    if (event->kind == TS_EV_BUTTON && app->button != NULL) app->button(event->on);
    if (event->kind == TS_EV_SLEEP) {
        nap_ms = event->number;
        nap_since = now_ms;
    }
    if (nap_ms > 0 && (event->kind == TS_EV_LOST || now_ms - nap_since >= SLEEP_ANYWAY_MS)) fall_asleep();
    return taken;
}

/* One frame of what the microphone has, if the core takes it. */
static bool take_audio(uint32_t now_ms) {
    const ts_event *heard = ts_audio_heard();

    if (heard == NULL || !ts_handle(&device, heard, now_ms)) return false;
    ts_audio_taken();
    return true;
}

/* What waits here is an event, too: one at a time, once all actions were taken. */
static bool next(ts_action *action) {
    while (!ts_next(&device, action))
        if (!take_audio(ts_port_now_ms())) return false;
    return true;
}

static uint32_t due_ms(uint32_t now_ms) {
    uint32_t due = ts_due_ms(&device, now_ms);
    uint32_t most = ts_audio_waiting() ? TS_AUDIO_RETRY_MS : nap_ms > 0 ? SLEEP_ANYWAY_MS : UINT32_MAX;

    return due < most ? due : most;
}

uint32_t ts_app_work(void) { return atomic_load(&work); }

/* -- Actions ------------------------------------------------------------------------------------------------------ */

static void show(void) {
    ts_view view = ts_view_of(&device, ts_port_now_ms());

    ts_io_show(ts_light_of(&view));
    if (view.known) ts_ota_confirm();
    if (app->show != NULL) app->show(&view);
}

static void command(const ts_action *action) {
    if (!ts_ota_command(action->name, action->data) && app->command != NULL) app->command(action->name, action->data);
}

static void output(const ts_action *action) {
    ts_io_switch(action->number, action->on);
    if (app->output != NULL) app->output(action->number, action->on);
}

static void safe(ts_reason reason) {
    atomic_store(&work, 0);
    ESP_LOGI(TAG, "safe (%d)", (int)reason);
    if (app->safe != NULL) app->safe(reason);
}

static void note(const ts_action *action) {
    ESP_LOGW(TAG, "%.*s: %s", (int)action->name.size, action->name.data, action->topic == NULL ? "" : action->topic);
}

/* What is for the application and for people. */
static void perform_work(const ts_action *action) {
    switch (action->kind) {
    case TS_DO_WORK:
        atomic_store(&work, action->number);
        if (app->work != NULL) app->work(action->type, action->data, action->fence, action->job);
        break;
    case TS_DO_COMMAND: command(action); break;
    case TS_DO_OUTPUT: output(action); break;
    case TS_DO_SAFE: safe((ts_reason)action->number); break;
    case TS_DO_CLEAN:
        if (app->clean != NULL) app->clean();
        break;
    case TS_DO_SHOW: show(); break;
    case TS_DO_ANSWER:
        if (app->answer != NULL) app->answer(action->name, action->on, action->data);
        break;
    default: note(action); break;
    }
}

static void perform(const ts_action *action) {
    if (ts_port_network(action)) return;
    switch (action->kind) {
    case TS_DO_SAVE_BOOT: ts_store_save_boot(action->number); break;
    case TS_DO_RECORD: ts_audio_record(action->on); break;
    case TS_DO_PLAY: ts_audio_play(action->data, action->number); break;
    case TS_DO_HUSH: ts_audio_hush(); break;
    case TS_DO_REBOOT: esp_restart();
    case TS_DO_FORGET: ts_board_forget();
    default: perform_work(action); break;
    }
}

/* -- The start ---------------------------------------------------------------------------------------------------- */

static const char *or_null(const char *text) { return text[0] == '\0' ? NULL : text; }

static void configure(const ts_provision *provision) {
    config = (ts_config){
        .id = provision->id,
        .prefix = or_null(provision->prefix),
        .model = app->model,
        .firmware = esp_app_get_description()->version,
        .outputs = ts_io_outputs,
        .output_count = ts_io_output_count,
        .trigger = app->trigger != NULL ? app->trigger : or_null(CONFIG_TALKSTICK_TRIGGER),
        .pulse = app->pulse,
        .clean_step = app->clean_step,
        .badges = app->badges,
        .max_payload = CONFIG_TALKSTICK_MAX_MESSAGE,
        .link_grace_ms = CONFIG_TALKSTICK_LINK_GRACE_S * 1000u,
        .give_up_ms = GIVE_UP_MS,
        .boot = ts_store_boot(),
        .seed = esp_random(),
    };
    ts_audio_configure(&config);
}

void ts_board_run(const ts_app *what, const ts_provision *provision) {
    static const ts_machine machine = {handle, next, due_ms, perform};

    app = what;
    configure(provision);
    if (!ts_init(&device, &config, ts_port_now_ms())) ts_board_wait_for_people("a name in the configuration is none");
    ts_audio_init();
    if (app->start != NULL) app->start();
    ts_net_init(&(ts_login){provision->uri, provision->ca, provision->id, provision->secret});
    for (;;) ts_port_step(&machine);
}

/* -- Without a device --------------------------------------------------------------------------------------------- */

static bool pressed;
static uint32_t pressed_since;

void ts_board_watch_button(const ts_event *event, uint32_t now_ms) {
    if (pressed && now_ms - pressed_since >= HOLD_MS) ts_board_forget();
    if (event->kind != TS_EV_BUTTON) return;
    pressed = event->on;
    pressed_since = now_ms;
}

static bool wait_handle(const ts_event *event, uint32_t now_ms) {
    ts_board_watch_button(event, now_ms);
    return true;
}

static bool wait_next(ts_action *action) {
    (void)action;
    return false;
}

static uint32_t wait_due_ms(uint32_t now_ms) {
    (void)now_ms;
    return UINT32_MAX;
}

static void wait_perform(const ts_action *action) { (void)action; }

void ts_board_wait_for_people(const char *why) {
    static const ts_machine machine = {wait_handle, wait_next, wait_due_ms, wait_perform};

    ESP_LOGE(TAG, "%s", why);
    ts_io_show(TS_LIGHT_UNPROVISIONED);
    for (;;) ts_port_step(&machine);
}
