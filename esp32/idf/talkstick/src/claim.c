#include "claim.h"

#include <stdio.h>

#include "board.h"
#include "esp_log.h"
#include "esp_mac.h"
#include "esp_random.h"
#include "esp_system.h"
#include "hmac.h"
#include "io.h"
#include "net.h"
#include "port.h"
#include "store.h"

#define MAC_BYTES 13

static const char *const TAG = "claim";

static ts_claim claim;

static bool handle(const ts_event *event, uint32_t now_ms) {
    ts_board_watch_button(event, now_ms);
    return ts_claim_handle(&claim, event, now_ms);
}

static bool next(ts_action *action) { return ts_claim_next(&claim, action); }

static uint32_t due_ms(uint32_t now_ms) { return ts_claim_due_ms(&claim, now_ms); }

static void perform(const ts_action *action) {
    if (!ts_port_network(action) && action->kind == TS_DO_NOTE)
        ESP_LOGW(TAG, "%.*s", (int)action->name.size, action->name.data);
}

static void begin(const ts_provision *provision) {
    uint8_t mac[6];
    char digits[MAC_BYTES];
    char nonce[TS_NONCE_BYTES];

    ESP_ERROR_CHECK(esp_read_mac(mac, ESP_MAC_WIFI_STA));
    snprintf(digits, sizeof digits, "%02x%02x%02x%02x%02x%02x", mac[0], mac[1], mac[2], mac[3], mac[4], mac[5]);
    ts_store_nonce(nonce);
    if (!ts_claim_init(&claim, provision->code, provision->prefix, digits, nonce, esp_random(), ts_port_now_ms()))
        ts_board_wait_for_people("this is no claim code");
}

static void finish(void) {
    char secret[TS_HMAC_BYTES];

    if (!ts_hmac(ts_claim_key(&claim), ts_claim_message(&claim), secret) ||
        !ts_store_claimed(ts_claim_id(&claim), secret))
        ESP_LOGE(TAG, "cannot store what was claimed: again after a restart");
    else
        ESP_LOGI(TAG, "this board is `%s` now", ts_claim_id(&claim));
    esp_restart();
}

void ts_claim_run(const ts_provision *provision) {
    static const ts_machine machine = {handle, next, due_ms, perform};

    ts_io_show(TS_LIGHT_CLAIMING);
    begin(provision);
    ts_net_init(&(ts_login){provision->uri, provision->ca, ts_claim_username(&claim), ts_claim_password(&claim)});
    while (ts_claim_state_of(&claim) == TS_CLAIM_TRYING) ts_port_step(&machine);
    if (ts_claim_state_of(&claim) == TS_CLAIM_REFUSED)
        ts_board_wait_for_people("the claim code was refused: another one is needed");
    finish();
}
