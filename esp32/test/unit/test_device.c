#include "bench.h"

#include <string.h>

static bench b;

static int setup(void **state) {
    (void)state;
    bench_prepare(&b);
    return 0;
}

static bool can_begin(void) { return ts_init(&b.device, &b.config, 0); }

static void what_cannot_work_does_not_begin(void **state) {
    static const ts_output nameless[] = {{"", false}};
    ts_action action;
    (void)state;
    b.config.id = "Scale 1";
    assert_false(can_begin());
    assert_false(ts_next(&b.device, &action));
    b.config.id = NULL;
    assert_false(can_begin());
    bench_prepare(&b);
    b.config.prefix = "lab";
    assert_false(can_begin());
    b.config.prefix = "";
    assert_true(can_begin());
    b.config.trigger = "a/b";
    assert_false(can_begin());
    bench_prepare(&b);
    b.config.outputs = nameless;
    b.config.output_count = 1;
    assert_false(can_begin());
    bench_prepare(&b);
    b.config.voice = true;
    assert_true(can_begin());
    b.config.frame_bytes = 63;
    assert_false(can_begin());
    b.config.frame_bytes = 64;
    b.config.buffer_ms = 60001;
    assert_false(can_begin());
    b.config.buffer_ms = 0;
    b.config.speech_codec = TS_CODEC_OPUS;
    assert_false(can_begin());
    b.config.speech_codec = TS_CODEC_WAV;
    b.config.heard_codec = TS_CODEC_MP3;
    assert_false(can_begin());
}

static void the_longest_names_fit(void **state) {
    static char id[64], prefix[65];
    (void)state;
    memset(id, 'd', 63);
    memset(prefix, 'p', 63);
    prefix[63] = '/';
    b.config.id = id;
    b.config.prefix = prefix;
    b.config.badges = true;
    bench_switch_on(&b);
    bench_plain(&b, TS_EV_CONNECTED, false);
    assert_int_equal(strlen(expect(&b, TS_DO_SUBSCRIBE)->topic), 64 + 8 + 63 + 8);
    bench_grant(&b);
    bench_data(&b, TS_EV_BADGE, id, false);
    assert_int_equal(strlen(expect(&b, TS_DO_PUBLISH)->topic), 64 + 8 + 63 + 17 + 63);
}

static void messages_may_have_any_topic(void **state) {
    static char endless[1000];
    (void)state;
    memset(endless, 'a', sizeof endless - 1);
    bench_online(&b);
    bench_bytes(&b, endless, "", 0, false);
    expect_note(&b, TS_CODE_UNKNOWN_TOPIC);
    assert_int_equal(strlen(expect(&b, TS_DO_NOTE)->topic), TS_TOPIC_BYTES - 1);
    bench_event(&b, (ts_event){.kind = TS_EV_MESSAGE});
    expect_note(&b, TS_CODE_UNKNOWN_TOPIC);
    bench_message(&b, "devices/scale-2/session", "{}");
    expect_note(&b, TS_CODE_UNKNOWN_TOPIC);
    bench_message(&b, "devices/scale-1/command/", "{\"fence\":1}");
    expect_note(&b, TS_CODE_UNKNOWN_TOPIC);
    bench_message(&b, "devices/scale-1/speech/1", "....");
    expect_note(&b, TS_CODE_UNKNOWN_TOPIC);
    bench_plain(&b, TS_EV_LOST, false);
    bench_message(&b, "devices/scale-1/session", "");
    assert_int_equal(b.count, 0);
}

static void what_is_too_large_to_be_said_is_noted(void **state) {
    static char model[TS_OUT_BYTES];
    (void)state;
    memset(model, 'm', sizeof model - 1);
    b.config.model = model;
    bench_switch_on(&b);
    bench_plain(&b, TS_EV_CONNECTED, false);
    bench_grant(&b);
    assert_non_null(bench_published(&b, "devices/scale-1/status"));
    assert_null(bench_published(&b, "devices/scale-1/info"));
    expect_note(&b, TS_CODE_TOO_LARGE);
    assert_string_equal(expect(&b, TS_DO_NOTE)->topic, "devices/scale-1/info");
}

