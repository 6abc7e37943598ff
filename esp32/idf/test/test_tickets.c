#include "tickets.h"

#include <stdbool.h>

#include "check.h"

static void an_acknowledgement_finds_its_token(void **state) {
    ts_tickets tickets;
    bool granted = false;
    uint16_t token = 0;

    (void)state;
    ts_tickets_clear(&tickets);
    assert_false(ts_tickets_sent(&tickets, 700, 7, &granted));
    assert_false(ts_tickets_sent(&tickets, 800, 8, &granted));
    assert_true(ts_tickets_acked(&tickets, 800, true, &token));
    assert_int_equal(token, 8);
    assert_true(ts_tickets_acked(&tickets, 700, true, &token));
    assert_int_equal(token, 7);
    assert_false(ts_tickets_acked(&tickets, 700, true, &token));
}

static void one_that_comes_first_waits(void **state) {
    ts_tickets tickets;
    bool granted = true;
    uint16_t token = 0;

    (void)state;
    ts_tickets_clear(&tickets);
    assert_false(ts_tickets_acked(&tickets, 700, false, &token));
    assert_true(ts_tickets_sent(&tickets, 700, 7, &granted));
    assert_false(granted);
    assert_false(ts_tickets_acked(&tickets, 701, true, &token));
    assert_true(ts_tickets_sent(&tickets, 701, 8, &granted));
    assert_true(granted);
    assert_false(ts_tickets_sent(&tickets, 700, 9, &granted)); /* the number is used again */
}

static void of_too_many_the_oldest_place_is_given_up(void **state) {
    ts_tickets tickets;
    bool granted;
    uint16_t token = 0;

    (void)state;
    ts_tickets_clear(&tickets);
    for (uint16_t i = 1; i <= TS_TICKETS + 1; i++) assert_false(ts_tickets_sent(&tickets, i, i, &granted));
    assert_true(ts_tickets_acked(&tickets, TS_TICKETS + 1, true, &token));
    assert_int_equal(token, TS_TICKETS + 1);
    assert_true(ts_tickets_acked(&tickets, 2, true, &token));
    assert_int_equal(token, 2);
    assert_false(ts_tickets_acked(&tickets, 1, true, &token));
}

static void packet_0_is_none(void **state) {
    ts_tickets tickets;
    uint16_t token = 0;

    (void)state;
    ts_tickets_clear(&tickets);
    assert_false(ts_tickets_acked(&tickets, 0, true, &token));
}

TESTS(TEST(an_acknowledgement_finds_its_token), TEST(one_that_comes_first_waits),
      TEST(of_too_many_the_oldest_place_is_given_up), TEST(packet_0_is_none))
