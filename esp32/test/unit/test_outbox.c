#include "bench.h"

#include <stdio.h>
#include <string.h>

static bench b;

static int setup(void **state) {
    (void)state;
    bench_at_work(&b);
    return 0;
}

static const char result[] = "devices/scale-1/result";

static void reconnect(void) {
    bench_wait(&b, ts_due_ms(&b.device, b.now));
    bench_plain(&b, TS_EV_CONNECTED, false);
    bench_acknowledge(&b);
}

static void results_go_one_at_a_time_in_order(void **state) {
    (void)state;
    bench_data(&b, TS_EV_RESULT, "{\"n\":1}", false);
    expect_published(&b, result, "{\"fence\":5,\"job\":1,\"output\":{\"n\":1}}");
    const uint16_t token = b.shots[0].action.token;
    bench_data(&b, TS_EV_RESULT, "{\"n\":2}", false);
    assert_int_equal(b.count, 0);
    bench_data(&b, TS_EV_RESULT, "", true);
    assert_int_equal(b.count, 0);
    bench_event(&b, (ts_event){.kind = TS_EV_ACCEPTED, .token = token});
    expect_published(&b, result, "{\"fence\":5,\"job\":1,\"output\":{\"n\":2}}");
    bench_accept(&b, &b.shots[0]);
    expect_published(&b, result, "{\"fence\":5,\"job\":1,\"complete\":true}");
    bench_accept(&b, &b.shots[0]);
    assert_int_equal(b.count, 0);
}

static void results_wait_for_a_connection_and_its_document(void **state) {
    (void)state;
    bench_plain(&b, TS_EV_LOST, false);
    bench_data(&b, TS_EV_RESULT, "{\"n\":1}", false);
    assert_true(b.taken);
    reconnect();
    assert_null(bench_published(&b, result));
    bench_session(&b, 5, true, "");
    expect_published(&b, result, "{\"fence\":5,\"job\":1,\"output\":{\"n\":1}}");
}

static void work_that_is_done_is_not_begun_again(void **state) {
    (void)state;
    bench_plain(&b, TS_EV_LOST, false);
    bench_data(&b, TS_EV_RESULT, "", true);
    b.config.backoff_min_ms = 1;
    b.now += 60000; /* the lease is over; but the server has renewed it */
    bench_plain(&b, TS_EV_TICK, false);
    expect_safe(&b, TS_SAFE_LEASE);
    bench_plain(&b, TS_EV_CONNECTED, false);
    bench_acknowledge(&b);
    bench_session(&b, 5, true, "");
    assert_null(bench_find(&b, TS_DO_WORK));
    expect_published(&b, result, "{\"fence\":5,\"job\":1,\"complete\":true}");
    bench_session(&b, 5, true, ",\"job\":2");
    assert_non_null(bench_find(&b, TS_DO_WORK));
}

static void results_of_what_is_over_are_dropped(void **state) {
    (void)state;
    bench_plain(&b, TS_EV_LOST, false);
    bench_data(&b, TS_EV_RESULT, "{\"n\":1}", true);
    reconnect();
    bench_session(&b, 6, true, "");
    assert_null(bench_published(&b, result));
}

static void a_result_names_the_work_that_it_is_of(void **state) {
    uint32_t before = b.work;
    (void)state;
    bench_session(&b, 6, true, "");
    assert_int_not_equal(b.work, before);
    bench_event(&b, (ts_event){.kind = TS_EV_RESULT, .number = before, .on = true});
    expect_note(&b, TS_CODE_STALE_JOB);
    assert_null(bench_published(&b, result));
    bench_event(&b, (ts_event){.kind = TS_EV_RESULT, .number = 0});
    expect_note(&b, TS_CODE_STALE_JOB);
    before = b.work;
    bench_session(&b, 7, true, ",\"session\":\"uuid-6\""); /* handed over: it is the same work */
    bench_event(&b, (ts_event){.kind = TS_EV_RESULT, .number = before});
    expect_published(&b, result, "{\"fence\":7,\"job\":1}");
    bench_session(&b, 7, true, ",\"session\":\"uuid-6\",\"job\":2");
    bench_event(&b, (ts_event){.kind = TS_EV_RESULT, .number = before});
    expect_note(&b, TS_CODE_STALE_JOB);
}

