#include "bench.h"

#include <stdio.h>
#include <string.h>

static bench b;

static int setup(void **state) {
    (void)state;
    bench_prepare(&b);
    return 0;
}

/* Lose the connection, and return how long it is until the next attempt. */
static uint32_t lose(void) {
    uint32_t due;
    bench_plain(&b, TS_EV_LOST, false);
    assert_null(bench_find(&b, TS_DO_CONNECT));
    due = ts_due_ms(&b.device, b.now);
    bench_wait(&b, due - 1);
    assert_null(bench_find(&b, TS_DO_CONNECT));
    bench_wait(&b, 1);
    assert_non_null(bench_find(&b, TS_DO_CONNECT));
    return due;
}

static void it_begins_safe_and_saves_the_boot_number_before_it_connects(void **state) {
    static const ts_action_kind order[] = {TS_DO_OUTPUT, TS_DO_OUTPUT,    TS_DO_SAFE,
                                           TS_DO_SHOW,   TS_DO_SAVE_BOOT, TS_DO_CONNECT};
    (void)state;
    b.config.boot = 128;
    bench_switch_on(&b);
    assert_int_equal(b.count, 6);
    for (size_t i = 0; i < 6; i++) assert_int_equal(b.shots[i].action.kind, order[i]);
    expect_safe(&b, TS_SAFE_START);
    assert_int_equal(expect(&b, TS_DO_SAVE_BOOT)->action.number, 192);
    assert_string_equal(expect(&b, TS_DO_CONNECT)->topic, "devices/scale-1/status");
    assert_string_equal(expect(&b, TS_DO_CONNECT)->data, "{\"state\":\"lost\",\"boot\":129}");
    assert_int_equal(bench_view(&b).link, TS_LINK_CONNECTING);
}

static void numbers_rise_with_each_connection_and_are_saved_in_blocks(void **state) {
    size_t saved = 0;
    char will[64];
    (void)state;
    b.config.backoff_max_ms = 1000;
    bench_switch_on(&b);
    assert_string_equal(expect(&b, TS_DO_CONNECT)->data, "{\"state\":\"lost\",\"boot\":1}");
    for (unsigned boot = 2; boot <= 129; boot++) {
        (void)lose();
        (void)snprintf(will, sizeof will, "{\"state\":\"lost\",\"boot\":%u}", boot);
        assert_string_equal(expect(&b, TS_DO_CONNECT)->data, will);
        if (bench_find(&b, TS_DO_SAVE_BOOT) == NULL) continue;
        saved++;
        assert_int_equal(b.shots[b.count - 2].action.kind, TS_DO_SAVE_BOOT);
        assert_int_equal(expect(&b, TS_DO_SAVE_BOOT)->action.number, boot + 63);
    }
    assert_int_equal(saved, 2);
}

static void the_last_boot_number_is_kept(void **state) {
    (void)state;
    b.config.boot = UINT32_MAX;
    bench_switch_on(&b);
    assert_string_equal(expect(&b, TS_DO_CONNECT)->data, "{\"state\":\"lost\",\"boot\":4294967295}");
}

static void it_is_born_when_it_can_hear(void **state) {
    static const char *const topics[] = {"session", "command/+", "speech/+", "conversation", "session/reply/scale-1"};
    static const uint8_t qos[] = {1, 1, 0, 1, 1};
    char topic[64];
    (void)state;
    b.config.prefix = "lab/";
    b.config.voice = true;
    b.config.badges = true;
    b.config.model = "esp32-\"s3\"";
    b.config.firmware = "scale 1.2";
    b.config.clean_step = true;
    b.config.max_payload = 4096;
    b.config.speech_codec = TS_CODEC_MULAW_8K;
    bench_switch_on(&b);
    bench_plain(&b, TS_EV_CONNECTED, false);
    assert_int_equal(bench_count(&b, TS_DO_SUBSCRIBE), 5);
    assert_int_equal(bench_count(&b, TS_DO_PUBLISH), 0);
    for (size_t i = 0; i < 5; i++) {
        (void)snprintf(topic, sizeof topic, "lab/devices/scale-1/%s", topics[i]);
        assert_string_equal(b.shots[b.count - 5 + i].topic, topic);
        assert_int_equal(b.shots[b.count - 5 + i].action.qos, qos[i]);
    }
    bench_acknowledge(&b); /* the last event is the PUBACK of the info */
    bench_plain(&b, TS_EV_LOST, false);
}

