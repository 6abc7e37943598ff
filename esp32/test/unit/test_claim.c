#include "bench.h"
#include "talkstick_claim.h"

#include <stdio.h>
#include <string.h>

static const char mac[] = "a4cf128b3f9e";
static const char nonce[] = "0123456789abcdef0123456789abcdef";
static const char theirs[] = "fedcba9876543210fedcba9876543210";

static ts_claim claim;
static ts_action action;
static uint32_t now;

static int setup(void **state) {
    (void)state;
    now = UINT32_MAX - 100; /* it may wrap */
    assert_true(ts_claim_init(&claim, "K7QM2-9XPD4-1tzqa-8rwn3", "lab/", mac, nonce, 1, now));
    return 0;
}

/* Take one action, and expect it to be of this kind. */
static void expect_next(ts_action_kind kind) {
    assert_true(ts_claim_next(&claim, &action));
    assert_int_equal(action.kind, kind);
}

static void expect_no_more(void) { assert_false(ts_claim_next(&claim, &action)); }

static void handle(ts_event_kind kind, bool on, uint32_t number) {
    const ts_event event = {.kind = kind, .on = on, .number = number, .token = claim.token};
    (void)ts_claim_handle(&claim, &event, now);
}

static void wait(uint32_t ms) {
    now += ms;
    handle(TS_EV_TICK, false, 0);
}

static void answer(const char *text) {
    static const char topic[] = "lab/provision/reply/claim-k7qm2";
    const ts_event event = {.kind = TS_EV_MESSAGE, .topic = {topic, sizeof topic - 1}, .data = {text, strlen(text)}};
    (void)ts_claim_handle(&claim, &event, now);
}

static void ask(void) {
    expect_next(TS_DO_CONNECT);
    assert_null(action.topic); /* no last will */
    handle(TS_EV_CONNECTED, false, 0);
    expect_next(TS_DO_SUBSCRIBE);
    assert_string_equal(action.topic, "lab/provision/reply/claim-k7qm2");
    expect_no_more();
    handle(TS_EV_SUBSCRIBED, true, 0);
    expect_next(TS_DO_PUBLISH);
    assert_string_equal(action.topic, "lab/provision/request/claim-k7qm2");
    assert_memory_equal(action.data.data, "{\"id\":\"1\",\"action\":\"claim\",\"mac\":\"a4cf128b3f9e\",\"nonce\":", 52);
    expect_no_more();
}

static void both_codes_of_a_refused_login_end_it(void **state) {
    (void)state;
    for (uint32_t code = 3; code <= 5; code++) {
        assert_true(ts_claim_init(&claim, "k7qm2-9xpd4-1tzqa-8rwn3", "lab/", mac, nonce, 1, now));
        expect_next(TS_DO_CONNECT);
        handle(TS_EV_REFUSED, false, code);
        assert_int_equal(ts_claim_state_of(&claim), code == 3 ? TS_CLAIM_TRYING : TS_CLAIM_REFUSED);
    }
}

static void nobody_becomes_what_is_no_device(void **state) {
    char text[160];
    (void)state;
    ask();
    (void)snprintf(text, sizeof text, "{\"ok\":true,\"code\":\"claimed\",\"device\":\"a/b\",\"nonce\":\"%s\"}", theirs);
    answer(text);
    expect_next(TS_DO_NOTE);
    assert_int_equal(ts_claim_state_of(&claim), TS_CLAIM_TRYING);
}

static void an_answer_that_comes_twice_changes_nothing(void **state) {
    char text[160];
    (void)state;
    ask();
    for (const char *device = "scale-1"; device != NULL; device = device[0] == 's' ? "other-1" : NULL) {
        (void)snprintf(text, sizeof text, "{\"ok\":true,\"code\":\"claimed\",\"device\":\"%s\",\"nonce\":\"%s\"}",
                       device, theirs);
        answer(text);
    }
    assert_string_equal(ts_claim_id(&claim), "scale-1");
    assert_non_null(strstr(ts_claim_message(&claim), "scale-1"));
}

static void a_code_becomes_a_device(void **state) {
    char text[160], message[128];
    (void)state;
    assert_string_equal(ts_claim_username(&claim), "claim-k7qm2");
    assert_string_equal(ts_claim_password(&claim), "9xpd41tzqa8rwn3");
    ask();
    (void)snprintf(text, sizeof text,
                   "{\"id\":\"1\",\"ok\":true,\"code\":\"claimed\",\"device\":\"scale-1\",\"nonce\":\"%s\"}", theirs);
    answer(text);
    expect_next(TS_DO_DISCONNECT);
    assert_int_equal(ts_claim_state_of(&claim), TS_CLAIM_DONE);
    assert_string_equal(ts_claim_id(&claim), "scale-1");
    assert_string_equal(ts_claim_key(&claim), "k7qm29xpd41tzqa8rwn3");
    (void)snprintf(message, sizeof message, "talkstick:scale-1:%s:%s", nonce, theirs);
    assert_string_equal(ts_claim_message(&claim), message);
    handle(TS_EV_LOST, false, 0);
    wait(3600000);
    expect_no_more();
}

static void what_was_lost_is_asked_again(void **state) {
    (void)state;
    ask();
    wait(30000);
    expect_next(TS_DO_PUBLISH);
    handle(TS_EV_NOT_SENT, false, 0);
    expect_no_more();
    wait(200);
    expect_next(TS_DO_PUBLISH);
    handle(TS_EV_LOST, false, 0);
    assert_in_range(ts_claim_due_ms(&claim, now), 500, 1000);
    wait(ts_claim_due_ms(&claim, now));
    ask();
}

