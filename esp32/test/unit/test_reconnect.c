#include "bench.h"

static bench b;

static int setup(void **state) {
    (void)state;
    bench_prepare(&b);
    bench_online(&b);
    return 0;
}

/* A document that is all the test's own. */
static void document(const char *text) { bench_retained(&b, "devices/scale-1/session", text); }

static void reconnect(void) {
    bench_plain(&b, TS_EV_LOST, false);
    bench_wait(&b, ts_due_ms(&b.device, b.now));
    assert_non_null(bench_find(&b, TS_DO_CONNECT));
    bench_plain(&b, TS_EV_CONNECTED, false);
    bench_acknowledge(&b);
}

static void a_final_result_is_told_until_the_document_shows_it(void **state) {
    (void)state;
    bench_session(&b, 5, true, "");
    bench_data(&b, TS_EV_RESULT, "{\"weight_g\":70}", true);
    expect_published(&b, "devices/scale-1/result",
                     "{\"fence\":5,\"job\":1,\"output\":{\"weight_g\":70},\"complete\":true}");
    bench_acknowledge(&b);
    bench_plain(&b, TS_EV_LOST, false);
    bench_wait(&b, 2000);
    bench_plain(&b, TS_EV_CONNECTED, false);
    bench_acknowledge(&b);
    bench_session(&b, 5, true, "");
    assert_non_null(bench_published(&b, "devices/scale-1/result"));
    bench_acknowledge(&b);
    bench_session(&b, 5, true, ",\"complete\":true");
    bench_plain(&b, TS_EV_LOST, false);
    bench_wait(&b, 2000);
    bench_plain(&b, TS_EV_CONNECTED, false);
    bench_acknowledge(&b);
    bench_session(&b, 5, true, ",\"complete\":true");
    assert_null(bench_published(&b, "devices/scale-1/result"));
}

static void work_goes_on_over_a_short_loss(void **state) {
    (void)state;
    bench_session(&b, 5, true, "");
    bench_plain(&b, TS_EV_LOST, false);
    assert_null(bench_find(&b, TS_DO_SAFE));
    assert_true(bench_view(&b).in_use);
    assert_false(bench_view(&b).known);
    bench_wait(&b, 1000);
    bench_plain(&b, TS_EV_CONNECTED, false);
    bench_acknowledge(&b);
    bench_session(&b, 5, true, "");
    expect_nothing_but_show(&b);
}

static void nothing_is_commanded_before_the_document_of_this_connection(void **state) {
    (void)state;
    bench_session(&b, 5, true, "");
    reconnect();
    bench_message(&b, "devices/scale-1/command/switch", "{\"fence\":5,\"output\":\"lamp\",\"on\":true}");
    assert_null(bench_find(&b, TS_DO_OUTPUT));
    expect_note(&b, TS_CODE_NOT_IN_USE);
    bench_session(&b, 5, true, "");
    bench_message(&b, "devices/scale-1/command/switch", "{\"fence\":5,\"output\":\"lamp\",\"on\":true}");
    assert_non_null(bench_find(&b, TS_DO_OUTPUT));
}

static void a_server_that_went_back_in_time_is_not_believed(void **state) {
    (void)state;
    bench_session(&b, 5, true, "");
    reconnect();
    document("{\"state\":\"active\",\"in_use\":true,\"fence\":4,\"revision\":900}");
    expect_safe(&b, TS_SAFE_ENDED);
    expect_note(&b, TS_CODE_STALE_FENCE);
    assert_false(bench_view(&b).known);
    bench_message(&b, "devices/scale-1/command/tare", "{\"fence\":4}");
    assert_null(bench_find(&b, TS_DO_COMMAND));
    document("{\"state\":\"active\",\"in_use\":true,\"fence\":5,\"revision\":1}");
    assert_non_null(bench_find(&b, TS_DO_WORK));
}

static void a_lease_ends_by_itself_with_some_patience(void **state) {
    (void)state;
    bench_session(&b, 5, true, "");
    bench_wait(&b, 60000 + 7500 + 1999);
    assert_null(bench_find(&b, TS_DO_SAFE));
    assert_int_equal(bench_view(&b).lease_ms, 0);
    bench_wait(&b, 1);
    expect_safe(&b, TS_SAFE_LEASE);
    bench_message(&b, "devices/scale-1/command/tare", "{\"fence\":5}");
    expect_note(&b, TS_CODE_NOT_IN_USE);
    bench_session(&b, 5, true, "");
    assert_non_null(bench_find(&b, TS_DO_WORK)); /* it had stopped; so it begins again */
}

static void a_command_after_the_lease_does_not_act_even_before_the_tick(void **state) {
    (void)state;
    bench_session(&b, 5, true, "");
    b.now += 69500;
    bench_message(&b, "devices/scale-1/command/switch", "{\"fence\":5,\"output\":\"lamp\",\"on\":true}");
    expect_safe(&b, TS_SAFE_LEASE);
    assert_int_equal(bench_count(&b, TS_DO_OUTPUT), 2);
    expect_note(&b, TS_CODE_NOT_IN_USE);
}

