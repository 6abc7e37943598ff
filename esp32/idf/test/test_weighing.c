#include "weighing.h"

#include "check.h"

static void bits_are_twos_complement(void **state) {
    (void)state;
    assert_int_equal(weighing_reading(0), 0);
    assert_int_equal(weighing_reading(0x7fffff), 8388607);
    assert_int_equal(weighing_reading(0x800000), -8388608);
    assert_int_equal(weighing_reading(0xffffff), -1);
    assert_int_equal(weighing_reading(0xff000001), 1);
}

static void a_reading_becomes_grams(void **state) {
    weighing scale = {.zero = 1000, .per_kg = 420000};

    (void)state;
    assert_int_equal(weighing_grams(&scale, 1000), 0);
    assert_int_equal(weighing_grams(&scale, 1000 + 420000 * 7 / 2), 3500);
    assert_int_equal(weighing_grams(&scale, 1000 - 42000), -100);
    scale.per_kg = -420000; /* the cell is mounted upside down */
    assert_int_equal(weighing_grams(&scale, 1000 - 420000), 1000);
    scale.per_kg = 0;
    assert_int_equal(weighing_grams(&scale, 5), 0);
}

static void it_is_calibrated_with_a_known_weight(void **state) {
    weighing scale = {.zero = 5000, .per_kg = 1};

    (void)state;
    assert_true(weighing_calibrate(&scale, 5000 + 200000, 500));
    assert_int_equal(scale.per_kg, 400000);
    assert_int_equal(weighing_grams(&scale, 5000 + 200000), 500);
    assert_false(weighing_calibrate(&scale, 5000, 500)); /* nothing lies on it */
    assert_false(weighing_calibrate(&scale, 205000, 0));
    assert_int_equal(scale.per_kg, 400000);
}

static void steady_is_what_does_not_waver(void **state) {
    weighing scale = {.per_kg = 1};

    (void)state;
    for (int i = 0; i < WEIGHING_STEADY - 1; i++) assert_false(weighing_steady(&scale, 1000 + i, 20));
    assert_true(weighing_steady(&scale, 1020, 20));
    assert_false(weighing_steady(&scale, 1022, 20));
    for (int i = 0; i < WEIGHING_STEADY - 1; i++) weighing_steady(&scale, 1022, 20);
    assert_true(weighing_steady(&scale, 1030, 20));
}

TESTS(TEST(bits_are_twos_complement), TEST(a_reading_becomes_grams), TEST(it_is_calibrated_with_a_known_weight),
      TEST(steady_is_what_does_not_waver))
