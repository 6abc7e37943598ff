#include "frames.h"

#include <pthread.h>

#include "check.h"

#define RING 64

static uint8_t memory[RING];

static ts_frames fresh(void) {
    ts_frames frames;

    ts_frames_init(&frames, memory, RING);
    return frames;
}

static void take_is(ts_frames *frames, const char *text, uint32_t missing) {
    char data[RING];
    uint16_t size = 0;
    uint32_t lost = 0;

    assert_true(ts_frames_take(frames, data, sizeof data, &size, &lost));
    assert_int_equal(size, strlen(text));
    assert_memory_equal(data, text, size);
    assert_int_equal(lost, missing);
}

static bool put(ts_frames *frames, const char *text) { return ts_frames_put(frames, text, (uint16_t)strlen(text), 0); }

static bool nothing(ts_frames *frames) {
    char data[RING];
    uint16_t size;
    uint32_t lost;

    return ts_frames_empty(frames) && !ts_frames_take(frames, data, sizeof data, &size, &lost);
}

static void frames_come_out_as_they_went_in(void **state) {
    ts_frames frames = fresh();

    (void)state;
    assert_true(nothing(&frames));
    for (int round = 0; round < 50; round++) {
        assert_true(put(&frames, "one"));
        assert_true(put(&frames, ""));
        assert_true(put(&frames, "a longer frame"));
        take_is(&frames, "one", 0);
        take_is(&frames, "", 0);
        take_is(&frames, "a longer frame", 0);
        assert_true(nothing(&frames));
    }
}

static void what_found_no_room_is_told_with_the_next_one(void **state) {
    ts_frames frames = fresh();

    (void)state;
    assert_true(put(&frames, "12345678901234567890123456")); /* 32 with its overhead */
    assert_true(put(&frames, "12345678901234567890123456"));
    assert_false(put(&frames, ""));
    assert_false(put(&frames, "lost"));
    take_is(&frames, "12345678901234567890123456", 0);
    assert_true(put(&frames, "next"));
    take_is(&frames, "12345678901234567890123456", 0);
    take_is(&frames, "next", 2);
}

static void a_gap_that_is_known_adds_to_it(void **state) {
    ts_frames frames = fresh();

    (void)state;
    assert_true(ts_frames_put(&frames, "a", 1, 3));
    assert_true(ts_frames_put(&frames, "b", 1, 0));
    take_is(&frames, "a", 3);
    take_is(&frames, "b", 0);
}

static void what_is_hushed_is_gone_and_makes_room_once_it_was_passed_over(void **state) {
    ts_frames frames = fresh();

    (void)state;
    assert_true(put(&frames, "old"));
    assert_true(put(&frames, "older"));
    ts_frames_hush(&frames);
    assert_true(ts_frames_empty(&frames));
    assert_true(put(&frames, "new"));
    take_is(&frames, "new", 0);
    ts_frames_hush(&frames);
    ts_frames_hush(&frames);
    assert_true(nothing(&frames));
}

static void a_frame_that_is_too_long_for_the_taker_is_cut(void **state) {
    ts_frames frames = fresh();
    char data[4];
    uint16_t size;
    uint32_t lost;

    (void)state;
    assert_true(put(&frames, "abcdefgh"));
    assert_true(put(&frames, "next"));
    assert_true(ts_frames_take(&frames, data, sizeof data, &size, &lost));
    assert_int_equal(size, 4);
    take_is(&frames, "next", 0);
}

static void counters_that_wrap_do_no_harm(void **state) {
    ts_frames frames = fresh();

    (void)state;
    atomic_store(&frames.head, UINT32_MAX - 20);
    atomic_store(&frames.tail, UINT32_MAX - 20);
    atomic_store(&frames.floor, UINT32_MAX - 20);
    for (int round = 0; round < 20; round++) {
        assert_true(put(&frames, "round"));
        take_is(&frames, "round", 0);
    }
    assert_true(put(&frames, "old"));
    ts_frames_hush(&frames);
    assert_true(nothing(&frames));
}

/* -- Two threads -------------------------------------------------------------------------------------------------- */

#define NUMBERS 200000u

static void *put_numbers(void *argument) {
    ts_frames *frames = argument;

    for (uint32_t number = 0; number < NUMBERS; number++) ts_frames_put(frames, &number, sizeof number, 0);
    while (!ts_frames_put(frames, "", 0, 0)) {
    } /* the end; it tells what was lost before it */
    return NULL;
}

static void between_two_threads_nothing_is_mixed_up(void **state) {
    ts_frames frames = fresh();
    pthread_t thread;
    uint32_t expected = 0;
    uint32_t number;
    uint32_t lost;
    uint16_t size = 1;

    (void)state;
    assert_int_equal(pthread_create(&thread, NULL, put_numbers, &frames), 0);
    while (size > 0) {
        if (!ts_frames_take(&frames, &number, sizeof number, &size, &lost)) continue;
        expected += lost;
        if (size > 0) assert_int_equal(number, expected++);
    }
    pthread_join(thread, NULL);
    assert_true(expected >= NUMBERS); /* the end itself may have been lost some times */
}

TESTS(TEST(frames_come_out_as_they_went_in), TEST(what_found_no_room_is_told_with_the_next_one),
      TEST(a_gap_that_is_known_adds_to_it), TEST(what_is_hushed_is_gone_and_makes_room_once_it_was_passed_over),
      TEST(a_frame_that_is_too_long_for_the_taker_is_cut), TEST(counters_that_wrap_do_no_harm),
      TEST(between_two_threads_nothing_is_mixed_up))