static void without_a_connection_the_lease_ends_in_time(void **state) {
    (void)state;
    b.config.backoff_max_ms = b.config.backoff_min_ms = 3600000;
    bench_session(&b, 5, true, "");
    bench_plain(&b, TS_EV_LOST, false);
    bench_wait(&b, 59999);
    assert_null(bench_find(&b, TS_DO_SAFE));
    bench_wait(&b, 1);
    expect_safe(&b, TS_SAFE_LEASE);
    assert_int_equal(bench_count(&b, TS_DO_SAFE), 1);
}

static void a_loss_may_be_borne_for_a_shorter_time(void **state) {
    (void)state;
    b.config.link_grace_ms = 5000;
    b.config.backoff_min_ms = 60000;
    bench_session(&b, 5, true, ",\"expires_in_s\":null");
    assert_true(bench_view(&b).lease_ms == UINT32_MAX);
    bench_plain(&b, TS_EV_LOST, false);
    bench_wait(&b, 4999);
    assert_null(bench_find(&b, TS_DO_SAFE));
    bench_wait(&b, 1);
    expect_safe(&b, TS_SAFE_LINK);
}

static void a_connection_without_a_document_bears_no_loss_for_longer(void **state) {
    (void)state;
    b.config.link_grace_ms = 5000;
    b.config.backoff_max_ms = b.config.backoff_min_ms = 1000;
    bench_session(&b, 5, true, "");
    for (unsigned losses = 0; losses < 4; losses++) reconnect();
    bench_plain(&b, TS_EV_LOST, false);
    assert_null(bench_find(&b, TS_DO_SAFE));
    b.now = 1000 + 5000;
    bench_plain(&b, TS_EV_TICK, false);
    expect_safe(&b, TS_SAFE_LINK);
}

static void a_retained_document_does_not_renew_what_it_told_before(void **state) {
    static const char same[] = "{\"state\":\"active\",\"in_use\":true,\"fence\":5,\"revision\":9,\"expires_in_s\":60}";
    (void)state;
    document(same);
    bench_wait(&b, 20000);
    reconnect();
    document(same);
    assert_true(bench_view(&b).lease_ms <= 40000);
    bench_message(&b, "devices/scale-1/session", same); /* this was published now */
    assert_int_equal(bench_view(&b).lease_ms, 60000);
}

static void what_was_over_does_not_begin_again_with_the_connection(void **state) {
    static const char same[] = "{\"state\":\"active\",\"in_use\":true,\"fence\":5,\"revision\":9,\"expires_in_s\":60}";
    (void)state;
    document(same);
    bench_wait(&b, 60000 + 7500 + 2000); /* the server is gone, the broker is not */
    expect_safe(&b, TS_SAFE_LEASE);
    for (unsigned weeks = 0; weeks < 8; weeks++) {
        reconnect();
        document(same);
        assert_null(bench_find(&b, TS_DO_WORK));
        assert_false(bench_view(&b).in_use);
        bench_message(&b, "devices/scale-1/command/tare", "{\"fence\":5}");
        expect_note(&b, TS_CODE_NOT_IN_USE);
        b.now += 7u * 86400u * 1000u;
    }
    bench_message(&b, "devices/scale-1/session", same); /* this was published now */
    assert_int_equal(expect(&b, TS_DO_WORK)->action.fence, 5);
    assert_int_equal(bench_view(&b).lease_ms, 60000);
}

static void a_lease_that_ended_while_offline_may_have_been_renewed_a_little(void **state) {
    static const char same[] = "{\"state\":\"active\",\"in_use\":true,\"fence\":5,\"revision\":9,\"expires_in_s\":60}";
    (void)state;
    b.config.backoff_max_ms = b.config.backoff_min_ms = 62000;
    document(same);
    bench_plain(&b, TS_EV_LOST, false);
    bench_wait(&b, 60000);
    expect_safe(&b, TS_SAFE_LEASE);
    bench_wait(&b, 2000);
    bench_plain(&b, TS_EV_CONNECTED, false);
    bench_acknowledge(&b);
    document(same);
    assert_int_equal(expect(&b, TS_DO_WORK)->action.fence, 5);
    bench_wait(&b, 7500);
    expect_safe(&b, TS_SAFE_LEASE);
}

static void work_that_is_done_is_not_begun_again(void **state) {
    (void)state;
    b.config.backoff_max_ms = b.config.backoff_min_ms = 62000;
    bench_session(&b, 5, true, "");
    bench_plain(&b, TS_EV_LOST, false);
    bench_data(&b, TS_EV_RESULT, "{\"cups\":1}", true);
    bench_wait(&b, 60000);
    expect_safe(&b, TS_SAFE_LEASE);
    bench_wait(&b, 2000);
    bench_plain(&b, TS_EV_CONNECTED, false);
    bench_acknowledge(&b);
    bench_session(&b, 5, true, "");
    assert_null(bench_find(&b, TS_DO_WORK)); /* one cup is enough */
    expect_published(&b, "devices/scale-1/result", "{\"fence\":5,\"job\":1,\"output\":{\"cups\":1},\"complete\":true}");
}