static void a_voice_is_declared(void **state) {
    (void)state;
    b.config.voice = true;
    b.config.output_count = 0;
    b.config.speech_codec = TS_CODEC_MULAW_8K;
    b.config.firmware = "a \"b\"";
    bench_switch_on(&b);
    bench_plain(&b, TS_EV_CONNECTED, false);
    bench_grant(&b);
    expect_published(&b, "devices/scale-1/info",
                     "{\"firmware\":\"a \\\"b\\\"\",\"capabilities\":[],"
                     "\"audio\":{\"speech\":\"mulaw_8k\",\"frame_bytes\":1400,\"buffer_ms\":1000}}");
}

static void who_sleeps_says_so_and_stays_down(void **state) {
    (void)state;
    bench_online(&b);
    bench_session(&b, 5, true, "");
    bench_event(&b, (ts_event){.kind = TS_EV_SLEEP, .number = 300500});
    expect_safe(&b, TS_SAFE_ENDED);
    assert_true(
        expect_published(&b, "devices/scale-1/status", "{\"state\":\"sleeping\",\"boot\":1,\"wake_in_s\":300.500}")
            ->action.on);
    const uint16_t token = bench_published(&b, "devices/scale-1/status")->action.token;
    bench_session(&b, 5, true, ",\"state\":\"grace\"");
    assert_int_equal(b.count, 0);
    bench_event(&b, (ts_event){.kind = TS_EV_ACCEPTED, .token = token});
    assert_non_null(bench_find(&b, TS_DO_DISCONNECT));
    bench_plain(&b, TS_EV_LOST, false);
    bench_wait(&b, 1u << 30);
    assert_int_equal(b.count, 0);
}

static void a_goodbye_does_not_wait_for_long(void **state) {
    (void)state;
    bench_online(&b);
    bench_plain(&b, TS_EV_GOODBYE, false);
    expect_published(&b, "devices/scale-1/status", "{\"state\":\"disconnected\",\"boot\":1}");
    bench_wait(&b, 1999);
    assert_null(bench_find(&b, TS_DO_DISCONNECT));
    bench_wait(&b, 1);
    assert_non_null(bench_find(&b, TS_DO_DISCONNECT));
}

static void who_leaves_without_a_connection_just_stays_down(void **state) {
    (void)state;
    bench_switch_on(&b);
    bench_plain(&b, TS_EV_GOODBYE, false);
    assert_non_null(bench_find(&b, TS_DO_DISCONNECT)); /* it was being made */
    bench_plain(&b, TS_EV_LOST, false);
    bench_wait(&b, 1u << 30);
    assert_int_equal(b.count, 0);
    bench_switch_on(&b);
    bench_plain(&b, TS_EV_LOST, false);
    bench_plain(&b, TS_EV_GOODBYE, false);
    bench_wait(&b, 1u << 30);
    assert_null(bench_find(&b, TS_DO_CONNECT));
}

static void a_button_held_for_long_resets_it(void **state) {
    (void)state;
    bench_online(&b);
    bench_plain(&b, TS_EV_BUTTON, true);
    bench_wait(&b, 9999);
    bench_plain(&b, TS_EV_BUTTON, false);
    bench_wait(&b, 1);
    assert_null(bench_find(&b, TS_DO_FORGET));
    bench_plain(&b, TS_EV_BUTTON, true);
    bench_wait(&b, 10000);
    assert_non_null(bench_find(&b, TS_DO_FORGET));
}

static void a_secret_that_is_void_again_makes_it_safe_again(void **state) {
    (void)state;
    bench_online(&b);
    for (uint32_t fence = 5; fence < 8; fence++) {
        bench_session(&b, fence, true, "");
        bench_plain(&b, TS_EV_LOST, false);
        bench_wait(&b, ts_due_ms(&b.device, b.now));
        bench_event(&b, (ts_event){.kind = TS_EV_REFUSED, .number = 5});
        expect_safe(&b, TS_SAFE_REMOVED);
        bench_wait(&b, 60000);
        bench_plain(&b, TS_EV_CONNECTED, false);
        bench_acknowledge(&b);
    }
}

