#include "bench.h"

#include <stdio.h>
#include <string.h>

static bench b;

static int setup(void **state) {
    (void)state;
    bench_prepare(&b);
    b.config.voice = true;
    b.config.speech_codec = TS_CODEC_MULAW_8K;
    bench_online(&b);
    return 0;
}

static void frame(unsigned turn, unsigned seq, unsigned flags, const char *audio) {
    char topic[64], data[64];
    (void)snprintf(topic, sizeof topic, "devices/scale-1/speech/%u", turn);
    data[0] = (char)(seq >> 8);
    data[1] = (char)(seq & 255U);
    data[2] = (char)flags;
    data[3] = TS_CODEC_MULAW_8K;
    memcpy(data + TS_FRAME_HEADER, audio, strlen(audio));
    bench_bytes(&b, topic, data, TS_FRAME_HEADER + strlen(audio), false);
}

static void expect_play(const char *audio, uint32_t lost) {
    assert_string_equal(expect(&b, TS_DO_PLAY)->data, audio);
    assert_int_equal(expect(&b, TS_DO_PLAY)->action.number, lost);
}

static void expect_none(void) { expect_nothing_but_show(&b); }

static void speech_is_played_until_it_was_heard(void **state) {
    (void)state;
    frame(1, 0, TS_FLAG_START, "");
    assert_int_equal(bench_view(&b).voice, TS_THINKING);
    frame(1, 1, 0, "one");
    expect_play("one", 0);
    assert_int_equal(bench_view(&b).voice, TS_SPEAKING);
    bench_plain(&b, TS_EV_PLAYED, false); /* more is to come */
    assert_int_equal(bench_view(&b).voice, TS_SPEAKING);
    frame(1, 2, TS_FLAG_END, "two");
    expect_play("two", 0);
    assert_int_equal(bench_view(&b).voice, TS_SPEAKING);
    bench_plain(&b, TS_EV_PLAYED, false);
    assert_int_equal(bench_view(&b).voice, TS_QUIET);
}

static void gaps_are_told_and_doubles_dropped(void **state) {
    (void)state;
    frame(1, 0, TS_FLAG_START, "a");
    frame(1, 0, TS_FLAG_START, "a");
    expect_none();
    frame(1, 3, 0, "d");
    expect_play("d", 2);
    frame(1, 2, 0, "c");
    expect_none();
    frame(1, 5, 0, "");
    expect_none();
    frame(1, 6, 0, "g");
    expect_play("g", 1);
}

static void numbers_wrap(void **state) {
    (void)state;
    frame(1, 65535, TS_FLAG_START, "a");
    frame(1, 0, 0, "b");
    expect_play("b", 0);
    frame(1, 65535, 0, "a");
    expect_none();
}

static void a_lost_beginning_does_not_matter(void **state) {
    (void)state;
    frame(1, 2, 0, "c");
    expect_play("c", 2);
}

static void older_turns_are_dropped(void **state) {
    (void)state;
    frame(4, 0, TS_FLAG_START, "a");
    frame(3, 0, TS_FLAG_START, "b");
    expect_none();
    frame(5, 0, TS_FLAG_START, "c");
    assert_non_null(bench_find(&b, TS_DO_HUSH));
    expect_play("c", 0);
}

static void what_was_said_to_the_boot_before_ends_nothing_of_this_one(void **state) {
    (void)state;
    frame(7, 4, 0, "old");
    expect_play("old", 4);
    frame(7, 5, TS_FLAG_ABORT | TS_FLAG_END, "");
    assert_non_null(bench_find(&b, TS_DO_HUSH));
    frame(0, 0, TS_FLAG_START, "new");
    expect_play("new", 0);
}

static void an_announcement_comes_on_a_turn_that_is_over(void **state) {
    (void)state;
    frame(0, 0, TS_FLAG_START, "a");
    expect_play("a", 0);
    frame(0, 1, TS_FLAG_END, "");
    bench_plain(&b, TS_EV_PLAYED, false);
    frame(0, 2, 0, "late");
    expect_none();
    frame(0, 0, TS_FLAG_START, "b");
    expect_play("b", 0);
}

