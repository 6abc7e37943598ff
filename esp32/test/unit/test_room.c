/* The queue is small: what makes room for what, and what always finds some. */
#include "bench.h"

#include <stdio.h>
#include <string.h>

static bench b;

static int setup(void **state) {
    (void)state;
    bench_at_work(&b);
    return 0;
}

static const char result[] = "devices/scale-1/result";

/* Up to the birth; what follows that is what the last event led to. */
static void reconnect(void) {
    bench_wait(&b, ts_due_ms(&b.device, b.now));
    bench_plain(&b, TS_EV_CONNECTED, false);
    bench_grant(&b);
}

static void fill(char *data, size_t size, char mark) {
    memset(data, ' ', size);
    memcpy(data, "{\"n\":\"", 6);
    data[6] = mark;
    memcpy(data + 7, "\"", 1);
    data[size - 1] = '}';
    data[size] = '\0';
}

static void telemetry_and_progress_fill_the_queue(void) {
    static char data[TS_OUT_BYTES];
    bench_plain(&b, TS_EV_LOST, false);
    fill(data, 600, 't');
    bench_data(&b, TS_EV_TELEMETRY, data, false);
    for (char mark = 'a'; mark < 'c'; mark++) {
        fill(data, 600, mark);
        bench_data(&b, TS_EV_RESULT, data, false);
        assert_true(b.taken);
    }
}

static void newer_progress_takes_the_place_of_older(void **state) {
    static char data[TS_OUT_BYTES];
    (void)state;
    telemetry_and_progress_fill_the_queue();
    assert_null(bench_find(&b, TS_DO_NOTE));
    fill(data, 600, 'c');
    bench_data(&b, TS_EV_RESULT, data, false);
    assert_true(b.taken);
    expect_note(&b, TS_CODE_TOO_MANY);
    reconnect();
    bench_session(&b, 5, true, "");
    assert_non_null(strstr(bench_published(&b, result)->data, "{\"n\":\"b\""));
    bench_accept(&b, bench_published(&b, result));
    assert_non_null(strstr(bench_published(&b, result)->data, "{\"n\":\"c\""));
}

/* As large as the broker may be told; and beside it what is sensed, which a board keeps for the next connection. */
static void for_the_end_of_the_work_there_always_is_room(void **state) {
    static char data[TS_OUT_BYTES];
    (void)state;
    fill(data, TS_SENSED_BYTES, 's');
    bench_data(&b, TS_EV_SENSED, data, true);
    assert_true(b.taken);
    telemetry_and_progress_fill_the_queue();
    fill(data, TS_OUT_BYTES - 72, 'z');
    bench_data(&b, TS_EV_RESULT, data, true);
    assert_true(b.taken);
    reconnect();
    assert_non_null(bench_published(&b, "triggers/hall"));
    assert_null(bench_published(&b, "devices/scale-1/telemetry")); /* it gave way */
    bench_session(&b, 5, true, "");
    assert_non_null(strstr(bench_published(&b, result)->data, "{\"n\":\"z\""));
}

static void for_what_is_sensed_there_always_is_room(void **state) {
    static char data[TS_OUT_BYTES];
    (void)state;
    bench_plain(&b, TS_EV_LOST, false);
    fill(data, TS_OUT_BYTES - 72, 'z');
    bench_data(&b, TS_EV_RESULT, data, true);
    fill(data, 600, 't');
    bench_data(&b, TS_EV_TELEMETRY, data, false);
    for (char mark = 'a'; mark < 'd'; mark++) {
        fill(data, TS_SENSED_BYTES, mark);
        bench_data(&b, TS_EV_SENSED, data, true);
        assert_true(b.taken);
    }
    fill(data, TS_SENSED_BYTES + 1, 'd');
    bench_data(&b, TS_EV_SENSED, data, true);
    expect_note(&b, TS_CODE_TOO_LARGE);
    bench_data(&b, TS_EV_TELEMETRY, data, false);
    expect_note(&b, TS_CODE_TOO_MANY);
    assert_false(b.taken);
    bench_data(&b, TS_EV_RESULT, data, false);
    expect_note(&b, TS_CODE_TOO_MANY);
    assert_false(b.taken);
    reconnect();
    assert_non_null(strstr(bench_published(&b, "triggers/hall")->data, "{\"n\":\"c\""));
    bench_session(&b, 5, true, "");
    assert_non_null(strstr(bench_published(&b, result)->data, "{\"n\":\"z\""));
}

static void the_end_overtakes_progress_that_is_under_way(void **state) {
    static char data[TS_OUT_BYTES];
    (void)state;
    fill(data, 1000, 'a');
    bench_data(&b, TS_EV_RESULT, data, false);
    assert_non_null(bench_published(&b, result));
    const uint16_t token = b.shots[0].action.token;
    fill(data, 1200, 'b');
    bench_data(&b, TS_EV_RESULT, data, false);
    assert_false(b.taken); /* progress makes no room of it */
    bench_data(&b, TS_EV_RESULT, data, true);
    assert_true(b.taken);
    assert_null(bench_published(&b, result)); /* one at a time */
    bench_event(&b, (ts_event){.kind = TS_EV_ACCEPTED, .token = token});
    assert_non_null(strstr(bench_published(&b, result)->data, "{\"n\":\"b\""));
}

static void progress_that_made_room_is_not_sent_again(void **state) {
    static char data[TS_OUT_BYTES];
    (void)state;
    fill(data, 1000, 'a');
    bench_data(&b, TS_EV_RESULT, data, false);
    const uint16_t token = b.shots[0].action.token;
    fill(data, 1200, 'b');
    bench_data(&b, TS_EV_RESULT, data, true);
    bench_event(&b, (ts_event){.kind = TS_EV_NOT_SENT, .token = token});
    bench_wait(&b, 200);
    assert_non_null(strstr(bench_published(&b, result)->data, "{\"n\":\"b\""));
}

static void work_ends_once(void **state) {
    (void)state;
    bench_data(&b, TS_EV_RESULT, "{\"n\":1}", true);
    bench_acknowledge(&b);
    bench_data(&b, TS_EV_RESULT, "{\"n\":2}", true); /* the document does not show the first yet */
    assert_false(b.taken);
    expect_note(&b, TS_CODE_TOO_MANY);
    bench_session(&b, 5, true, ",\"complete\":true");
    bench_data(&b, TS_EV_RESULT, "{\"n\":3}", true);
    assert_true(b.taken);
    bench_session(&b, 5, true, ",\"job\":2");
    bench_data(&b, TS_EV_RESULT, "{\"n\":4}", true);
    assert_true(b.taken);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(newer_progress_takes_the_place_of_older, setup),
        cmocka_unit_test_setup(for_the_end_of_the_work_there_always_is_room, setup),
        cmocka_unit_test_setup(for_what_is_sensed_there_always_is_room, setup),
        cmocka_unit_test_setup(the_end_overtakes_progress_that_is_under_way, setup),
        cmocka_unit_test_setup(progress_that_made_room_is_not_sent_again, setup),
        cmocka_unit_test_setup(work_ends_once, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
