#include "assembly.h"

#include "check.h"

static char memory[32];

static ts_assembly fresh(void) {
    ts_assembly assembly;

    ts_assembly_init(&assembly, memory, sizeof memory);
    return assembly;
}

static ts_piece_fate add(ts_assembly *assembly, const char *topic, const char *data, size_t offset, size_t total) {
    ts_piece piece = {topic, topic == NULL ? 0 : strlen(topic), data, data == NULL ? 0 : strlen(data), offset, total};

    return ts_assembly_add(assembly, &piece);
}

static void is(const ts_assembly *assembly, const char *topic, const char *data) {
    assert_int_equal(assembly->topic_size, strlen(topic));
    assert_int_equal(assembly->size, strlen(data));
    assert_memory_equal(memory, topic, strlen(topic));
    assert_memory_equal(memory + strlen(topic), data, strlen(data));
}

static void a_message_in_one_piece(void **state) {
    ts_assembly assembly = fresh();

    (void)state;
    assert_int_equal(add(&assembly, "a/b", "hello", 0, 5), TS_PIECE_LAST);
    is(&assembly, "a/b", "hello");
}

static void the_topic_comes_with_the_first_piece_only(void **state) {
    ts_assembly assembly = fresh();

    (void)state;
    assert_int_equal(add(&assembly, "a/b", "hel", 0, 8), TS_PIECE_MORE);
    assert_int_equal(add(&assembly, NULL, "lo w", 3, 8), TS_PIECE_MORE);
    assert_int_equal(add(&assembly, NULL, "!", 7, 8), TS_PIECE_LAST);
    is(&assembly, "a/b", "hello w!");
}

static void an_empty_message_is_whole(void **state) {
    ts_assembly assembly = fresh();

    (void)state;
    assert_int_equal(add(&assembly, "a/b", NULL, 0, 0), TS_PIECE_LAST);
    is(&assembly, "a/b", "");
}

static void one_that_just_fits(void **state) {
    ts_assembly assembly = fresh();

    (void)state;
    assert_int_equal(add(&assembly, "topic", "123456789012345678901234567", 0, 27), TS_PIECE_LAST);
    is(&assembly, "topic", "123456789012345678901234567");
}

static void one_that_is_too_large_is_dropped_with_all_its_pieces(void **state) {
    ts_assembly assembly = fresh();

    (void)state;
    assert_int_equal(add(&assembly, "topic", "1234", 0, 28), TS_PIECE_DROPPED);
    assert_int_equal(add(&assembly, NULL, "567890123456789012345678", 4, 28), TS_PIECE_DROPPED);
    assert_int_equal(add(&assembly, "next", "one", 0, 3), TS_PIECE_LAST);
    is(&assembly, "next", "one");
}

static void a_topic_that_is_too_large_is_dropped(void **state) {
    ts_assembly assembly = fresh();

    (void)state;
    assert_int_equal(add(&assembly, "a/topic/of/more/than/thirty-two/bytes", "", 0, 0), TS_PIECE_DROPPED);
}

static void a_piece_in_the_wrong_place_is_dropped(void **state) {
    ts_assembly assembly = fresh();

    (void)state;
    assert_int_equal(add(&assembly, NULL, "stray", 3, 8), TS_PIECE_DROPPED);
    assert_int_equal(add(&assembly, "t", "abc", 0, 8), TS_PIECE_MORE);
    assert_int_equal(add(&assembly, NULL, "x", 4, 8), TS_PIECE_DROPPED);
    assert_int_equal(add(&assembly, NULL, "d", 3, 8), TS_PIECE_DROPPED);
}

static void a_message_may_begin_before_the_last_one_was_whole(void **state) {
    ts_assembly assembly = fresh();

    (void)state;
    assert_int_equal(add(&assembly, "t", "abc", 0, 8), TS_PIECE_MORE);
    assert_int_equal(add(&assembly, "u", "new", 0, 3), TS_PIECE_LAST);
    is(&assembly, "u", "new");
    assert_int_equal(add(&assembly, NULL, "defgh", 3, 8), TS_PIECE_DROPPED);
}

static void lengths_that_lie_do_no_harm(void **state) {
    ts_assembly assembly = fresh();

    (void)state;
    assert_int_equal(add(&assembly, "t", "abc", 0, 2), TS_PIECE_DROPPED);
    assert_int_equal(add(&assembly, "t", "abc", 0, 8), TS_PIECE_MORE);
    assert_int_equal(add(&assembly, NULL, "def", 3, 400), TS_PIECE_DROPPED);
}

TESTS(TEST(a_message_in_one_piece), TEST(the_topic_comes_with_the_first_piece_only), TEST(an_empty_message_is_whole),
      TEST(one_that_just_fits), TEST(one_that_is_too_large_is_dropped_with_all_its_pieces),
      TEST(a_topic_that_is_too_large_is_dropped), TEST(a_piece_in_the_wrong_place_is_dropped),
      TEST(a_message_may_begin_before_the_last_one_was_whole), TEST(lengths_that_lie_do_no_harm))
