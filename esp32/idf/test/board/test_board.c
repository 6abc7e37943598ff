/* The whole component, with the core, on a chip that is not there: one scenario for each run of this program. */
#include "scene.h"

static void switch_on(void) {
    fake_message("devices/scale-1/command/switch", "{\"fence\":5,\"output\":\"relay\",\"on\":true}", 1000);
    fake_run(10);
    CHECK(fake_chip.levels[RELAY] == ON);
}

static void it_logs_in_and_is_born(void) {
    provision();
    fake_flash("boot", "10");
    start();
    CHECK(fake_chip.driven[RELAY] && fake_chip.levels[RELAY] == OFF);
    asked("connect {\"state\":\"lost\",\"boot\":11}");
    is(fake_login(), "mqtts://broker.example:8883 scale-1:the-secret-of-the-scale ca");
    CHECK(atoi(fake_flash_text("boot")) > 11); /* a block of numbers is reserved */
    go_online();
    CHECK(!fake_chip.confirmed);
    fake_message("devices/scale-1/session", free_document, 64);
    fake_run(10);
    CHECK(fake_chip.confirmed);
    is(told, "safe 0;");
}

static void the_holder_commands(void) {
    be_held();
    switch_on();
    fake_message("devices/scale-1/command/calibrate", "{\"fence\":5,\"grams\":500,\"unit\":\"kg\"}", 7);
    fake_message("devices/scale-1/command/tare", "{\"fence\":4}", 7);
    fake_run(10);
    is(told, "safe 0;work weighing;command calibrate;unit kg;");
}

static void results_reach_the_broker(void) {
    be_held();
    CHECK(ts_app_report(ts_app_work(), "{\"weight_kg\":70.5}", true));
    fake_run(10);
    asked("publish devices/scale-1/result {\"fence\":5,\"job\":1,\"output\":{\"weight_kg\":70.5},\"complete\":true}");
    fake_puback();
    CHECK(ts_app_telemetry("{\"lux\":3}", false));
    fake_run(10);
    asked("publish devices/scale-1/telemetry {\"lux\":3}");
}

static void an_acknowledgement_may_come_before_the_publish_returns(void) {
    be_held();
    fake_puback_first = true;
    CHECK(ts_app_report(ts_app_work(), "{\"percent\":1}", false));
    fake_run(10);
    begins("publish devices/scale-1/result {\"fence\":5");
    CHECK(ts_app_report(ts_app_work(), "{\"percent\":2}", false));
    fake_run(10);
    asked("publish devices/scale-1/result {\"fence\":5,\"job\":1,\"output\":{\"percent\":2}}");
}

static void what_finds_no_room_comes_again(void) {
    be_held();
    fake_outbox_full = true;
    CHECK(ts_app_report(ts_app_work(), "{\"percent\":1}", false));
    fake_run(100);
    begins("publish devices/scale-1/result");
    fake_outbox_full = false;
    fake_run(1000);
    begins("publish devices/scale-1/result");
}

/* The report waits in the queue of the task that owns the device, behind the document that begins the next work. */
static void what_waits_while_the_next_work_begins_is_not_of_that_work(void) {
    static const char next_input[] =
        "{\"state\":\"active\",\"in_use\":true,\"type\":\"weighing\",\"holder\":\"alice\",\"fence\":5,"
        "\"expires_in_s\":60,\"input\":{},\"job\":2,\"revision\":90}";

    be_held();
    CHECK(ts_app_work() != 0);
    fake_message("devices/scale-1/session", next_input, 1000);
    CHECK(ts_app_report(ts_app_work(), "{\"weight_kg\":70.5}", true));
    fake_run(10);
    is(told, "safe 0;work weighing;work weighing;");
    asked("");
    CHECK(ts_app_report(ts_app_work(), "{\"weight_kg\":71}", true));
    fake_run(10);
    asked("publish devices/scale-1/result {\"fence\":5,\"job\":2,\"output\":{\"weight_kg\":71},\"complete\":true}");
}

static void without_a_session_there_is_no_work(void) {
    be_held();
    fake_message("devices/scale-1/session", "{\"state\":\"free\",\"in_use\":false,\"fence\":5,\"revision\":90}", 64);
    fake_run(10);
    CHECK(ts_app_work() == 0);
}