static void waiting_doubles(void **state) {
    (void)state;
    for (uint32_t most = 1000, i = 0; i < 10; i++) {
        expect_next(TS_DO_CONNECT);
        handle(TS_EV_LOST, false, 0);
        assert_in_range(ts_claim_due_ms(&claim, now), most / 2, most);
        wait(ts_claim_due_ms(&claim, now));
        most = most < 30000 ? most * 2 : 60000;
    }
}

static void some_refusals_pass(void **state) {
    (void)state;
    ask();
    answer("{\"id\":\"1\",\"ok\":false,\"code\":\"rate_limited\",\"retry_in_s\":7.5}");
    expect_next(TS_DO_NOTE);
    assert_memory_equal(action.name.data, "rate_limited", action.name.size);
    expect_no_more();
    assert_int_equal(ts_claim_due_ms(&claim, now), 7500);
    wait(7500);
    expect_next(TS_DO_PUBLISH);
    answer("{\"ok\":false,\"code\":\"unknown_principal\"}");
    expect_next(TS_DO_NOTE);
    wait(5000);
    expect_next(TS_DO_PUBLISH);
    assert_int_equal(ts_claim_state_of(&claim), TS_CLAIM_TRYING);
}

static void a_code_may_be_good_for_nothing(void **state) {
    (void)state;
    ask();
    answer("{\"ok\":false,\"code\":\"code_used\"}");
    expect_next(TS_DO_NOTE);
    expect_next(TS_DO_DISCONNECT);
    assert_int_equal(ts_claim_state_of(&claim), TS_CLAIM_REFUSED);
    assert_int_equal(setup(state), 0);
    expect_next(TS_DO_CONNECT);
    handle(TS_EV_REFUSED, false, 5);
    expect_next(TS_DO_NOTE);
    assert_int_equal(ts_claim_state_of(&claim), TS_CLAIM_REFUSED);
    wait(3600000);
    expect_no_more();
}

static void a_busy_broker_is_tried_again(void **state) {
    (void)state;
    expect_next(TS_DO_CONNECT);
    handle(TS_EV_REFUSED, false, 3);
    expect_next(TS_DO_NOTE);
    assert_memory_equal(action.name.data, TS_CODE_UNREACHABLE, action.name.size);
    wait(1000);
    expect_next(TS_DO_CONNECT);
}

static void answers_that_are_none_are_ignored(void **state) {
    static const char *const bad[] = {
        "",
        "[]",
        "{}",
        "{\"ok\":true}",
        "{\"ok\":true,\"code\":\"claimed\",\"device\":\"Scale\",\"nonce\":\"00\"}",
        "{\"ok\":true,\"code\":\"claimed\",\"device\":\"scale-1\",\"nonce\":\"fedcba9876543210fedcba98765432100\"}",
        "{\"ok\":true,\"code\":\"claimed\",\"device\":\"scale-1\",\"nonce\":\"xedcba9876543210fedcba9876543210\"}",
    };
    (void)state;
    ask();
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        answer(bad[i]);
        expect_next(TS_DO_NOTE);
        expect_no_more();
    }
    assert_int_equal(ts_claim_state_of(&claim), TS_CLAIM_TRYING);
}

static void a_subscription_may_fail(void **state) {
    (void)state;
    expect_next(TS_DO_CONNECT);
    handle(TS_EV_CONNECTED, false, 0);
    expect_next(TS_DO_SUBSCRIBE);
    handle(TS_EV_SUBSCRIBED, false, 0);
    expect_next(TS_DO_NOTE);
    expect_next(TS_DO_DISCONNECT);
    wait(20000); /* nobody said that it was lost */
    wait(1000);
    expect_next(TS_DO_CONNECT);
    wait(60000);
    expect_next(TS_DO_NOTE);
    expect_next(TS_DO_DISCONNECT);
}

static void what_cannot_work_does_not_begin(void **state) {
    (void)state;
    assert_false(ts_claim_init(&claim, "K7QM2-9XPD4-1tzqa-8rwn", NULL, mac, nonce, 1, 0));
    assert_false(ts_claim_init(&claim, "K7QM2-9XPD4-1tzqa-8rwn3", "lab", mac, nonce, 1, 0));
    assert_false(ts_claim_init(&claim, "K7QM2-9XPD4-1tzqa-8rwn3", NULL, "a4:cf:12:8b:3f", nonce, 1, 0));
    assert_false(ts_claim_init(&claim, "K7QM2-9XPD4-1tzqa-8rwn3", NULL, mac, "00", 1, 0));
    assert_false(ts_claim_next(&claim, &action));
    assert_true(ts_claim_init(&claim, "ooooo iiiii lllll 00000", NULL, mac, nonce, 0, 0));
    assert_string_equal(ts_claim_key(&claim), "00000111111111100000");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(both_codes_of_a_refused_login_end_it, setup),
        cmocka_unit_test_setup(nobody_becomes_what_is_no_device, setup),
        cmocka_unit_test_setup(an_answer_that_comes_twice_changes_nothing, setup),
        cmocka_unit_test_setup(a_code_becomes_a_device, setup),
        cmocka_unit_test_setup(what_was_lost_is_asked_again, setup),
        cmocka_unit_test_setup(waiting_doubles, setup),
        cmocka_unit_test_setup(some_refusals_pass, setup),
        cmocka_unit_test_setup(a_code_may_be_good_for_nothing, setup),
        cmocka_unit_test_setup(a_busy_broker_is_tried_again, setup),
        cmocka_unit_test_setup(answers_that_are_none_are_ignored, setup),
        cmocka_unit_test_setup(a_subscription_may_fail, setup),
        cmocka_unit_test_setup(what_cannot_work_does_not_begin, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
