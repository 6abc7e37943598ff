#include "bench.h"

static bench b;

static int setup(void **state) {
    (void)state;
    bench_prepare(&b);
    bench_online(&b);
    return 0;
}

/* A document that is all the test's own. */
static void document(const char *text) { bench_retained(&b, "devices/scale-1/session", text); }

static void a_new_fence_begins_the_work(void **state) {
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

static void the_same_document_again_changes_nothing(void **state) {
    (void)state;
    bench_session(&b, 5, true, "");
    bench_session(&b, 5, true, "");
    expect_nothing_but_show(&b);
}

static void the_end_makes_it_safe(void **state) {
    (void)state;
    bench_session(&b, 5, true, "");
    bench_session(&b, 5, false, "");
    expect_safe(&b, TS_SAFE_ENDED);
    assert_false(bench_view(&b).in_use);
}

static void a_command_acts_with_the_fence_of_the_session(void **state) {
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

static void another_session_makes_it_safe_first(void **state) {
    (void)state;
    bench_session(&b, 5, true, "");
    bench_session(&b, 6, true, "");
    expect_safe(&b, TS_SAFE_ENDED);
    assert_int_equal(expect(&b, TS_DO_WORK)->action.fence, 6);
    assert_true(expect(&b, TS_DO_WORK) > expect(&b, TS_DO_SAFE));
}

static void another_input_is_work_again(void **state) {
    (void)state;
    bench_session(&b, 5, true, "");
    bench_session(&b, 5, true, ",\"job\":2,\"input\":{\"unit\":\"kg\"}");
    assert_string_equal(expect(&b, TS_DO_WORK)->data, "{\"unit\":\"kg\"}");
    assert_int_equal(expect(&b, TS_DO_WORK)->action.job, 2);
    assert_null(bench_find(&b, TS_DO_SAFE));
}

static void complete_work_is_not_begun(void **state) {
    (void)state;
    bench_session(&b, 5, true, ",\"complete\":true");
    assert_null(bench_find(&b, TS_DO_WORK));
    bench_message(&b, "devices/scale-1/command/tare", "{\"fence\":5}");
    assert_non_null(bench_find(&b, TS_DO_COMMAND));
    bench_session(&b, 5, true, ",\"job\":2");
    assert_non_null(bench_find(&b, TS_DO_WORK));
}

static void a_handover_changes_the_holder_and_not_the_work(void **state) {
    (void)state;
    bench_session(&b, 5, true, "");
    bench_session(&b, 6, true, ",\"session\":\"uuid-5\",\"holder\":\"bob\"");
    assert_null(bench_find(&b, TS_DO_WORK));
    assert_null(bench_find(&b, TS_DO_SAFE));
    assert_string_equal(bench_view(&b).holder, "bob");
    bench_message(&b, "devices/scale-1/command/tare", "{\"fence\":5}");
    expect_note(&b, TS_CODE_STALE_FENCE);
    bench_message(&b, "devices/scale-1/command/tare", "{\"fence\":6}");
    assert_non_null(bench_find(&b, TS_DO_COMMAND));
}

static void within_a_connection_only_newer_documents_count(void **state) {
    (void)state;
    document("{\"state\":\"active\",\"in_use\":true,\"fence\":5,\"revision\":9}");
    document("{\"state\":\"active\",\"in_use\":true,\"fence\":5,\"revision\":8,\"holder\":\"bob\"}");
    assert_string_equal(bench_view(&b).holder, "");
    document("{\"state\":\"free\",\"in_use\":false,\"fence\":4,\"revision\":10}");
    assert_true(bench_view(&b).in_use);
    expect_note(&b, TS_CODE_STALE_FENCE);
    document("{\"state\":\"free\",\"in_use\":false,\"fence\":5,\"revision\":10}");
    assert_false(bench_view(&b).in_use);
}

static void an_older_server_is_told_which_fence_there_was(void **state) {
    (void)state;
    bench_session(&b, 7, true, "");
    bench_session(&b, 3, true, "");
    expect_note(&b, TS_CODE_STALE_FENCE);
    expect_published(&b, "devices/scale-1/status", "{\"state\":\"online\",\"boot\":1,\"fence\":7}");
    assert_true(bench_view(&b).in_use); /* it may have come late */
    bench_session(&b, 8, false, "");
    expect_safe(&b, TS_SAFE_ENDED);
    assert_null(bench_published(&b, "devices/scale-1/status"));
    bench_session(&b, 9, true, "");
    assert_int_equal(expect(&b, TS_DO_WORK)->action.fence, 9);
}

static void a_fence_is_that_of_one_session_only(void **state) {
    (void)state;
    bench_session(&b, 7, true, "");
    bench_data(&b, TS_EV_RESULT, "{\"weight_kg\":70.5}", true);
    bench_session(&b, 7, true, ",\"session\":\"another\"");
    expect_safe(&b, TS_SAFE_ENDED);
    expect_note(&b, TS_CODE_STALE_FENCE);
    assert_null(bench_find(&b, TS_DO_WORK));
    expect_published(&b, "devices/scale-1/status", "{\"state\":\"online\",\"boot\":1,\"fence\":8}");
    bench_message(&b, "devices/scale-1/command/tare", "{\"fence\":7}");
    assert_null(bench_find(&b, TS_DO_COMMAND));
    bench_session(&b, 7, true, ",\"session\":\"another\""); /* it was under way when the server heard of it */
    assert_null(bench_find(&b, TS_DO_WORK));
    bench_session(&b, 10, true, "");
    assert_int_equal(expect(&b, TS_DO_WORK)->action.fence, 10);
    assert_null(bench_published(&b, "devices/scale-1/result")); /* what the other one brought is not its */
}

static void a_fence_remains_that_of_a_session_that_is_over(void **state) {
    (void)state;
    bench_session(&b, 7, true, "");
    document("{\"state\":\"free\",\"in_use\":false,\"session\":null,\"fence\":7,\"revision\":1000}");
    bench_session(&b, 7, true, ",\"session\":\"another\"");
    expect_note(&b, TS_CODE_STALE_FENCE);
    assert_null(bench_find(&b, TS_DO_WORK));
    assert_false(bench_view(&b).in_use);
}

/* Within a fence a session ends once: no document that is late says so. */
static void the_end_is_believed_of_a_server_that_counts_documents_anew(void **state) {
    (void)state;
    document("{\"state\":\"active\",\"in_use\":true,\"session\":\"a\",\"fence\":7,\"revision\":100}");
    document("{\"state\":\"free\",\"in_use\":false,\"fence\":7,\"revision\":91}");
    expect_safe(&b, TS_SAFE_ENDED);
    assert_false(bench_view(&b).in_use);
}

static void an_older_server_is_told_that_a_session_is_over(void **state) {
    (void)state;
    document("{\"state\":\"free\",\"in_use\":false,\"fence\":7,\"revision\":100}");
    document("{\"state\":\"active\",\"in_use\":true,\"session\":\"a\",\"fence\":7,\"revision\":91}");
    expect_note(&b, TS_CODE_STALE_FENCE);
    assert_null(bench_find(&b, TS_DO_WORK));
    expect_published(&b, "devices/scale-1/status", "{\"state\":\"online\",\"boot\":1,\"fence\":8}");
    document("{\"state\":\"active\",\"in_use\":true,\"session\":\"b\",\"fence\":8,\"revision\":93}");
    assert_int_equal(expect(&b, TS_DO_WORK)->action.fence, 8); /* it was granted before the server heard of that */
}

static void there_is_no_fence_above_the_last(void **state) {
    (void)state;
    bench_session(&b, UINT32_MAX, true, "");
    bench_session(&b, UINT32_MAX, true, ",\"session\":\"another\"");
    expect_safe(&b, TS_SAFE_ENDED);
    expect_published(&b, "devices/scale-1/status", "{\"state\":\"online\",\"boot\":1,\"fence\":4294967295}");
}

static void what_is_no_document_is_ignored(void **state) {
    static const char *const bad_json[] = {"", "null", "[]", "{\"fence\":5", "{\"fence\":NaN}"};
    static const char *const bad_message[] = {
        "{}",
        "{\"state\":\"active\",\"in_use\":1,\"fence\":6}",
        "{\"state\":\"active\",\"in_use\":true,\"fence\":6.0}",
        "{\"state\":\"active\",\"in_use\":true,\"fence\":4294967296}",
        "{\"state\":\"active\",\"in_use\":true,\"fence\":-6}",
        "{\"state\":7,\"in_use\":true,\"fence\":6}",
        "{\"state\":\"active\",\"in_use\":true,\"fence\":6,\"input\":[]}",
        "{\"state\":\"active\",\"in_use\":true,\"fence\":6,\"expires_in_s\":\"60\"}",
        "{\"state\":\"active\",\"in_use\":true,\"fence\":6,\"queue\":{}}",
        "{\"state\":\"active\",\"in_use\":true,\"fence\":6,\"holder\":1}",
    };
    (void)state;
    bench_session(&b, 5, true, "");
    for (size_t i = 1; i < sizeof bad_json / sizeof *bad_json; i++) {
        document(bad_json[i]);
        expect_note(&b, TS_CODE_BAD_JSON);
        assert_string_equal(expect(&b, TS_DO_NOTE)->topic, "devices/scale-1/session");
    }
    for (size_t i = 0; i < sizeof bad_message / sizeof *bad_message; i++) {
        document(bad_message[i]);
        expect_note(&b, TS_CODE_BAD_MESSAGE);
    }
    assert_true(bench_view(&b).in_use);
    assert_int_equal(bench_view(&b).fence, 5);
    assert_string_equal(bench_view(&b).holder, "alice");
}

static void words_of_a_newer_server_are_borne(void **state) {
    (void)state;
    document("{\"state\":\"haunted\",\"in_use\":true,\"fence\":6,\"more\":{\"a\":[1]}}");
    assert_non_null(bench_find(&b, TS_DO_WORK));
    assert_int_equal(bench_view(&b).state, TS_STATE_ACTIVE);
}

static void an_empty_payload_is_a_removal(void **state) {
    (void)state;
    bench_session(&b, 5, true, "");
    document("");
    expect_safe(&b, TS_SAFE_REMOVED);
    assert_string_equal(bench_view(&b).holder, "");
    bench_message(&b, "devices/scale-1/command/tare", "{\"fence\":5}");
    expect_note(&b, TS_CODE_NOT_IN_USE);
}

static void the_queue_is_counted_and_names_are_cut(void **state) {
    (void)state;
    bench_session(&b, 5, true,
                  ",\"queue\":[{\"user\":\"bob\"},{\"user\":\"eve\"}],\"holder_name\":"
                  "\"0123456789012345678901234567890123456789012345678901234567890\u00e4\u00e4\"");
    assert_int_equal(bench_view(&b).waiting, 2);
    assert_string_equal(bench_view(&b).holder_name,
                        "0123456789012345678901234567890123456789012345678901234567890\u00e4");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_new_fence_begins_the_work, setup),
        cmocka_unit_test_setup(the_same_document_again_changes_nothing, setup),
        cmocka_unit_test_setup(the_end_makes_it_safe, setup),
        cmocka_unit_test_setup(a_command_acts_with_the_fence_of_the_session, setup),
        cmocka_unit_test_setup(another_session_makes_it_safe_first, setup),
        cmocka_unit_test_setup(another_input_is_work_again, setup),
        cmocka_unit_test_setup(complete_work_is_not_begun, setup),
        cmocka_unit_test_setup(a_handover_changes_the_holder_and_not_the_work, setup),
        cmocka_unit_test_setup(within_a_connection_only_newer_documents_count, setup),
        cmocka_unit_test_setup(an_older_server_is_told_which_fence_there_was, setup),
        cmocka_unit_test_setup(a_fence_is_that_of_one_session_only, setup),
        cmocka_unit_test_setup(a_fence_remains_that_of_a_session_that_is_over, setup),
        cmocka_unit_test_setup(the_end_is_believed_of_a_server_that_counts_documents_anew, setup),
        cmocka_unit_test_setup(an_older_server_is_told_that_a_session_is_over, setup),
        cmocka_unit_test_setup(there_is_no_fence_above_the_last, setup),
        cmocka_unit_test_setup(what_is_no_document_is_ignored, setup),
        cmocka_unit_test_setup(words_of_a_newer_server_are_borne, setup),
        cmocka_unit_test_setup(an_empty_payload_is_a_removal, setup),
        cmocka_unit_test_setup(the_queue_is_counted_and_names_are_cut, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