static void birth_and_info_follow_the_last_suback(void **state) {
    uint16_t tokens[2];
    (void)state;
    b.config.model = "esp32-s3";
    b.config.max_payload = 4096;
    b.config.clean_step = true;
    b.config.voice = false;
    bench_switch_on(&b);
    bench_plain(&b, TS_EV_CONNECTED, false);
    tokens[0] = b.shots[b.count - 2].action.token;
    tokens[1] = b.shots[b.count - 1].action.token;
    bench_event(&b, (ts_event){.kind = TS_EV_SUBSCRIBED, .on = true, .token = tokens[1]});
    assert_int_equal(bench_count(&b, TS_DO_PUBLISH), 0);
    bench_event(&b, (ts_event){.kind = TS_EV_SUBSCRIBED, .on = true, .token = tokens[0]});
    assert_int_equal(b.count, 2);
    assert_string_equal(b.shots[0].data, "{\"state\":\"online\",\"boot\":1}");
    assert_string_equal(b.shots[1].topic, "devices/scale-1/info");
    assert_string_equal(b.shots[1].data, "{\"model\":\"esp32-s3\",\"capabilities\":[\"lamp\",\"lock\"],"
                                         "\"limits\":{\"max_payload\":4096},\"clean_step\":true}");
    for (size_t i = 0; i < 2; i++) {
        assert_true(b.shots[i].action.on);
        assert_int_equal(b.shots[i].action.qos, 1);
    }
    assert_int_equal(bench_view(&b).link, TS_LINK_UP);
    assert_false(bench_view(&b).known);
}

static void a_refused_subscription_ends_the_connection(void **state) {
    (void)state;
    bench_switch_on(&b);
    bench_plain(&b, TS_EV_CONNECTED, false);
    bench_event(&b, (ts_event){.kind = TS_EV_SUBSCRIBED, .token = b.shots[b.count - 1].action.token});
    expect_note(&b, TS_CODE_FORBIDDEN);
    assert_string_equal(expect(&b, TS_DO_NOTE)->topic, "devices/scale-1/command/+");
    assert_non_null(bench_find(&b, TS_DO_DISCONNECT));
    assert_null(bench_find(&b, TS_DO_PUBLISH));
    (void)lose();
}

static void what_is_not_acknowledged_in_20_seconds_ends_it_too(void **state) {
    (void)state;
    bench_switch_on(&b);
    bench_plain(&b, TS_EV_CONNECTED, false);
    bench_wait(&b, 19999);
    assert_null(bench_find(&b, TS_DO_DISCONNECT));
    bench_wait(&b, 1);
    assert_non_null(bench_find(&b, TS_DO_DISCONNECT));
    bench_wait(&b, 20000); /* nobody said that it was lost */
    assert_int_equal(bench_view(&b).link, TS_LINK_DOWN);
}

static void an_attempt_that_never_ends_is_given_up(void **state) {
    (void)state;
    bench_switch_on(&b);
    bench_wait(&b, 60000);
    assert_non_null(bench_find(&b, TS_DO_DISCONNECT));
    bench_plain(&b, TS_EV_CONNECTED, false); /* too late: it crossed */
    assert_null(bench_find(&b, TS_DO_SUBSCRIBE));
    bench_plain(&b, TS_EV_LOST, false);
    bench_wait(&b, 1000);
    assert_non_null(bench_find(&b, TS_DO_CONNECT));
}

static void waiting_doubles_up_to_the_most_with_jitter(void **state) {
    bool differs = false;
    (void)state;
    bench_switch_on(&b);
    for (uint32_t most = 1000, i = 0; i < 12; i++) {
        uint32_t delay = lose();
        assert_in_range(delay, most / 2, most);
        differs = differs || (delay != most && delay != most / 2);
        most = most < 30000 ? most * 2 : 60000;
    }
    assert_true(differs);
}

static void a_good_connection_makes_the_next_wait_short(void **state) {
    (void)state;
    bench_switch_on(&b);
    for (int i = 0; i < 8; i++) (void)lose();
    bench_plain(&b, TS_EV_CONNECTED, false);
    bench_acknowledge(&b);
    assert_true(lose() > 2000); /* it did not last */
    bench_plain(&b, TS_EV_CONNECTED, false);
    bench_acknowledge(&b);
    bench_session(&b, 1, false, "");
    assert_true(lose() <= 1000);
    for (int i = 0; i < 8; i++) (void)lose();
    bench_plain(&b, TS_EV_CONNECTED, false);
    bench_acknowledge(&b);
    bench_wait(&b, 30000);
    assert_true(lose() <= 1000);
}

static void a_void_secret_makes_it_safe_once_and_patient(void **state) {
    (void)state;
    bench_switch_on(&b);
    bench_event(&b, (ts_event){.kind = TS_EV_REFUSED, .number = 5});
    expect_safe(&b, TS_SAFE_REMOVED);
    assert_true(ts_due_ms(&b.device, b.now) >= 30000);
    bench_wait(&b, 60000);
    bench_event(&b, (ts_event){.kind = TS_EV_REFUSED, .number = 4});
    assert_null(bench_find(&b, TS_DO_SAFE));
    expect_note(&b, TS_CODE_FORBIDDEN);
}

