#include "bench.h"
#include "talkstick_json.h"

#include <string.h>

static ts_text text_of(const char *text) { return (ts_text){text, strlen(text)}; }

static void assert_good(const char *text) {
    if (!ts_json_is_object(text_of(text))) fail_msg("refused: %s", text);
}

static void assert_bad(const char *text) {
    if (ts_json_is_object(text_of(text))) fail_msg("taken: %s", text);
}

static void only_whole_objects_are_taken(void **state) {
    (void)state;
    assert_good("{}");
    assert_good(" \t\r\n{ \"a\" : [ 1 , { } , [ ] , null , true , false ] , \"b\" : \"c\" } \n");
    assert_bad("");
    assert_bad("[]");
    assert_bad("1");
    assert_bad("{");
    assert_bad("{}{}");
    assert_bad("{} x");
    assert_bad("{\"a\"}");
    assert_bad("{\"a\":}");
    assert_bad("{\"a\":1,}");
    assert_bad("{,\"a\":1}");
    assert_bad("{\"a\":[1,]}");
    assert_bad("{\"a\":[}");
    assert_bad("{\"a\":[1}]");
    assert_bad("{a:1}");
    assert_bad("{'a':1}");
    assert_bad("{\"a\":nul}");
    assert_bad("{\"a\":NaN}");
    assert_bad("{\"a\":-Infinity}");
    assert_bad("{\"a\":1 2}");
    assert_bad("\xEF\xBB\xBF{}");
    assert_false(ts_json_is_object((ts_text){NULL, 0}));
    assert_false(ts_json_is_object((ts_text){"{}\0", 3}));
}

static void numbers_are_those_of_the_standard(void **state) {
    (void)state;
    assert_good("{\"a\":[0,-0,-1,10,0.5,1e5,1E+05,-0.1e-7,123456789012345678901234567890]}");
    assert_good("{\"a\":1e308}");
    assert_good("{\"a\":0e999}");
    assert_good("{\"a\":-0.000e99999999999}");
    assert_good("{\"a\":0.0001e312}");
    assert_good("{\"a\":1e-99999999999}");
    assert_bad("{\"a\":1e309}");
    assert_bad("{\"a\":1e99999999999}");
    assert_bad("{\"a\":12345e305}");
    assert_bad("{\"a\":01}");
    assert_bad("{\"a\":+1}");
    assert_bad("{\"a\":.5}");
    assert_bad("{\"a\":1.}");
    assert_bad("{\"a\":1e}");
    assert_bad("{\"a\":1e+}");
    assert_bad("{\"a\":-}");
    assert_bad("{\"a\":0x1}");
}

static void strings_are_utf8(void **state) {
    (void)state;
    assert_good("{\"\xC3\xA4\":\"\xE2\x82\xAC \xF0\x9F\x98\x80 \\u00e4 \\ud83d\\ude00 \\\"\\\\\\/\\b\\f\\n\\r\\t\"}");
    assert_bad("{\"a\":\"\xC0\xAF\"}");         /* longer than need be */
    assert_bad("{\"a\":\"\xED\xA0\x80\"}");     /* a surrogate */
    assert_bad("{\"a\":\"\xF4\x90\x80\x80\"}"); /* beyond the last character */
    assert_bad("{\"a\":\"\xFF\"}");
    assert_bad("{\"a\":\"\x80\"}");
    assert_bad("{\"a\":\"\xE2\x82\"}");
    assert_bad("{\"a\":\"\n\"}");
    assert_bad("{\"a\":\"\\x\"}");
    assert_bad("{\"a\":\"\\u12g4\"}");
    assert_bad("{\"a\":\"\\ud83d\"}");
    assert_bad("{\"a\":\"\\ud83d\\u0041\"}");
    assert_bad("{\"a\":\"\\ude00\"}");
    assert_bad("{\"a\":\"open}");
    assert_bad("{\"a\":\"\\");
}

static void nesting_is_bounded(void **state) {
    char text[256];
    (void)state;
    for (int levels = TS_MAX_DEPTH - 1; levels <= TS_MAX_DEPTH; levels++) { /* inside of the object */
        strcpy(text, "{\"a\":");
        memset(text + 5, '[', (size_t)levels);
        memset(text + 5 + levels, ']', (size_t)levels);
        strcpy(text + 5 + 2 * levels, "}");
        assert_int_equal(ts_json_is_object(text_of(text)), levels < TS_MAX_DEPTH);
    }
}

