#include "bench.h"

#include <stdio.h>
#include <string.h>

static bench b;

static int setup(void **state) {
    (void)state;
    bench_prepare(&b);
    b.config.voice = true;
    b.config.heard_codec = TS_CODEC_PCM16_16K;
    b.config.speech_codec = TS_CODEC_MULAW_8K;
    bench_online(&b);
    return 0;
}

static void expect_frame(const char *topic, unsigned seq, unsigned flags, const char *audio) {
    const shot *frame = bench_published(&b, topic);
    assert_non_null(frame);
    assert_int_equal(frame->size, TS_FRAME_HEADER + strlen(audio));
    assert_int_equal(((unsigned char)frame->data[0] << 8) | (unsigned char)frame->data[1], seq);
    assert_int_equal(frame->data[2], flags);
    assert_int_equal(frame->data[3], b.config.heard_codec);
    assert_memory_equal(frame->data + TS_FRAME_HEADER, audio, strlen(audio));
    assert_int_equal(frame->action.qos, 1);
    assert_false(frame->action.on);
}

static void audio(const char *data, uint32_t dropped) {
    bench_event(&b, (ts_event){.kind = TS_EV_AUDIO, .number = dropped, .data = {data, strlen(data)}});
}

static void an_utterance_is_a_turn_of_frames(void **state) {
    (void)state;
    bench_plain(&b, TS_EV_BUTTON, true);
    assert_true(expect(&b, TS_DO_RECORD)->action.on);
    assert_int_equal(bench_view(&b).voice, TS_RECORDING);
    audio("one", 0);
    expect_frame("devices/scale-1/audio/1", 0, TS_FLAG_START, "one");
    audio("two", 0);
    expect_frame("devices/scale-1/audio/1", 1, 0, "two");
    audio("five", 2);
    expect_frame("devices/scale-1/audio/1", 4, 0, "five");
    bench_plain(&b, TS_EV_BUTTON, false);
    assert_false(expect(&b, TS_DO_RECORD)->action.on);
    expect_frame("devices/scale-1/audio/1", 5, TS_FLAG_END, "");
    assert_int_equal(bench_view(&b).voice, TS_THINKING);
    bench_plain(&b, TS_EV_BUTTON, true);
    bench_plain(&b, TS_EV_BUTTON, false);
    expect_frame("devices/scale-1/audio/2", 0, TS_FLAG_START | TS_FLAG_END, "");
}

static void the_window_is_bounded(void **state) {
    (void)state;
    bench_plain(&b, TS_EV_BUTTON, true);
    for (int i = 0; i < TS_AUDIO_WINDOW; i++) {
        audio("a", 0);
        assert_true(b.taken);
    }
    const uint16_t token = b.device.token;
    audio("b", 0);
    assert_false(b.taken);
    assert_int_equal(b.count, 0);
    bench_event(&b, (ts_event){.kind = TS_EV_ACCEPTED, .token = token});
    audio("b", 0);
    expect_frame("devices/scale-1/audio/1", TS_AUDIO_WINDOW, 0, "b");
}

static void what_had_to_wait_is_sent_before_the_end(void **state) {
    (void)state;
    bench_plain(&b, TS_EV_BUTTON, true);
    for (int i = 0; i < TS_AUDIO_WINDOW; i++) audio("a", 0);
    const uint16_t token = b.device.token;
    audio("b", 0);
    bench_plain(&b, TS_EV_BUTTON, false);
    assert_null(bench_find(&b, TS_DO_PUBLISH));
    bench_event(&b, (ts_event){.kind = TS_EV_ACCEPTED, .token = token});
    audio("b", 0);
    expect_frame("devices/scale-1/audio/1", TS_AUDIO_WINDOW, 0, "b");
    audio("", 0); /* that was all */
    expect_frame("devices/scale-1/audio/1", TS_AUDIO_WINDOW + 1, TS_FLAG_END, "");
    audio("c", 0);
    assert_int_equal(b.count, 0);
}

static void the_end_comes_by_itself_when_nothing_is_left(void **state) {
    (void)state;
    bench_plain(&b, TS_EV_BUTTON, true);
    for (int i = 0; i <= TS_AUDIO_WINDOW; i++) audio("a", 0);
    bench_plain(&b, TS_EV_BUTTON, false);
    bench_wait(&b, 500);
    expect_frame("devices/scale-1/audio/1", TS_AUDIO_WINDOW, TS_FLAG_END, "");
}

static void a_frame_without_room_is_lost(void **state) {
    (void)state;
    bench_plain(&b, TS_EV_BUTTON, true);
    audio("a", 0);
    bench_event(&b, (ts_event){.kind = TS_EV_NOT_SENT, .token = b.device.token});
    audio("b", 0);
    assert_false(b.taken);
    bench_wait(&b, 200);
    assert_null(bench_find(&b, TS_DO_PUBLISH));
    audio("b", 0);
    expect_frame("devices/scale-1/audio/1", 1, 0, "b");
}

