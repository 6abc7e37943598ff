#include "url.h"

#include "check.h"

static void what_lies_below_is_taken(void **state) {
    (void)state;
    assert_true(ts_url_is_below("https://fw.example/scale.bin", "https://fw.example/"));
    assert_true(ts_url_is_below("https://fw.example:8443/boards/scale.bin", "https://fw.example:8443/boards/"));
    assert_false(ts_url_is_below("https://fw.example/scale.bin", "https://fw.example/boards/"));
    assert_false(ts_url_is_below("http://fw.example/scale.bin", "https://fw.example/"));
    assert_false(ts_url_is_below("https://other.example/scale.bin", "https://fw.example/"));
    assert_false(ts_url_is_below("https://fw.example", "https://fw.example/"));
}

static void a_place_without_a_whole_host_is_none(void **state) {
    (void)state;
    assert_false(ts_url_is_below("https://fw.example.evil.example/scale.bin", "https://fw.example"));
    assert_false(ts_url_is_below("https://fw.example@evil.example/scale.bin", "https://fw.example"));
    assert_false(ts_url_is_below("https://fw.example/scale.bin", "https://"));
    assert_false(ts_url_is_below("https:///scale.bin", "https:///"));
    assert_false(ts_url_is_below("http://fw.example/scale.bin", "http://fw.example/"));
    assert_false(ts_url_is_below("scale.bin", ""));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_lies_below_is_taken),
        cmocka_unit_test(a_place_without_a_whole_host_is_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