static void the_clean_step_is_asked_for_once_and_confirmed_until_it_shows(void **state) {
    static const char done[] = "{\"fence\":5,\"reset\":true}";
    static const char resetting[] = ",\"state\":\"resetting\"";
    (void)state;
    b.config.clean_step = true;
    bench_session(&b, 5, true, "");
    bench_session(&b, 5, false, resetting);
    expect_safe(&b, TS_SAFE_ENDED);
    assert_true(expect(&b, TS_DO_CLEAN) > expect(&b, TS_DO_SAFE));
    bench_session(&b, 5, false, resetting);
    assert_null(bench_find(&b, TS_DO_CLEAN));
    bench_plain(&b, TS_EV_CLEAN, false);
    assert_int_equal(expect_published(&b, "devices/scale-1/result", done)->action.qos, 1);
    bench_acknowledge(&b);
    bench_session(&b, 5, false, resetting);
    assert_null(bench_find(&b, TS_DO_PUBLISH));
    bench_wait(&b, 5000); /* perhaps nobody listened */
    expect_published(&b, "devices/scale-1/result", done);
    reconnect();
    bench_session(&b, 5, false, resetting);
    expect_published(&b, "devices/scale-1/result", done);
    assert_null(bench_find(&b, TS_DO_CLEAN));
    bench_session(&b, 5, false, "");
    reconnect();
    bench_session(&b, 5, false, "");
    assert_null(bench_find(&b, TS_DO_PUBLISH));
}

static void a_clean_step_that_is_over_while_offline_is_told_later(void **state) {
    (void)state;
    b.config.clean_step = true;
    bench_session(&b, 5, false, ",\"state\":\"resetting\"");
    assert_non_null(bench_find(&b, TS_DO_CLEAN));
    bench_plain(&b, TS_EV_LOST, false);
    bench_plain(&b, TS_EV_CLEAN, false);
    bench_wait(&b, 1000);
    bench_plain(&b, TS_EV_CONNECTED, false);
    bench_acknowledge(&b);
    bench_session(&b, 5, false, ",\"state\":\"resetting\"");
    expect_published(&b, "devices/scale-1/result", "{\"fence\":5,\"reset\":true}");
}

/* What is under way may go on without a connection for as long as the lease lasts: a restart would end it. */
static void a_reboot_waits_for_the_end_of_the_lease(void **state) {
    (void)state;
    b.config.give_up_ms = 300000;
    bench_session(&b, 1, true, ",\"expires_in_s\":1000");
    bench_plain(&b, TS_EV_LOST, false);
    for (uint32_t s = 1; s <= 1000; s++) {
        bench_wait(&b, 1000);
        assert_null(bench_find(&b, TS_DO_REBOOT));
        if (bench_find(&b, TS_DO_CONNECT) != NULL) bench_plain(&b, TS_EV_LOST, false);
    }
    assert_false(bench_view(&b).in_use);
    bench_wait(&b, 60000);
    assert_non_null(bench_find(&b, TS_DO_REBOOT));
    bench_wait(&b, 600000);
    assert_null(bench_find(&b, TS_DO_REBOOT));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_final_result_is_told_until_the_document_shows_it, setup),
        cmocka_unit_test_setup(work_goes_on_over_a_short_loss, setup),
        cmocka_unit_test_setup(nothing_is_commanded_before_the_document_of_this_connection, setup),
        cmocka_unit_test_setup(a_server_that_went_back_in_time_is_not_believed, setup),
        cmocka_unit_test_setup(a_lease_ends_by_itself_with_some_patience, setup),
        cmocka_unit_test_setup(a_command_after_the_lease_does_not_act_even_before_the_tick, setup),
        cmocka_unit_test_setup(without_a_connection_the_lease_ends_in_time, setup),
        cmocka_unit_test_setup(a_loss_may_be_borne_for_a_shorter_time, setup),
        cmocka_unit_test_setup(a_connection_without_a_document_bears_no_loss_for_longer, setup),
        cmocka_unit_test_setup(a_retained_document_does_not_renew_what_it_told_before, setup),
        cmocka_unit_test_setup(what_was_over_does_not_begin_again_with_the_connection, setup),
        cmocka_unit_test_setup(a_lease_that_ended_while_offline_may_have_been_renewed_a_little, setup),
        cmocka_unit_test_setup(work_that_is_done_is_not_begun_again, setup),
        cmocka_unit_test_setup(the_clean_step_is_asked_for_once_and_confirmed_until_it_shows, setup),
        cmocka_unit_test_setup(a_clean_step_that_is_over_while_offline_is_told_later, setup),
        cmocka_unit_test_setup(a_reboot_waits_for_the_end_of_the_lease, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