static void a_busy_broker_is_tried_again_soon(void **state) {
    (void)state;
    bench_switch_on(&b);
    bench_event(&b, (ts_event){.kind = TS_EV_REFUSED, .number = 3});
    assert_null(bench_find(&b, TS_DO_SAFE));
    expect_note(&b, TS_CODE_UNREACHABLE);
    assert_true(ts_due_ms(&b.device, b.now) <= 1000);
}

static void silence_is_filled_with_heartbeats(void **state) {
    const shot *beat;
    (void)state;
    bench_online(&b);
    bench_wait(&b, 3000);
    bench_wait(&b, 29999);
    assert_null(bench_find(&b, TS_DO_PUBLISH));
    bench_wait(&b, 1);
    beat = expect_published(&b, "devices/scale-1/heartbeat", "{}");
    assert_int_equal(beat->action.qos, 0);
    assert_int_equal(beat->action.token, 0);
    bench_wait(&b, 20000);
    bench_data(&b, TS_EV_TELEMETRY, "{\"t\":1}", false);
    bench_wait(&b, 10000);
    assert_null(bench_find(&b, TS_DO_PUBLISH));
    bench_wait(&b, 20000);
    assert_non_null(bench_find(&b, TS_DO_PUBLISH));
    bench_plain(&b, TS_EV_LOST, false);
    b.config.backoff_min_ms = 60000;
    bench_wait(&b, 400);
    assert_null(bench_find(&b, TS_DO_PUBLISH));
}

static void what_was_not_sent_comes_again(void **state) {
    uint16_t token;
    (void)state;
    bench_switch_on(&b);
    bench_plain(&b, TS_EV_CONNECTED, false);
    token = b.shots[b.count - 2].action.token;
    bench_event(&b, (ts_event){.kind = TS_EV_NOT_SENT, .token = token});
    assert_int_equal(b.count, 0);
    bench_wait(&b, 199);
    assert_int_equal(b.count, 0);
    bench_wait(&b, 1);
    assert_string_equal(expect(&b, TS_DO_SUBSCRIBE)->topic, "devices/scale-1/session");
    assert_int_not_equal(expect(&b, TS_DO_SUBSCRIBE)->action.token, token);
}

static void a_reboot_is_wished_for_once(void **state) {
    (void)state;
    b.config.give_up_ms = 300000;
    bench_online(&b);
    bench_wait(&b, 10000000);
    assert_null(bench_find(&b, TS_DO_REBOOT));
    bench_plain(&b, TS_EV_LOST, false);
    for (uint32_t i = 0, wished = 0; i < 100; i++) {
        bench_wait(&b, 6000);
        wished += (uint32_t)bench_count(&b, TS_DO_REBOOT);
        if (bench_find(&b, TS_DO_CONNECT) != NULL) bench_plain(&b, TS_EV_LOST, false);
        assert_int_equal(wished, i < 49 ? 0 : 1);
    }
}

static void time_may_wrap(void **state) {
    (void)state;
    b.now = UINT32_MAX - 500;
    bench_online(&b);
    bench_session(&b, 1, true, "");
    assert_int_equal(bench_view(&b).lease_ms, 60000);
    assert_in_range(ts_due_ms(&b.device, b.now), 1, 30000);
    bench_wait(&b, 30000);
    assert_non_null(bench_published(&b, "devices/scale-1/heartbeat"));
    assert_int_equal(bench_view(&b).lease_ms, 30000);
    assert_null(bench_find(&b, TS_DO_SAFE));
    bench_wait(&b, 60000);
    expect_safe(&b, TS_SAFE_LEASE);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(it_begins_safe_and_saves_the_boot_number_before_it_connects, setup),
        cmocka_unit_test_setup(numbers_rise_with_each_connection_and_are_saved_in_blocks, setup),
        cmocka_unit_test_setup(the_last_boot_number_is_kept, setup),
        cmocka_unit_test_setup(it_is_born_when_it_can_hear, setup),
        cmocka_unit_test_setup(birth_and_info_follow_the_last_suback, setup),
        cmocka_unit_test_setup(a_refused_subscription_ends_the_connection, setup),
        cmocka_unit_test_setup(what_is_not_acknowledged_in_20_seconds_ends_it_too, setup),
        cmocka_unit_test_setup(an_attempt_that_never_ends_is_given_up, setup),
        cmocka_unit_test_setup(waiting_doubles_up_to_the_most_with_jitter, setup),
        cmocka_unit_test_setup(a_good_connection_makes_the_next_wait_short, setup),
        cmocka_unit_test_setup(a_void_secret_makes_it_safe_once_and_patient, setup),
        cmocka_unit_test_setup(a_busy_broker_is_tried_again_soon, setup),
        cmocka_unit_test_setup(silence_is_filled_with_heartbeats, setup),
        cmocka_unit_test_setup(what_was_not_sent_comes_again, setup),
        cmocka_unit_test_setup(a_reboot_is_wished_for_once, setup),
        cmocka_unit_test_setup(time_may_wrap, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