static void the_end_of_the_lease_switches_off_even_if_the_network_hangs(void) {
    be_held();
    switch_on();
    fake_hang_ms = 300000;
    CHECK(ts_app_telemetry("{\"lux\":3}", false));
    fake_run(55000);
    CHECK(fake_chip.levels[RELAY] == ON);
    fake_run(20000); /* of patience the core has an eighth of the lease, and two seconds */
    CHECK(fake_chip.levels[RELAY] == OFF);
    CHECK(fake_chip.fed > 60);
}

static void a_new_connection_is_a_new_client_with_a_new_boot_number(void) {
    be_held();
    switch_on();
    fake_lost();
    fake_run(3000);
    asked("close");
    asked("connect {\"state\":\"lost\",\"boot\":2}");
    CHECK(fake_clients() == 2);
    CHECK(fake_chip.levels[RELAY] == ON); /* the lease goes on */
    go_online();
    fake_message("devices/scale-1/session", busy_document, 1000);
    fake_run(10);
    is(told, "safe 0;work weighing;");
    fake_message("devices/scale-1/session", free_document, 1000);
    fake_run(10);
    CHECK(fake_chip.levels[RELAY] == ON); /* an older fence is not believed */
}

static void a_void_secret_is_safe(void) {
    be_held();
    switch_on();
    fake_lost();
    fake_run(3000);
    asked("close");
    begins("connect ");
    fake_refused(5);
    fake_run(10);
    CHECK(fake_chip.levels[RELAY] == OFF);
    is(told, "safe 0;work weighing;safe 4;");
    fake_run(25000); /* nobody hurries */
    asked("");
    fake_run(60000);
    asked("close");
    begins("connect ");
}

static void a_refused_subscription_ends_the_connection(void) {
    provision();
    start();
    begins("connect ");
    fake_connected();
    fake_run(10);
    begins("subscribe ");
    fake_granted(false);
    fake_run(10);
    begins("subscribe ");
    asked("close");
}

/* A command with so many spaces behind it. */
static void command_of(const char *topic, size_t size) {
    static char text[4096];

    memset(text, ' ', size);
    text[size] = '\0';
    memcpy(text, "{\"fence\":5}", strlen("{\"fence\":5}"));
    fake_message(topic, text, 500);
    fake_run(10);
}

static void a_message_that_is_too_large_is_dropped_and_the_next_one_is_not(void) {
    be_held();
    command_of("devices/scale-1/command/fits", 2048);
    command_of("devices/scale-1/command/large", 2048 + 512);
    command_of("devices/scale-1/command/next", 600);
    is(told, "safe 0;work weighing;command fits;command next;");
}

static void without_provisioning_it_waits_and_says_so(void) {
    start();
    fake_run(60000);
    CHECK(fake_clients() == 0 && fake_chip.state == FAKE_RUNNING);
    CHECK(fake_chip.driven[RELAY] && fake_chip.levels[RELAY] == OFF);
    CHECK(fake_chip.fed > 50);
}

static void a_wifi_password_that_is_none_is_no_reason_to_restart_for_ever(void) {
    provision();
    fake_flash("wifi_ssid", "house");
    fake_flash("wifi_pass", "short");
    start();
    fake_run(60000);
    CHECK(fake_clients() == 0 && fake_chip.state == FAKE_RUNNING);
}

static void without_an_authority_of_its_own_it_knows_those_of_the_chip(void) {
    provision();
    fake_flash("ca", NULL);
    start();
    is(fake_login(), "mqtts://broker.example:8883 scale-1:the-secret-of-the-scale bundle");
}

