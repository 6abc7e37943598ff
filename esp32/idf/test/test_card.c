#include "card.h"

#include "check.h"

/* The examples are those of ISO/IEC 14443-3, annex B. */
static void the_crc_is_crc_a(void **state) {
    const uint8_t zeros[] = {0x00, 0x00};
    const uint8_t other[] = {0x12, 0x34};

    (void)state;
    assert_int_equal(card_crc(zeros, sizeof zeros), 0x1ea0);
    assert_int_equal(card_crc(other, sizeof other), 0xcf26);
}

static void the_check_byte_is_checked(void **state) {
    const uint8_t good[] = {0x04, 0xa2, 0xb3, 0xc4, 0x04 ^ 0xa2 ^ 0xb3 ^ 0xc4};
    const uint8_t bad[] = {0x04, 0xa2, 0xb3, 0xc5, 0x04 ^ 0xa2 ^ 0xb3 ^ 0xc4};

    (void)state;
    assert_true(card_checked(good));
    assert_false(card_checked(bad));
}

static void a_uid_is_text(void **state) {
    const card_uid four = {{0x04, 0xa2, 0x0b, 0xc4}, 4};
    const card_uid seven = {{0x04, 0xd5, 0xe6, 0xf7, 0xa1, 0xb2, 0xc3}, 7};
    char text[CARD_TEXT_BYTES];

    (void)state;
    card_text(&four, text);
    assert_string_equal(text, "04A20BC4");
    card_text(&seven, text);
    assert_string_equal(text, "04D5E6F7A1B2C3");
}

static void the_owner_is_found(void **state) {
    const char *table = "04A2B3C4=alice,04D5E6F7A1B2C3=bob,99=,DE=carol";
    char name[6];

    (void)state;
    assert_true(card_owner(table, "04A2B3C4", name, sizeof name));
    assert_string_equal(name, "alice");
    assert_true(card_owner(table, "04D5E6F7A1B2C3", name, sizeof name));
    assert_string_equal(name, "bob");
    assert_true(card_owner(table, "DE", name, sizeof name));
    assert_string_equal(name, "carol");
    assert_false(card_owner(table, "04A2B3", name, sizeof name));
    assert_false(card_owner(table, "99", name, sizeof name));
    assert_false(card_owner(table, "", name, sizeof name));
    assert_false(card_owner("", "04A2B3C4", name, sizeof name));
    assert_false(card_owner(table, "04A2B3C4", name, 5)); /* its name does not fit */
}

TESTS(TEST(the_crc_is_crc_a), TEST(the_check_byte_is_checked), TEST(a_uid_is_text), TEST(the_owner_is_found))
