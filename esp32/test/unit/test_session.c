#include "bench.h"

static bench b;

static int setup(void **state)
{
    (void)state;
    bench_prepare(&b);
    bench_online(&b);
    return 0;
}

static void a_new_fence_begins_the_work(void **state)
{
    const shot *work;
    (void)state;
    bench_session(&b, 5, true, "");
    work = expect(&b, TS_DO_WORK);
    assert_string_equal(work->type, "weighing");
    assert_string_equal(work->data, "{\"unit\":\"g\"}");
    assert_int_equal(work->action.fence, 5);
    assert_int_equal(work->action.job, 1);
    assert_null(bench_find(&b, TS_DO_SAFE));
    assert_true(bench_view(&b).in_use);
    assert_string_equal(bench_view(&b).holder_name, "Alice");
    assert_int_equal(bench_view(&b).lease_ms, 60000);
}

static void the_same_document_again_changes_nothing(void **state)
{
    (void)state;
    bench_session(&b, 5, true, "");
    bench_session(&b, 5, true, "");
    expect_nothing_but_show(&b);
}

static void the_end_makes_it_safe(void **state)
{
    (void)state;
    bench_session(&b, 5, true, "");
    bench_session(&b, 5, false, "");
    expect_safe(&b, TS_SAFE_ENDED);
    assert_false(bench_view(&b).in_use);
}

static void a_command_acts_with_the_fence_of_the_session(void **state)
{
    const shot *switched;
    (void)state;
    bench_session(&b, 5, true, "");
    bench_message(&b, "devices/scale-1/command/switch", "{\"fence\":5,\"output\":\"lamp\",\"on\":true}");
    switched = expect(&b, TS_DO_OUTPUT);
    assert_true(switched->action.on);
    assert_int_equal(switched->action.number, 0);
    bench_message(&b, "devices/scale-1/command/tare", "{\"fence\":5}");
    assert_string_equal(expect(&b, TS_DO_COMMAND)->name, "tare");
    bench_message(&b, "devices/scale-1/command/tare", "{\"fence\":4}");
    assert_null(bench_find(&b, TS_DO_COMMAND));
    expect_note(&b, TS_CODE_STALE_FENCE);
}

static void a_final_result_is_told_until_the_document_shows_it(void **state)
{
    (void)state;
    bench_session(&b, 5, true, "");
    bench_data(&b, TS_EV_RESULT, "{\"weight_g\":70}", true);
    expect_published(&b, "devices/scale-1/result",
                     "{\"fence\":5,\"job\":1,\"output\":{\"weight_g\":70},\"complete\":true}");
    bench_acknowledge(&b);
    bench_plain(&b, TS_EV_LOST, false);
    bench_wait(&b, 2000);
    bench_plain(&b, TS_EV_CONNECTED, false);
    bench_acknowledge(&b);
    bench_session(&b, 5, true, "");
    assert_non_null(bench_published(&b, "devices/scale-1/result"));
    bench_acknowledge(&b);
    bench_session(&b, 5, true, ",\"complete\":true");
    bench_plain(&b, TS_EV_LOST, false);
    bench_wait(&b, 2000);
    bench_plain(&b, TS_EV_CONNECTED, false);
    bench_acknowledge(&b);
    bench_session(&b, 5, true, ",\"complete\":true");
    assert_null(bench_published(&b, "devices/scale-1/result"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_new_fence_begins_the_work, setup),
        cmocka_unit_test_setup(the_same_document_again_changes_nothing, setup),
        cmocka_unit_test_setup(the_end_makes_it_safe, setup),
        cmocka_unit_test_setup(a_command_acts_with_the_fence_of_the_session, setup),
        cmocka_unit_test_setup(a_final_result_is_told_until_the_document_shows_it, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
