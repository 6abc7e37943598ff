#include "bench.h"
#include "text.h"

#include <string.h>

static ts_text text_of(const char *text) { return (ts_text){text, strlen(text)}; }

static void what_does_not_fit_is_left_out(void **state) {
    char buffer[8];
    ts_writer out = ts_writer_on(buffer, sizeof buffer);
    (void)state;
    ts_put(&out, "12345678");
    assert_false(out.full);
    ts_put(&out, "9");
    assert_true(out.full);
    assert_int_equal(out.used, 8);
    ts_put(&out, "");
    assert_int_equal(ts_writer_text(&out).size, 8);
}

static void numbers_and_strings_are_json(void **state) {
    char buffer[128];
    ts_writer out = ts_writer_on(buffer, sizeof buffer - 1);
    (void)state;
    ts_put(&out, "{");
    ts_put_key(&out, "a");
    ts_put_u32(&out, 0);
    ts_put_key(&out, "b");
    ts_put_u32(&out, UINT32_MAX);
    ts_put_key(&out, "c");
    ts_put_string(&out, "\"\\\x01\n\xC3\xA4");
    ts_put(&out, "}");
    buffer[out.used] = '\0';
    assert_string_equal(buffer, "{\"a\":0,\"b\":4294967295,\"c\":\"\\\"\\\\\\u0001\\u000a\xC3\xA4\"}");
}

static void ids_are_those_of_the_contract(void **state) {
    char longest[66];
    (void)state;
    memset(longest, 'a', sizeof longest);
    assert_true(ts_text_is_id(text_of("esp32-a4cf128b3f9e")));
    assert_true(ts_text_is_id(text_of("0_-")));
    assert_true(ts_text_is_id((ts_text){longest, 63}));
    assert_false(ts_text_is_id((ts_text){longest, 64}));
    assert_false(ts_text_is_id(text_of("")));
    assert_false(ts_text_is_id(text_of("-a")));
    assert_false(ts_text_is_id(text_of("A")));
    assert_false(ts_text_is_id(text_of("a/b")));
    assert_false(ts_text_is_id(text_of("a+")));
}

static void prefixes_end_with_a_slash(void **state) {
    char longest[66];
    (void)state;
    memset(longest, 'a', sizeof longest);
    longest[63] = '/';
    longest[64] = '\0';
    assert_true(ts_text_is_prefix(""));
    assert_true(ts_text_is_prefix("lab/"));
    assert_true(ts_text_is_prefix("a/b_c-1/"));
    assert_true(ts_text_is_prefix(longest));
    longest[63] = 'a';
    longest[64] = '/';
    longest[65] = '\0';
    assert_false(ts_text_is_prefix(longest));
    assert_false(ts_text_is_prefix("lab"));
    assert_false(ts_text_is_prefix("/"));
    assert_false(ts_text_is_prefix("+/"));
    assert_false(ts_text_is_prefix("Lab/"));
}

static void topics_are_filled_in_order(void **state) {
    char topic[32];
    (void)state;
    assert_true(ts_topic_fill(topic, sizeof topic, "lab/", "a/{x}/b/{y}", "1", "2"));
    assert_string_equal(topic, "lab/a/1/b/2");
    assert_true(ts_topic_fill(topic, sizeof topic, NULL, "a/{x}", "1", "2"));
    assert_string_equal(topic, "a/1");
    assert_false(ts_topic_fill(topic, 8, "lab/", "a/{x}/b", "1", ""));
    assert_true(ts_topic_fill(topic, 9, "lab/", "a/{x}/b", "", ""));
    assert_string_equal(topic, "lab/a//b");
}

static void topics_are_told_apart(void **state) {
    ts_text level = {NULL, 0};
    (void)state;
    assert_true(ts_topic_is(text_of("lab/a/1/b/tare"), "lab/", "a/{x}/b/{y}", "1", &level));
    assert_int_equal(level.size, 4);
    assert_memory_equal(level.data, "tare", 4);
    assert_true(ts_topic_is(text_of("a/1"), NULL, "a/{x}", "1", NULL));
    assert_false(ts_topic_is(text_of("a/1/b/tare"), "lab/", "a/{x}/b/{y}", "1", &level));
    assert_false(ts_topic_is(text_of("a/12"), NULL, "a/{x}", "1", NULL));
    assert_false(ts_topic_is(text_of("a/1/b/c/d"), NULL, "a/{x}/b/{y}", "1", &level));
    assert_false(ts_topic_is(text_of("a/2/b/c"), NULL, "a/{x}/b/{y}", "1", &level));
    assert_false(ts_topic_is(text_of("a/1/b"), NULL, "a/{x}/b/{y}", "1", &level));
    assert_false(ts_topic_is((ts_text){NULL, 0}, NULL, "a", "1", NULL));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_does_not_fit_is_left_out), cmocka_unit_test(numbers_and_strings_are_json),
        cmocka_unit_test(ids_are_those_of_the_contract), cmocka_unit_test(prefixes_end_with_a_slash),
        cmocka_unit_test(topics_are_filled_in_order),    cmocka_unit_test(topics_are_told_apart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