static void a_frame_that_is_too_large_is_noted(void **state) {
    static char large[TS_USUAL_FRAME - TS_FRAME_HEADER + 2];
    (void)state;
    memset(large, 'a', sizeof large - 1);
    bench_plain(&b, TS_EV_BUTTON, true);
    audio(large, 0);
    expect_note(&b, TS_CODE_TOO_LARGE);
    large[sizeof large - 2] = '\0';
    audio(large, 0);
    assert_int_equal(expect(&b, TS_DO_PUBLISH)->size, TS_USUAL_FRAME);
}

static void nobody_speaks_for_ever_or_into_a_dead_line(void **state) {
    (void)state;
    bench_plain(&b, TS_EV_BUTTON, true);
    audio("a", 0);
    bench_wait(&b, 20000 - 1);
    bench_event(&b, (ts_event){.kind = TS_EV_ACCEPTED, .token = b.device.token});
    bench_wait(&b, 10001);
    assert_false(expect(&b, TS_DO_RECORD)->action.on);
    expect_frame("devices/scale-1/audio/1", 1, TS_FLAG_END, "");
    bench_plain(&b, TS_EV_BUTTON, false);
    assert_int_equal(b.count, 0);
    bench_plain(&b, TS_EV_BUTTON, true);
    bench_plain(&b, TS_EV_LOST, false);
    assert_false(expect(&b, TS_DO_RECORD)->action.on);
    bench_plain(&b, TS_EV_BUTTON, false);
    bench_plain(&b, TS_EV_BUTTON, true);
    expect_note(&b, TS_CODE_DEVICE_OFFLINE);
    assert_null(bench_find(&b, TS_DO_RECORD));
}

static void nothing_is_said_while_it_disconnects(void **state) {
    (void)state;
    bench_plain(&b, TS_EV_BUTTON, true);
    audio("a", 0);
    b.now += 20000; /* and no acknowledgement; the tick is late */
    audio("b", 0);
    assert_non_null(bench_find(&b, TS_DO_DISCONNECT));
    assert_false(expect(&b, TS_DO_RECORD)->action.on);
    assert_null(bench_find(&b, TS_DO_PUBLISH));
}

static void event(const char *what, unsigned turn) {
    char text[96];
    (void)snprintf(text, sizeof text, "{\"event\":\"%s\",\"turn\":%u,\"code\":\"no_speech\"}", what, turn);
    bench_message(&b, "devices/scale-1/conversation", text);
}

static void the_server_may_have_heard_enough(void **state) {
    (void)state;
    bench_plain(&b, TS_EV_BUTTON, true);
    event("partial", 1);
    assert_int_equal(b.count, 0);
    event("final", 1);
    assert_false(expect(&b, TS_DO_RECORD)->action.on);
    assert_null(bench_find(&b, TS_DO_PUBLISH));
    assert_int_equal(bench_view(&b).voice, TS_THINKING);
    event("error", 1);
    assert_int_equal(bench_view(&b).voice, TS_QUIET);
    bench_plain(&b, TS_EV_BUTTON, false);
    assert_int_equal(b.count, 0);
    event("answer", 7); /* an admin spoke in its place */
    bench_plain(&b, TS_EV_BUTTON, true);
    audio("a", 0);
    expect_frame("devices/scale-1/audio/8", 0, TS_FLAG_START, "a");
    bench_message(&b, "devices/scale-1/conversation", "{\"event\":\"final\"}");
    expect_note(&b, TS_CODE_BAD_MESSAGE);
    bench_message(&b, "devices/scale-1/conversation", "no");
    expect_note(&b, TS_CODE_BAD_JSON);
}

static void nobody_answers_for_half_a_minute(void **state) {
    (void)state;
    bench_plain(&b, TS_EV_BUTTON, true);
    bench_plain(&b, TS_EV_BUTTON, false);
    bench_acknowledge(&b);
    bench_wait(&b, 30000);
    assert_int_equal(bench_view(&b).voice, TS_QUIET);
}

static void a_reset_needs_more_than_a_long_speech(void **state) {
    (void)state;
    bench_plain(&b, TS_EV_BUTTON, true);
    bench_wait(&b, 30000);
    assert_null(bench_find(&b, TS_DO_FORGET));
    bench_acknowledge(&b);
    bench_wait(&b, 10000);
    assert_non_null(bench_find(&b, TS_DO_FORGET));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(an_utterance_is_a_turn_of_frames, setup),
        cmocka_unit_test_setup(the_window_is_bounded, setup),
        cmocka_unit_test_setup(what_had_to_wait_is_sent_before_the_end, setup),
        cmocka_unit_test_setup(the_end_comes_by_itself_when_nothing_is_left, setup),
        cmocka_unit_test_setup(a_frame_without_room_is_lost, setup),
        cmocka_unit_test_setup(a_frame_that_is_too_large_is_noted, setup),
        cmocka_unit_test_setup(nobody_speaks_for_ever_or_into_a_dead_line, setup),
        cmocka_unit_test_setup(nothing_is_said_while_it_disconnects, setup),
        cmocka_unit_test_setup(the_server_may_have_heard_enough, setup),
        cmocka_unit_test_setup(nobody_answers_for_half_a_minute, setup),
        cmocka_unit_test_setup(a_reset_needs_more_than_a_long_speech, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
