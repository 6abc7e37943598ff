/* The whole component, with the core, on a chip that is not there: one scenario for each run of this program. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fake.h"
#include "mbedtls/md.h"
#include "talkstick_app.h"

#define RELAY 26
#define BUTTON 0
#define ON 0 /* the relay is inverted */
#define OFF 1

static char told[512]; /* what the application was told */

#define CHECK(condition)                                                                                               \
    do {                                                                                                               \
        if (!(condition)) {                                                                                            \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition);                                            \
            exit(1);                                                                                                   \
        }                                                                                                              \
    } while (0)

static void is(const char *text, const char *wanted) {
    if (strcmp(text, wanted) == 0) return;
    fprintf(stderr, "wanted: %s\n   got: %s\n", wanted, text);
    exit(1);
}

/* The next thing that the broker was asked for. */
static void asked(const char *wanted) { is(fake_asked(), wanted); }

static void begins(const char *wanted) {
    const char *text = fake_asked();

    if (strncmp(text, wanted, strlen(wanted)) != 0) is(text, wanted);
}

/* -- The application ---------------------------------------------------------------------------------------------- */

static void tell(const char *what, ts_text more) {
    size_t used = strlen(told);

    snprintf(told + used, sizeof told - used, "%s %.*s;", what, (int)more.size, more.data);
}

static void work(ts_text type, ts_text input, uint32_t fence, uint32_t job) {
    (void)input, (void)fence, (void)job;
    tell("work", type);
}

static void command(ts_text name, ts_text data) {
    uint32_t number = 0;
    char text[8] = "";

    tell("command", name);
    if (ts_app_number(data, "grams", &number)) CHECK(number == 500);
    if (ts_app_string(data, "unit", text, sizeof text)) tell("unit", (ts_text){text, strlen(text)});
}

static void safe(ts_reason reason) {
    char number[4];

    snprintf(number, sizeof number, "%d", (int)reason);
    tell("safe", (ts_text){number, strlen(number)});
}

static const ts_app app = {.model = "test", .work = work, .command = command, .safe = safe};

static void app_task(void *unused) {
    (void)unused;
    ts_app_run(&app);
}

/* -- The beginnings ----------------------------------------------------------------------------------------------- */

static const char free_document[] =
    "{\"state\":\"free\",\"in_use\":false,\"session\":null,\"type\":null,\"holder\":null,\"holder_name\":null,"
    "\"fence\":4,\"job\":0,\"expires_in_s\":null,\"input\":{},\"output\":{},\"complete\":false,\"queue\":[],"
    "\"revision\":7}";
static const char busy_document[] =
    "{\"state\":\"active\",\"in_use\":true,\"session\":\"5f1c3f0e-0000-4000-8000-000000000001\",\"type\":\"weighing\","
    "\"holder\":\"alice\",\"holder_name\":\"Alice\",\"fence\":5,\"job\":1,\"expires_in_s\":60.0,\"input\":{},"
    "\"output\":{},\"complete\":false,\"queue\":[],\"revision\":8}";

static void provision(void) {
    fake_flash("uri", "mqtts://broker.example:8883");
    fake_flash("ca", "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n");
    fake_flash("id", "scale-1");
    fake_flash("secret", "the-secret-of-the-scale");
}

static void start(void) {
    fake_task(app_task, NULL);
    fake_run(100);
}

/* From CONNACK to the birth. */
static void go_online(void) {
    fake_connected();
    fake_run(10);
    asked("subscribe devices/scale-1/session 1");
    fake_granted(true);
    fake_run(10);
    asked("subscribe devices/scale-1/command/+ 1");
    fake_granted(true);
    fake_run(10);
    begins("publish retained devices/scale-1/status {\"state\":\"online\",\"boot\":");
    fake_puback();
    fake_run(10);
    begins("publish retained devices/scale-1/info {\"model\":\"test\",\"firmware\":\"1.2.3\"");
    fake_puback();
    fake_run(10);
}

static void be_held(void) {
    provision();
    start();
    asked("connect {\"state\":\"lost\",\"boot\":1}");
    go_online();
    fake_message("devices/scale-1/session", busy_document, 100);
    fake_run(10);
}

static void switch_on(void) {
    fake_message("devices/scale-1/command/switch", "{\"fence\":5,\"output\":\"relay\",\"on\":true}", 1000);
    fake_run(10);
    CHECK(fake_chip.levels[RELAY] == ON);
}

/* -- Scenarios ---------------------------------------------------------------------------------------------------- */

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
    CHECK(ts_app_report("{\"weight_kg\":70.5}", true));
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
    CHECK(ts_app_report("{\"percent\":1}", false));
    fake_run(10);
    begins("publish devices/scale-1/result {\"fence\":5");
    CHECK(ts_app_report("{\"percent\":2}", false));
    fake_run(10);
    asked("publish devices/scale-1/result {\"fence\":5,\"job\":1,\"output\":{\"percent\":2}}");
}

static void what_finds_no_room_comes_again(void) {
    be_held();
    fake_outbox_full = true;
    CHECK(ts_app_report("{\"percent\":1}", false));
    fake_run(100);
    begins("publish devices/scale-1/result");
    fake_outbox_full = false;
    fake_run(1000);
    begins("publish devices/scale-1/result");
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

#define SCENARIO(name) {#name, name}

int main(int count, char **arguments) {
    static const struct {
        const char *name;
        void (*play)(void);
    } scenarios[] = {
        SCENARIO(it_logs_in_and_is_born),
        SCENARIO(the_holder_commands),
        SCENARIO(results_reach_the_broker),
        SCENARIO(an_acknowledgement_may_come_before_the_publish_returns),
        SCENARIO(what_finds_no_room_comes_again),
        SCENARIO(the_end_of_the_lease_switches_off_even_if_the_network_hangs),
        SCENARIO(a_new_connection_is_a_new_client_with_a_new_boot_number),
        SCENARIO(a_void_secret_is_safe),
        SCENARIO(a_refused_subscription_ends_the_connection),
        SCENARIO(a_message_that_is_too_large_is_dropped_and_the_next_one_is_not),
        SCENARIO(without_provisioning_it_waits_and_says_so),
        SCENARIO(a_claim_code_becomes_an_identity),
        SCENARIO(the_button_held_for_long_is_a_factory_reset),
        SCENARIO(a_nap_is_announced),
        SCENARIO(a_nap_does_not_wait_for_a_broker_that_is_not_there),
    };

    for (size_t i = 0; i < sizeof scenarios / sizeof scenarios[0]; i++)
        if (count == 2 && strcmp(arguments[1], scenarios[i].name) == 0) {
            scenarios[i].play();
            return 0;
        }
    return 2;
}