static void a_result_of_before_the_board_had_to_stop_does_not_count(void **state) {
    uint32_t before = b.work;
    (void)state;
    bench_plain(&b, TS_EV_LOST, false);
    b.now += 60000;
    bench_plain(&b, TS_EV_TICK, false);
    expect_safe(&b, TS_SAFE_LEASE);
    bench_plain(&b, TS_EV_CONNECTED, false);
    bench_acknowledge(&b);
    bench_session(&b, 5, true, "");
    assert_non_null(bench_find(&b, TS_DO_WORK)); /* it begins anew */
    bench_event(&b, (ts_event){.kind = TS_EV_RESULT, .number = before, .on = true});
    expect_note(&b, TS_CODE_STALE_JOB);
}

static void a_new_input_makes_results_of_the_old_one_void(void **state) {
    (void)state;
    bench_plain(&b, TS_EV_LOST, false);
    bench_data(&b, TS_EV_RESULT, "{\"n\":1}", true);
    reconnect();
    bench_session(&b, 5, true, ",\"job\":2");
    assert_null(bench_published(&b, result));
    bench_data(&b, TS_EV_RESULT, "{\"n\":2}", true);
    expect_published(&b, result, "{\"fence\":5,\"job\":2,\"output\":{\"n\":2},\"complete\":true}");
}

static void results_are_handed_over_with_the_session(void **state) {
    (void)state;
    bench_plain(&b, TS_EV_LOST, false);
    bench_data(&b, TS_EV_RESULT, "{\"n\":1}", true);
    reconnect();
    bench_session(&b, 6, true, ",\"session\":\"uuid-5\"");
    expect_published(&b, result, "{\"fence\":6,\"job\":1,\"output\":{\"n\":1},\"complete\":true}");
}

static void what_is_lost_on_its_way_is_told_again(void **state) {
    (void)state;
    bench_data(&b, TS_EV_RESULT, "{\"n\":1}", false);
    bench_plain(&b, TS_EV_LOST, false);
    reconnect();
    bench_session(&b, 5, true, "");
    expect_published(&b, result, "{\"fence\":5,\"job\":1,\"output\":{\"n\":1}}");
    bench_event(&b, (ts_event){.kind = TS_EV_NOT_SENT, .token = bench_published(&b, result)->action.token});
    bench_wait(&b, 200);
    expect_published(&b, result, "{\"fence\":5,\"job\":1,\"output\":{\"n\":1}}");
}

static void the_end_is_told_again_until_the_document_shows_it(void **state) {
    (void)state;
    bench_data(&b, TS_EV_RESULT, "", true);
    for (uint32_t delay = 5000, i = 0; i < 6; i++) {
        bench_acknowledge(&b);
        bench_wait(&b, delay - 1);
        assert_null(bench_published(&b, result));
        bench_wait(&b, 1);
        expect_published(&b, result, "{\"fence\":5,\"job\":1,\"complete\":true}");
        delay = delay < 40000 ? delay * 2 : 60000;
        bench_session(&b, 5, true, ""); /* it does not */
        bench_event(&b, (ts_event){.kind = TS_EV_ACCEPTED, .token = b.device.chores[TS_CHORE_RESULT].token});
    }
    bench_session(&b, 5, true, ",\"complete\":true");
    bench_wait(&b, 60000);
    assert_null(bench_published(&b, result));
}

static void what_is_no_result_is_noted(void **state) {
    static char data[TS_OUT_BYTES];
    (void)state;
    bench_data(&b, TS_EV_RESULT, "[1]", false);
    expect_note(&b, TS_CODE_BAD_JSON);
    memset(data, ' ', sizeof data - 1);
    data[0] = '{';
    data[sizeof data - 2] = '}';
    bench_data(&b, TS_EV_RESULT, data, false);
    expect_note(&b, TS_CODE_TOO_LARGE);
    bench_session(&b, 5, false, "");
    bench_data(&b, TS_EV_RESULT, "{}", true);
    expect_note(&b, TS_CODE_NOT_IN_USE);
    assert_true(b.taken);
}

static void of_readings_the_newest_waits(void **state) {
    const shot *told;
    (void)state;
    bench_data(&b, TS_EV_TELEMETRY, "{\"t\":1}", true);
    told = expect_published(&b, "devices/scale-1/telemetry", "{\"t\":1}");
    assert_true(told->action.on);
    assert_int_equal(told->action.qos, 0);
    bench_plain(&b, TS_EV_LOST, false);
    bench_data(&b, TS_EV_TELEMETRY, "{\"t\":2}", false);
    bench_data(&b, TS_EV_TELEMETRY, "{\"t\":3}", true);
    bench_data(&b, TS_EV_TELEMETRY, "4", false);
    expect_note(&b, TS_CODE_BAD_JSON);
    bench_wait(&b, ts_due_ms(&b.device, b.now));
    bench_plain(&b, TS_EV_CONNECTED, false);
    bench_grant(&b);
    assert_true(bench_published(&b, "devices/scale-1/telemetry")->action.on);
    assert_string_equal(bench_published(&b, "devices/scale-1/telemetry")->data, "{\"t\":3}");
    assert_int_equal(b.device.queue_size, 0);
}

