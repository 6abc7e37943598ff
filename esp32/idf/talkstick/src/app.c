/* The order of the start, and what applications call. */
#include "talkstick_app.h"

#include <string.h>

#include "board.h"
#include "claim.h"
#include "clock.h"
#include "esp_log.h"
#include "io.h"
#include "port.h"
#include "store.h"
#include "talkstick_json.h"
#include "wifi.h"

static const char *const faults[] = {
    [TS_PROVISION_MISSING] = "this board is not provisioned: talkstick device add … --nvs",
    [TS_PROVISION_URI] = "the URI of the broker is none",
    [TS_PROVISION_CA] = "the certificate of the authority is none",
    [TS_PROVISION_PREFIX] = "the topic prefix is none",
    [TS_PROVISION_ID] = "the id is none",
    [TS_PROVISION_SECRET] = "the secret is none",
    [TS_PROVISION_CODE] = "the claim code is none",
};

static void go_online(void) {
    char ssid[TS_WIFI_SSID_BYTES];
    char password[TS_WIFI_PASS_BYTES];

    ts_store_wifi(ssid, password);
    if (ssid[0] == '\0')
        ts_board_wait_for_people("no Wi-Fi is provisioned: talkstick device add … --nvs --wifi, or menuconfig");
    if (!ts_wifi_init(ssid, password)) ts_board_wait_for_people("the name or the password of the Wi-Fi is none");
    ts_clock_init();
}

void ts_app_run(const ts_app *app) {
    static ts_provision provision;
    ts_provision_fault fault;

    ts_io_safe();
    ts_store_init();
    ts_port_init();
    ts_io_init();
    ts_store_load(&provision);
    fault = ts_provision_check(&provision);
    if (fault != TS_PROVISION_OK) ts_board_wait_for_people(faults[fault]);
    go_online();
    if (provision.id[0] == '\0' || provision.secret[0] == '\0') ts_claim_run(&provision);
    ts_board_run(app, &provision);
}

static bool say(ts_event event, const char *text) {
    if (text != NULL) event.data = (ts_text){text, strlen(text)};
    return ts_port_post(&event, TS_ANY_LIFE, TS_POST_NOW);
}

bool ts_app_report(uint32_t work, const char *json, bool done) {
    return say((ts_event){.kind = TS_EV_RESULT, .number = work, .on = done}, json);
}

bool ts_app_telemetry(const char *json, bool retained) {
    return say((ts_event){.kind = TS_EV_TELEMETRY, .on = retained}, json);
}

bool ts_app_sensed(bool active, const char *json) { return say((ts_event){.kind = TS_EV_SENSED, .on = active}, json); }

bool ts_app_badge(const char *principal) { return say((ts_event){.kind = TS_EV_BADGE, .on = true}, principal); }

bool ts_app_cleaned(void) { return say((ts_event){.kind = TS_EV_CLEAN, .on = true}, NULL); }

bool ts_app_sleep(uint32_t ms) { return ms > 0 && say((ts_event){.kind = TS_EV_SLEEP, .number = ms}, NULL); }

bool ts_app_number(ts_text object, const char *key, uint32_t *number) {
    ts_text value;

    return ts_json_find(object, key, &value) && ts_json_u32(value, number);
}

bool ts_app_string(ts_text object, const char *key, char *text, size_t size) {
    ts_text value;

    return ts_json_find(object, key, &value) && ts_json_string(value, text, size);
}