static void keys_are_found_at_the_top_only(void **state) {
    ts_text value;
    uint32_t number = 0;
    (void)state;
    assert_true(ts_json_find(text_of(" {\"x\":{\"a\":1}, \"a\" : 2 }"), "a", &value));
    assert_true(ts_json_u32(value, &number));
    assert_int_equal(number, 2);
    assert_false(ts_json_find(text_of("{\"x\":{\"a\":1},\"y\":[\"a\"]}"), "a", &value));
    assert_false(ts_json_find(text_of("{}"), "a", &value));
    assert_false(ts_json_find(text_of("{\"ab\":1,\"\":2}"), "a", &value));
}

static void the_last_of_several_counts_and_escapes_are_the_same_key(void **state) {
    ts_text value;
    uint32_t number = 0;
    (void)state;
    assert_true(ts_json_find(text_of("{\"fence\":1,\"f\\u0065nce\":2}"), "fence", &value));
    assert_true(ts_json_u32(value, &number));
    assert_int_equal(number, 2);
}

static void integers_are_of_32_bits(void **state) {
    uint32_t number = 7;
    (void)state;
    assert_true(ts_json_u32(text_of("0"), &number));
    assert_true(ts_json_u32(text_of("4294967295"), &number));
    assert_true(number == UINT32_MAX);
    assert_false(ts_json_u32(text_of("4294967296"), &number));
    assert_false(ts_json_u32(text_of("9999999999"), &number));
    assert_false(ts_json_u32(text_of("-1"), &number));
    assert_false(ts_json_u32(text_of("-0"), &number));
    assert_false(ts_json_u32(text_of("1.0"), &number));
    assert_false(ts_json_u32(text_of("1e3"), &number));
    assert_false(ts_json_u32(text_of("\"1\""), &number));
    assert_false(ts_json_u32(text_of("true"), &number));
}

static void assert_millis(const char *text, uint32_t expected) {
    uint32_t ms = 1;
    assert_true(ts_json_millis(text_of(text), &ms));
    if (ms != expected) fail_msg("%s: %u ms", text, (unsigned)ms);
}

static void seconds_are_read_without_floats(void **state) {
    uint32_t ms;
    (void)state;
    assert_millis("0", 0);
    assert_millis("58.2", 58200);
    assert_millis("58", 58000);
    assert_millis("0.0009", 0);
    assert_millis("0.001", 1);
    assert_millis("86400.123456789123", 86400123);
    assert_millis("1e-05", 0);
    assert_millis("1.5E+2", 150000);
    assert_millis("-3.5", 0);
    assert_millis("4294967.29", 4294967290);
    assert_millis("4294967296", UINT32_MAX);
    assert_millis("1e300", UINT32_MAX);
    assert_millis("1e-300000000000", 0);
    assert_false(ts_json_millis(text_of("\"1\""), &ms));
    assert_false(ts_json_millis(text_of("null"), &ms));
}

static void strings_are_decoded_and_cut_between_characters(void **state) {
    char buffer[8];
    (void)state;
    assert_true(ts_json_string(text_of("\"a\\u00e4\\n\\/\""), buffer, sizeof buffer));
    assert_string_equal(buffer, "a\xC3\xA4\n/");
    assert_true(ts_json_string(text_of("\"12345\xE2\x82\xAC\""), buffer, sizeof buffer));
    assert_string_equal(buffer, "12345");
    assert_true(ts_json_string(text_of("\"123\\ud83d\\ude00\""), buffer, sizeof buffer));
    assert_string_equal(buffer, "123\xF0\x9F\x98\x80");
    assert_true(ts_json_string(text_of("\"a\\u0000b\""), buffer, sizeof buffer));
    assert_string_equal(buffer, "ab");
    assert_false(ts_json_string(text_of("12"), buffer, sizeof buffer));
    assert_string_equal(buffer, "");
}

static void arrays_are_counted(void **state) {
    (void)state;
    assert_int_equal(ts_json_length(text_of("[]")), 0);
    assert_int_equal(ts_json_length(text_of("[ ]")), 0);
    assert_int_equal(ts_json_length(text_of("[1]")), 1);
    assert_int_equal(ts_json_length(text_of("[{\"a\":[1,2]}, \"x,y\" ,[3,4]]")), 3);
    assert_int_equal(ts_json_length(text_of("{}")), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_whole_objects_are_taken),
        cmocka_unit_test(numbers_are_those_of_the_standard),
        cmocka_unit_test(strings_are_utf8),
        cmocka_unit_test(nesting_is_bounded),
        cmocka_unit_test(keys_are_found_at_the_top_only),
        cmocka_unit_test(the_last_of_several_counts_and_escapes_are_the_same_key),
        cmocka_unit_test(integers_are_of_32_bits),
        cmocka_unit_test(seconds_are_read_without_floats),
        cmocka_unit_test(strings_are_decoded_and_cut_between_characters),
        cmocka_unit_test(arrays_are_counted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
