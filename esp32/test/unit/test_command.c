#include "bench.h"

static bench b;

static int setup(void **state) {
    (void)state;
    bench_prepare(&b);
    bench_online(&b);
    bench_session(&b, 5, true, "");
    return 0;
}

static void command(const char *name, const char *data) {
    char topic[64] = "devices/scale-1/command/";
    for (size_t i = 0; name[i] != '\0'; i++) topic[24 + i] = name[i];
    bench_message(&b, topic, data);
}

static void expect_refusal(const char *code) {
    assert_int_equal(b.count, 1);
    expect_note(&b, code);
}

static void outputs_are_switched(void **state) {
    (void)state;
    command("switch", "{\"fence\":5,\"output\":\"lock\",\"on\":false}");
    assert_int_equal(b.count, 1);
    assert_int_equal(expect(&b, TS_DO_OUTPUT)->action.number, 1);
    assert_false(expect(&b, TS_DO_OUTPUT)->action.on);
    assert_int_equal(expect(&b, TS_DO_OUTPUT)->action.fence, 5);
}

static void a_switch_that_does_not_exist_is_refused(void **state) {
    (void)state;
    command("switch", "{\"fence\":5,\"output\":\"fan\",\"on\":true}");
    expect_refusal(TS_CODE_BAD_MESSAGE);
    command("switch", "{\"fence\":5,\"output\":\"lamp\",\"on\":1}");
    expect_refusal(TS_CODE_BAD_MESSAGE);
    command("switch", "{\"fence\":5,\"output\":\"lamp\"}");
    expect_refusal(TS_CODE_BAD_MESSAGE);
    command("switch", "{\"fence\":5,\"on\":true}");
    expect_refusal(TS_CODE_BAD_MESSAGE);
}

static void without_outputs_a_switch_is_a_command_like_others(void **state) {
    (void)state;
    b.config.output_count = 0;
    command("switch", "{\"fence\":5,\"on\":true}");
    assert_string_equal(expect(&b, TS_DO_COMMAND)->name, "switch");
    assert_string_equal(expect(&b, TS_DO_COMMAND)->data, "{\"fence\":5,\"on\":true}");
    assert_int_equal(expect(&b, TS_DO_COMMAND)->action.fence, 5);
}

static void a_fence_is_an_integer_and_the_right_one(void **state) {
    static const char *const bad[] = {"{}",
                                      "{\"fence\":null}",
                                      "{\"fence\":\"5\"}",
                                      "{\"fence\":5.0}",
                                      "{\"fence\":-5}",
                                      "{\"fence\":4294967301}",
                                      "{\"fence\":5,\"fence\":true}"};
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        command("tare", bad[i]);
        expect_refusal(TS_CODE_BAD_MESSAGE);
    }
    command("tare", "5");
    expect_refusal(TS_CODE_BAD_JSON);
    command("tare", "{\"fence\":6}");
    expect_refusal(TS_CODE_STALE_FENCE);
    command("tare", "{\"fence\":6,\"fence\":5}"); /* the last one counts, as for the server */
    assert_non_null(bench_find(&b, TS_DO_COMMAND));
}

static void retained_commands_are_none(void **state) {
    (void)state;
    bench_retained(&b, "devices/scale-1/command/tare", "{\"fence\":5}");
    expect_refusal(TS_CODE_RETAINED);
}

static void nobody_commands_what_nobody_holds(void **state) {
    (void)state;
    bench_session(&b, 5, false, "");
    command("tare", "{\"fence\":5}");
    expect_refusal(TS_CODE_NOT_IN_USE);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(outputs_are_switched, setup),
        cmocka_unit_test_setup(a_switch_that_does_not_exist_is_refused, setup),
        cmocka_unit_test_setup(without_outputs_a_switch_is_a_command_like_others, setup),
        cmocka_unit_test_setup(a_fence_is_an_integer_and_the_right_one, setup),
        cmocka_unit_test_setup(retained_commands_are_none, setup),
        cmocka_unit_test_setup(nobody_commands_what_nobody_holds, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