static void readings_before_the_birth_follow_it(void **state) {
    uint16_t tokens[2] = {0};
    (void)state;
    bench_plain(&b, TS_EV_LOST, false);
    bench_wait(&b, ts_due_ms(&b.device, b.now));
    bench_plain(&b, TS_EV_CONNECTED, false);
    for (size_t i = 0, found = 0; i < b.count; i++)
        if (b.shots[i].action.kind == TS_DO_SUBSCRIBE) tokens[found++] = b.shots[i].action.token;
    bench_data(&b, TS_EV_TELEMETRY, "{\"t\":1}", true); /* connected, but not born */
    assert_null(bench_published(&b, "devices/scale-1/telemetry"));
    for (size_t i = 0; i < 2; i++)
        bench_event(&b, (ts_event){.kind = TS_EV_SUBSCRIBED, .on = true, .token = tokens[i]});
    assert_true(expect_published(&b, "devices/scale-1/telemetry", "{\"t\":1}")->action.on);
    assert_int_equal(b.device.queue_size, 0);
}

static void what_is_sensed_is_told_again_after_each_connection(void **state) {
    const shot *told;
    (void)state;
    bench_data(&b, TS_EV_SENSED, "{\"lux\":12}", true);
    told = expect_published(&b, "triggers/hall", "{\"active\":true,\"data\":{\"lux\":12}}");
    assert_true(told->action.on);
    assert_int_equal(told->action.qos, 1);
    bench_acknowledge(&b);
    bench_data(&b, TS_EV_SENSED, "", false);
    expect_published(&b, "triggers/hall", "{\"active\":false}");
    bench_plain(&b, TS_EV_LOST, false);
    bench_wait(&b, ts_due_ms(&b.device, b.now));
    bench_plain(&b, TS_EV_CONNECTED, false);
    bench_grant(&b);
    expect_published(&b, "triggers/hall", "{\"active\":false}");
}

static void a_pulse_is_told_once(void **state) {
    (void)state;
    b.config.pulse = true;
    bench_data(&b, TS_EV_SENSED, "{\"uid\":\"04A2\"}", true);
    assert_false(expect_published(&b, "triggers/hall", "{\"active\":true,\"data\":{\"uid\":\"04A2\"}}")->action.on);
    bench_plain(&b, TS_EV_SENSED, false);
    assert_int_equal(b.count, 0);
    bench_plain(&b, TS_EV_LOST, false);
    bench_plain(&b, TS_EV_SENSED, true);
    expect_note(&b, TS_CODE_DEVICE_OFFLINE);
    assert_string_equal(expect(&b, TS_DO_NOTE)->topic, "triggers/hall");
    assert_int_equal(b.device.queue_size, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(results_go_one_at_a_time_in_order, setup),
        cmocka_unit_test_setup(results_wait_for_a_connection_and_its_document, setup),
        cmocka_unit_test_setup(work_that_is_done_is_not_begun_again, setup),
        cmocka_unit_test_setup(results_of_what_is_over_are_dropped, setup),
        cmocka_unit_test_setup(a_result_names_the_work_that_it_is_of, setup),
        cmocka_unit_test_setup(a_result_of_before_the_board_had_to_stop_does_not_count, setup),
        cmocka_unit_test_setup(a_new_input_makes_results_of_the_old_one_void, setup),
        cmocka_unit_test_setup(results_are_handed_over_with_the_session, setup),
        cmocka_unit_test_setup(what_is_lost_on_its_way_is_told_again, setup),
        cmocka_unit_test_setup(the_end_is_told_again_until_the_document_shows_it, setup),
        cmocka_unit_test_setup(what_is_no_result_is_noted, setup),
        cmocka_unit_test_setup(of_readings_the_newest_waits, setup),
        cmocka_unit_test_setup(readings_before_the_birth_follow_it, setup),
        cmocka_unit_test_setup(what_is_sensed_is_told_again_after_each_connection, setup),
        cmocka_unit_test_setup(a_pulse_is_told_once, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
