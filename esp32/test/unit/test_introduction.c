/* Who was away when the board was born, or did not know it yet, is told a little later. */
#include "bench.h"

#include <string.h>

static bench b;

static int setup(void **state) {
    (void)state;
    bench_prepare(&b);
    return 0;
}

static void it_introduces_itself_once_more(void **state) {
    const shot *again;
    (void)state;
    bench_online(&b);
    bench_wait(&b, 2999);
    assert_int_equal(b.count, 0);
    bench_wait(&b, 1);
    assert_int_equal(b.count, 2);
    again = expect_published(&b, "devices/scale-1/status", "{\"state\":\"online\",\"boot\":1}");
    assert_true(again->action.on);
    assert_int_equal(again->action.qos, 0);
    assert_non_null(bench_published(&b, "devices/scale-1/info"));
    bench_wait(&b, 29999);
    assert_int_equal(b.count, 0);
}

static void what_it_senses_is_said_once_more_and_a_pulse_is_not(void **state) {
    (void)state;
    b.config.trigger = "pir";
    bench_online(&b);
    bench_data(&b, TS_EV_SENSED, "{\"lux\":1}", true);
    bench_acknowledge(&b);
    bench_wait(&b, 3000);
    expect_published(&b, "triggers/pir", "{\"active\":true,\"data\":{\"lux\":1}}");

    bench_prepare(&b);
    b.config.trigger = "bell";
    b.config.pulse = true;
    bench_online(&b);
    bench_data(&b, TS_EV_SENSED, "", true);
    bench_acknowledge(&b);
    bench_wait(&b, 3000);
    assert_non_null(bench_published(&b, "devices/scale-1/status"));
    assert_null(bench_published(&b, "triggers/bell"));
}

static bool says_that_it_is_there(void) {
    const shot *status = bench_published(&b, "devices/scale-1/status");
    return status != NULL && strstr(status->data, "online") != NULL;
}

static void who_leaves_does_not_introduce_itself(void **state) {
    (void)state;
    bench_online(&b);
    bench_wait(&b, 2500);
    bench_event(&b, (ts_event){.kind = TS_EV_GOODBYE});
    expect_published(&b, "devices/scale-1/status", "{\"state\":\"disconnected\",\"boot\":1}");
    bench_wait(&b, 500); /* the acknowledgement is still awaited */
    assert_null(bench_find(&b, TS_DO_PUBLISH));
}

static void who_leaves_before_there_was_room_for_its_introduction_does_without(void **state) {
    (void)state;
    b.config.trigger = "pir";
    bench_online(&b);
    bench_wait(&b, 2999);
    bench_data(&b, TS_EV_SENSED, "", true);
    bench_event(&b, (ts_event){.kind = TS_EV_NOT_SENT, .token = b.shots[0].action.token});
    bench_wait(&b, 1);
    assert_null(bench_find(&b, TS_DO_PUBLISH));
    bench_event(&b, (ts_event){.kind = TS_EV_GOODBYE});
    assert_false(says_that_it_is_there());
    bench_wait(&b, 1000);
    assert_non_null(bench_find(&b, TS_DO_PUBLISH));
    assert_false(says_that_it_is_there());
}

static void who_leaves_before_its_birth_is_acknowledged_does_not_either(void **state) {
    uint16_t birth;
    (void)state;
    bench_switch_on(&b);
    bench_plain(&b, TS_EV_CONNECTED, false);
    bench_grant(&b);
    birth = bench_published(&b, "devices/scale-1/status")->action.token;
    bench_event(&b, (ts_event){.kind = TS_EV_GOODBYE});
    bench_event(&b, (ts_event){.kind = TS_EV_ACCEPTED, .token = birth});
    for (int ms = 0; ms < 4000; ms += 100) {
        bench_wait(&b, 100);
        assert_false(says_that_it_is_there());
    }
}

static void who_is_gone_does_not_introduce_itself(void **state) {
    (void)state;
    b.config.backoff_min_ms = 10000;
    bench_online(&b);
    bench_plain(&b, TS_EV_LOST, false);
    bench_wait(&b, 3000);
    assert_int_equal(b.count, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(it_introduces_itself_once_more, setup),
        cmocka_unit_test_setup(what_it_senses_is_said_once_more_and_a_pulse_is_not, setup),
        cmocka_unit_test_setup(who_leaves_does_not_introduce_itself, setup),
        cmocka_unit_test_setup(who_leaves_before_there_was_room_for_its_introduction_does_without, setup),
        cmocka_unit_test_setup(who_leaves_before_its_birth_is_acknowledged_does_not_either, setup),
        cmocka_unit_test_setup(who_is_gone_does_not_introduce_itself, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