static void a_claim_code_becomes_an_identity(void) {
    const char nonce[] = "5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a";

    fake_flash("uri", "mqtt://broker.example:1883");
    fake_flash("code", "k7qm2-9xpd4-1tzqa-8rwn3");
    start();
    is(fake_login(), "mqtt://broker.example:1883 claim-k7qm2:9xpd41tzqa8rwn3");
    is(fake_flash_text("nonce"), nonce);
    asked("connect ");
    fake_connected();
    fake_run(10);
    asked("subscribe provision/reply/claim-k7qm2 1");
    fake_granted(true);
    fake_run(10);
    asked("publish provision/request/claim-k7qm2 {\"id\":\"1\",\"action\":\"claim\",\"mac\":\"a4cf128b3f9e\","
          "\"nonce\":\"5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a\"}");
    fake_puback();
    fake_message("provision/reply/claim-k7qm2",
                 "{\"id\":\"1\",\"ok\":true,\"code\":\"claimed\",\"device\":\"scale-1\","
                 "\"nonce\":\"ffffffffffffffffffffffffffffffff\"}",
                 1000);
    fake_run(1000);
    CHECK(fake_chip.state == FAKE_RESTARTED);
    is(fake_flash_text("id"), "scale-1");
    CHECK(strlen(fake_flash_text("secret")) == 64);
    CHECK(strncmp(fake_flash_text("secret"), "1453", 4) == 0); /* made of 20 bytes of key and 83 of message */
    CHECK(fake_flash_text("code") == NULL && fake_flash_text("nonce") == NULL);
}

static void the_button_held_for_long_is_a_factory_reset(void) {
    be_held();
    fake_flash("wifi_ssid", "other");
    fake_chip.levels[BUTTON] = 0;
    fake_run(9000);
    CHECK(fake_chip.state == FAKE_RUNNING);
    fake_run(2000);
    CHECK(fake_chip.state == FAKE_RESTARTED);
    CHECK(fake_flash_text("secret") == NULL && fake_flash_text("uri") == NULL && fake_flash_text("wifi_ssid") == NULL);
    CHECK(fake_flash_text("boot") != NULL);
}

static void a_nap_is_announced(void) {
    provision();
    start();
    begins("connect ");
    go_online();
    fake_message("devices/scale-1/session", free_document, 1000);
    CHECK(ts_app_sleep(300000));
    fake_run(10);
    asked("publish retained devices/scale-1/status {\"state\":\"sleeping\",\"boot\":1,\"wake_in_s\":300}");
    fake_puback();
    fake_run(10);
    asked("close");
    CHECK(fake_chip.state == FAKE_ASLEEP && fake_chip.sleep_us == 300000000u);
}

static void a_nap_does_not_wait_for_a_broker_that_is_not_there(void) {
    provision();
    start();
    begins("connect ");
    CHECK(ts_app_sleep(1000));
    fake_run(8000);
    CHECK(fake_chip.state == FAKE_ASLEEP && fake_chip.sleep_us == 1000000u);
}

int main(int count, char **arguments) {
    static const scenario scenarios[] = {
        SCENARIO(it_logs_in_and_is_born),
        SCENARIO(the_holder_commands),
        SCENARIO(results_reach_the_broker),
        SCENARIO(an_acknowledgement_may_come_before_the_publish_returns),
        SCENARIO(what_finds_no_room_comes_again),
        SCENARIO(what_waits_while_the_next_work_begins_is_not_of_that_work),
        SCENARIO(without_a_session_there_is_no_work),
        SCENARIO(the_end_of_the_lease_switches_off_even_if_the_network_hangs),
        SCENARIO(a_new_connection_is_a_new_client_with_a_new_boot_number),
        SCENARIO(a_void_secret_is_safe),
        SCENARIO(a_refused_subscription_ends_the_connection),
        SCENARIO(a_message_that_is_too_large_is_dropped_and_the_next_one_is_not),
        SCENARIO(without_provisioning_it_waits_and_says_so),
        SCENARIO(a_wifi_password_that_is_none_is_no_reason_to_restart_for_ever),
        SCENARIO(without_an_authority_of_its_own_it_knows_those_of_the_chip),
        SCENARIO(a_claim_code_becomes_an_identity),
        SCENARIO(the_button_held_for_long_is_a_factory_reset),
        SCENARIO(a_nap_is_announced),
        SCENARIO(a_nap_does_not_wait_for_a_broker_that_is_not_there),
    };

    return play(scenarios, sizeof scenarios / sizeof scenarios[0], count, arguments);
}