static void a_connection_that_nobody_asked_for_is_ended(void **state) {
    (void)state;
    bench_online(&b);
    bench_plain(&b, TS_EV_LOST, false);
    bench_plain(&b, TS_EV_CONNECTED, false); /* its last will has the boot number of the one before */
    assert_non_null(bench_find(&b, TS_DO_DISCONNECT));
    assert_null(bench_find(&b, TS_DO_SUBSCRIBE));
    bench_plain(&b, TS_EV_LOST, false);
    bench_wait(&b, ts_due_ms(&b.device, b.now));
    assert_non_null(bench_find(&b, TS_DO_CONNECT));
}

static void the_later_of_two_is_waited_for_no_longer_than_the_first(void **state) {
    (void)state;
    b.config.heartbeat_ms = 3600000;
    b.config.trigger = "hall";
    bench_online(&b);
    bench_wait(&b, 15000);
    bench_data(&b, TS_EV_SENSED, "", true);
    assert_int_equal(bench_count(&b, TS_DO_PUBLISH), 1);
    bench_wait(&b, 5000); /* the birth of 20 s ago was acknowledged */
    bench_wait(&b, 14999);
    assert_null(bench_find(&b, TS_DO_DISCONNECT));
    bench_wait(&b, 1);
    expect_note(&b, TS_CODE_TIMED_OUT);
    assert_non_null(bench_find(&b, TS_DO_DISCONNECT));
}

static void what_is_longer_than_the_clock_can_tell_is_not_over(void **state) {
    (void)state;
    b.config.give_up_ms = UINT32_MAX;
    bench_switch_on(&b);
    bench_wait(&b, 1);
    assert_null(bench_find(&b, TS_DO_REBOOT));
}

static void a_reset_that_shows_is_not_told_again(void **state) {
    (void)state;
    b.config.clean_step = true;
    bench_online(&b);
    bench_session(&b, 5, true, "");
    bench_session(&b, 5, false, ",\"state\":\"resetting\"");
    assert_non_null(bench_find(&b, TS_DO_CLEAN));
    bench_plain(&b, TS_EV_CLEAN, true);
    expect_published(&b, "devices/scale-1/result", "{\"fence\":5,\"reset\":true}");
    bench_acknowledge(&b);
    bench_session(&b, 5, false, "");
    for (unsigned minutes = 0; minutes < 5; minutes++) {
        bench_wait(&b, 60000);
        assert_null(bench_published(&b, "devices/scale-1/result"));
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(what_cannot_work_does_not_begin, setup),
        cmocka_unit_test_setup(the_longest_names_fit, setup),
        cmocka_unit_test_setup(messages_may_have_any_topic, setup),
        cmocka_unit_test_setup(what_is_too_large_to_be_said_is_noted, setup),
        cmocka_unit_test_setup(a_voice_is_declared, setup),
        cmocka_unit_test_setup(who_sleeps_says_so_and_stays_down, setup),
        cmocka_unit_test_setup(a_goodbye_does_not_wait_for_long, setup),
        cmocka_unit_test_setup(who_leaves_without_a_connection_just_stays_down, setup),
        cmocka_unit_test_setup(a_button_held_for_long_resets_it, setup),
        cmocka_unit_test_setup(a_secret_that_is_void_again_makes_it_safe_again, setup),
        cmocka_unit_test_setup(a_connection_that_nobody_asked_for_is_ended, setup),
        cmocka_unit_test_setup(the_later_of_two_is_waited_for_no_longer_than_the_first, setup),
        cmocka_unit_test_setup(what_is_longer_than_the_clock_can_tell_is_not_over, setup),
        cmocka_unit_test_setup(a_reset_that_shows_is_not_told_again, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
