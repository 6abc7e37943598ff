#include "bench.h"

#include <string.h>

static bench b;
static const char request[] = "devices/scale-1/session/request/scale-1";
static const char reply[] = "devices/scale-1/session/reply/scale-1";

static int setup(void **state) {
    (void)state;
    bench_prepare(&b);
    b.config.badges = true;
    bench_online(&b);
    bench_session(&b, 5, false, ",\"holder\":null");
    return 0;
}

static void a_badge_claims(void **state) {
    (void)state;
    bench_data(&b, TS_EV_BADGE, "alice", false);
    assert_int_equal(
        expect_published(&b, request, "{\"id\":\"1-1\",\"action\":\"claim\",\"for\":\"alice\",\"wait\":true}")
            ->action.qos,
        1);
}

static void the_badge_of_the_holder_gives_back(void **state) {
    (void)state;
    bench_session(&b, 6, true, "");
    bench_data(&b, TS_EV_BADGE, "alice", false);
    expect_published(&b, request, "{\"id\":\"1-1\",\"action\":\"release\",\"for\":\"alice\"}");
    bench_acknowledge(&b);
    bench_data(&b, TS_EV_BADGE, "bob", false);
    expect_published(&b, request, "{\"id\":\"1-2\",\"action\":\"claim\",\"for\":\"bob\",\"wait\":true}");
}

static void one_badge_at_a_time(void **state) {
    (void)state;
    bench_data(&b, TS_EV_BADGE, "alice", false);
    bench_data(&b, TS_EV_BADGE, "bob", false);
    assert_false(b.taken);
}

static void answers_are_passed_on(void **state) {
    const shot *answer;
    (void)state;
    bench_message(&b, reply, "{\"id\":\"1-1\",\"ok\":true,\"code\":\"granted\",\"fence\":6}");
    answer = expect(&b, TS_DO_ANSWER);
    assert_true(answer->action.on);
    assert_string_equal(answer->name, "granted");
    bench_message(&b, reply, "{\"ok\":true,\"code\":\"queued\",\"position\":2,\"message\":\"you are \\u00232\"}");
    answer = expect(&b, TS_DO_ANSWER);
    assert_false(answer->action.on);
    assert_string_equal(answer->data, "you are #2");
    bench_message(&b, reply, "{\"ok\":false,\"code\":\"busy\"}");
    assert_string_equal(expect(&b, TS_DO_ANSWER)->name, "busy");
    bench_message(&b, reply, "{\"ok\":1,\"code\":\"busy\"}");
    expect_note(&b, TS_CODE_BAD_MESSAGE);
    bench_message(&b, reply, "granted");
    expect_note(&b, TS_CODE_BAD_JSON);
    bench_message(&b, "devices/scale-1/session/reply/eve", "{\"ok\":true,\"code\":\"granted\"}");
    expect_note(&b, TS_CODE_UNKNOWN_TOPIC);
}

static void some_badges_are_answered_at_once(void **state) {
    (void)state;
    bench_data(&b, TS_EV_BADGE, "no such/id", false);
    assert_string_equal(expect(&b, TS_DO_ANSWER)->name, TS_CODE_BAD_ID);
    bench_plain(&b, TS_EV_LOST, false);
    bench_data(&b, TS_EV_BADGE, "alice", false);
    assert_string_equal(expect(&b, TS_DO_ANSWER)->name, TS_CODE_DEVICE_OFFLINE);
    b.config.badges = false;
    bench_data(&b, TS_EV_BADGE, "alice", false);
    assert_string_equal(expect(&b, TS_DO_ANSWER)->name, TS_CODE_FORBIDDEN);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_badge_claims, setup),
        cmocka_unit_test_setup(the_badge_of_the_holder_gives_back, setup),
        cmocka_unit_test_setup(one_badge_at_a_time, setup),
        cmocka_unit_test_setup(answers_are_passed_on, setup),
        cmocka_unit_test_setup(some_badges_are_answered_at_once, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
