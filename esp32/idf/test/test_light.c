#include "light.h"

#include "check.h"

static ts_view online(void) { return (ts_view){.link = TS_LINK_UP, .known = true, .state = TS_STATE_FREE}; }

static void what_matters_most_is_shown(void **state) {
    ts_view view = {.link = TS_LINK_DOWN};

    (void)state;
    assert_int_equal(ts_light_of(&view), TS_LIGHT_OFFLINE);
    view.link = TS_LINK_CONNECTING;
    assert_int_equal(ts_light_of(&view), TS_LIGHT_CONNECTING);
    view.link = TS_LINK_UP;
    assert_int_equal(ts_light_of(&view), TS_LIGHT_CONNECTING); /* nothing is known yet */
    view = online();
    assert_int_equal(ts_light_of(&view), TS_LIGHT_FREE);
    view.state = TS_STATE_RESETTING;
    assert_int_equal(ts_light_of(&view), TS_LIGHT_RESETTING);
    view.state = TS_STATE_GRACE;
    view.in_use = true;
    assert_int_equal(ts_light_of(&view), TS_LIGHT_IN_USE);
    view.voice = TS_RECORDING;
    assert_int_equal(ts_light_of(&view), TS_LIGHT_RECORDING);
    view.link = TS_LINK_DOWN;
    assert_int_equal(ts_light_of(&view), TS_LIGHT_OFFLINE);
}

static int share(ts_light light, uint32_t from) {
    int count = 0;

    for (uint32_t ms = from; ms < from + 2000; ms += 100) count += ts_light_on(light, ms) ? 1 : 0;
    return count;
}

static void each_pattern_is_as_it_says(void **state) {
    (void)state;
    assert_int_equal(share(TS_LIGHT_IN_USE, 0), 20);
    assert_int_equal(share(TS_LIGHT_FREE, 0), 1);
    assert_int_equal(share(TS_LIGHT_UNPROVISIONED, 0), 3);
    assert_int_equal(share(TS_LIGHT_CLAIMING, 0), 2);
    assert_int_equal(share(TS_LIGHT_RECORDING, 0), 10);
    assert_int_equal(share(TS_LIGHT_OFFLINE, 6000), 3);
    assert_true(ts_light_on(TS_LIGHT_OFFLINE, 4000));
    assert_false(ts_light_on(TS_LIGHT_OFFLINE, 4300));
}

static void no_two_patterns_are_alike(void **state) {
    (void)state;
    for (int one = TS_LIGHT_UNPROVISIONED; one <= TS_LIGHT_SPEAKING; one++)
        for (int other = one + 1; other <= TS_LIGHT_SPEAKING; other++) {
            int differ = 0;
            for (uint32_t ms = 0; ms < 2000; ms += 100)
                differ += ts_light_on((ts_light)one, ms) != ts_light_on((ts_light)other, ms) ? 1 : 0;
            assert_true(differ > 0);
        }
}

TESTS(TEST(what_matters_most_is_shown), TEST(each_pattern_is_as_it_says), TEST(no_two_patterns_are_alike))
