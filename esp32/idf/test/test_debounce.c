#include "debounce.h"

#include "check.h"

/* Return when, of these samples, the state changed: '.' up, '#' down. */
static int changes(const char *samples, ts_debounce *button) {
    int count = 0;

    for (; *samples != '\0'; samples++) count += ts_debounce_sample(button, *samples == '#') ? 1 : 0;
    return count;
}

static void three_samples_in_a_row_count(void **state) {
    ts_debounce button = {0};

    (void)state;
    assert_int_equal(changes("##", &button), 0);
    assert_int_equal(changes("#", &button), 1);
    assert_true(button.down);
    assert_int_equal(changes("####", &button), 0);
    assert_int_equal(changes("...", &button), 1);
    assert_false(button.down);
}

static void bouncing_is_one_press(void **state) {
    ts_debounce button = {0};

    (void)state;
    assert_int_equal(changes("#.##.#.##.###", &button), 1);
    assert_int_equal(changes(".#..#.#", &button), 0);
    assert_true(button.down);
}

static void a_spike_is_none(void **state) {
    ts_debounce button = {0};

    (void)state;
    assert_int_equal(changes("..##..#..##.", &button), 0);
}

TESTS(TEST(three_samples_in_a_row_count), TEST(bouncing_is_one_press), TEST(a_spike_is_none))