static void who_speaks_interrupts(void **state) {
    (void)state;
    frame(1, 0, TS_FLAG_START, "a");
    bench_plain(&b, TS_EV_BUTTON, true);
    assert_true(expect(&b, TS_DO_RECORD) > expect(&b, TS_DO_HUSH));
    frame(1, 1, 0, "b");
    expect_none();
    frame(2, 0, TS_FLAG_START, ""); /* the server has heard enough, and answers */
    assert_false(expect(&b, TS_DO_RECORD)->action.on);
    frame(2, 1, TS_FLAG_END | TS_FLAG_ABORT, "");
    assert_int_equal(bench_view(&b).voice, TS_QUIET);
}

static void an_abort_is_obeyed_whatever_its_number_is(void **state) {
    (void)state;
    frame(1, 0x8100, TS_FLAG_START, "a");
    frame(1, 0x7FFF, TS_FLAG_END | TS_FLAG_ABORT, ""); /* of a server that was killed in between */
    expect(&b, TS_DO_HUSH);
    assert_int_equal(bench_view(&b).voice, TS_QUIET);
    frame(1, 0x8101, 0, "b");
    assert_null(bench_find(&b, TS_DO_PLAY));
}

static void an_abort_hushes(void **state) {
    (void)state;
    frame(1, 0, TS_FLAG_START, "a");
    frame(1, 1, TS_FLAG_END | TS_FLAG_ABORT, "b");
    assert_non_null(bench_find(&b, TS_DO_HUSH));
    assert_null(bench_find(&b, TS_DO_PLAY));
    assert_int_equal(bench_view(&b).voice, TS_QUIET);
}

static void silence_ends_it(void **state) {
    (void)state;
    frame(1, 0, TS_FLAG_START, "a");
    bench_wait(&b, 2999);
    frame(1, 1, 0, "");
    bench_wait(&b, 2999);
    assert_int_equal(bench_view(&b).voice, TS_SPEAKING);
    bench_wait(&b, 1); /* the END was lost: what is in the buffer is played */
    assert_int_equal(bench_view(&b).voice, TS_SPEAKING);
    frame(1, 2, 0, "late");
    expect_none();
    bench_wait(&b, 4000);
    assert_int_equal(bench_view(&b).voice, TS_QUIET);
}

static void a_connection_begins_anew(void **state) {
    (void)state;
    frame(4, 0, TS_FLAG_START | TS_FLAG_END, "");
    bench_plain(&b, TS_EV_LOST, false);
    bench_wait(&b, 1000);
    bench_plain(&b, TS_EV_CONNECTED, false);
    bench_acknowledge(&b);
    frame(0, 0, TS_FLAG_START, "a"); /* the server counts the turns of this boot number */
    expect_play("a", 0);
    bench_plain(&b, TS_EV_BUTTON, true);
    bench_plain(&b, TS_EV_BUTTON, false);
    assert_non_null(bench_published(&b, "devices/scale-1/audio/5"));
}

static void what_is_no_frame_is_noted(void **state) {
    static char large[TS_USUAL_FRAME + 1];
    (void)state;
    bench_message(&b, "devices/scale-1/speech/1", "...");
    expect_note(&b, TS_CODE_BAD_FRAME);
    bench_message(&b, "devices/scale-1/speech/one", "....");
    expect_note(&b, TS_CODE_BAD_FRAME);
    bench_bytes(&b, "devices/scale-1/speech/1", large, sizeof large, false);
    expect_note(&b, TS_CODE_BAD_FRAME);
    bench_bytes(&b, "devices/scale-1/speech/1", "\0\0\1\3opus", 8, false);
    expect_note(&b, TS_CODE_UNKNOWN_CODEC);
    assert_null(bench_find(&b, TS_DO_PLAY));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(speech_is_played_until_it_was_heard, setup),
        cmocka_unit_test_setup(gaps_are_told_and_doubles_dropped, setup),
        cmocka_unit_test_setup(numbers_wrap, setup),
        cmocka_unit_test_setup(a_lost_beginning_does_not_matter, setup),
        cmocka_unit_test_setup(older_turns_are_dropped, setup),
        cmocka_unit_test_setup(what_was_said_to_the_boot_before_ends_nothing_of_this_one, setup),
        cmocka_unit_test_setup(an_announcement_comes_on_a_turn_that_is_over, setup),
        cmocka_unit_test_setup(who_speaks_interrupts, setup),
        cmocka_unit_test_setup(an_abort_hushes, setup),
        cmocka_unit_test_setup(an_abort_is_obeyed_whatever_its_number_is, setup),
        cmocka_unit_test_setup(silence_ends_it, setup),
        cmocka_unit_test_setup(a_connection_begins_anew, setup),
        cmocka_unit_test_setup(what_is_no_frame_is_noted, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
