/* What seldom happens, and then matters: one scenario for each run of this program. */
#include "nvs.h"
#include "scene.h"

static void a_nap_begins_while_it_waits_for_the_wifi(void) {
    provision();
    fake_no_wifi = true;
    start();
    CHECK(ts_app_sleep(300000));
    fake_run(1000);
    fake_wifi();
    fake_run(1000);
    CHECK(fake_clients() == 0); /* one that is destroyed before its task has run would leave that with nothing */
    CHECK(fake_chip.state == FAKE_ASLEEP);
}

static void a_nap_of_no_time_is_none(void) {
    be_held();
    CHECK(!ts_app_sleep(0));
    CHECK(ts_app_report(ts_app_work(), "{\"percent\":1}", false));
    fake_run(1000);
    begins("publish devices/scale-1/result");
}

static void the_button_is_a_factory_reset_while_it_claims_too(void) {
    fake_flash("uri", "mqtt://not-there.example:1883");
    fake_flash("code", "k7qm2-9xpd4-1tzqa-8rwn3");
    start();
    fake_chip.levels[BUTTON] = 0;
    fake_run(9000);
    CHECK(fake_chip.state == FAKE_RUNNING);
    fake_run(2000);
    CHECK(fake_chip.state == FAKE_RESTARTED);
    CHECK(fake_flash_text("code") == NULL && fake_flash_text("uri") == NULL);
}

static void a_message_without_memory_ends_the_connection(void) {
    be_held();
    fake_no_memory = true;
    fake_message("devices/scale-1/session", free_document, 1000);
    fake_no_memory = false;
    fake_run(3000);
    asked("disconnect"); /* the next connection brings the document again */
    asked("close");
    begins("connect ");
}

static void flash_memory_that_is_full_is_erased(void) {
    provision();
    fake_flash_error = ESP_ERR_NVS_NO_FREE_PAGES;
    start();
    CHECK(fake_flash_text("secret") == NULL);
}

static void flash_memory_keeps_what_it_has_for_a_fault_of_something_else(void) {
    provision();
    fake_flash_error = ESP_ERR_NO_MEM;
    start();
    CHECK(fake_chip.state == FAKE_RESTARTED);
    CHECK(fake_flash_text("secret") != NULL);
}

int main(int count, char **arguments) {
    static const scenario scenarios[] = {
        SCENARIO(a_nap_begins_while_it_waits_for_the_wifi),
        SCENARIO(a_nap_of_no_time_is_none),
        SCENARIO(the_button_is_a_factory_reset_while_it_claims_too),
        SCENARIO(a_message_without_memory_ends_the_connection),
        SCENARIO(flash_memory_that_is_full_is_erased),
        SCENARIO(flash_memory_keeps_what_it_has_for_a_fault_of_something_else),
    };

    return play(scenarios, sizeof scenarios / sizeof scenarios[0], count, arguments);
}
