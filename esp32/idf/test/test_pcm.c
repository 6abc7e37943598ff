#include "pcm.h"

#include <stdlib.h>

#include "check.h"

/* The values are those of ITU-T G.711, in 16 bits. */
static void mulaw_is_g711(void **state) {
    (void)state;
    assert_int_equal(ts_mulaw_encode(0), 0xff);
    assert_int_equal(ts_mulaw_encode(INT16_MAX), 0x80);
    assert_int_equal(ts_mulaw_encode(INT16_MIN), 0x00);
    assert_int_equal(ts_mulaw_encode(1000), 0xce);
    assert_int_equal(ts_mulaw_encode(-1000), 0x4e);
    assert_int_equal(ts_mulaw_decode(0xff), 0);
    assert_int_equal(ts_mulaw_decode(0x7f), 0);
    assert_int_equal(ts_mulaw_decode(0x80), 32124);
    assert_int_equal(ts_mulaw_decode(0x00), -32124);
}

static void each_code_comes_back(void **state) {
    (void)state;
    for (int code = 0; code < 256; code++)
        if (code != 0x7f) /* minus zero */
            assert_int_equal(ts_mulaw_encode(ts_mulaw_decode((uint8_t)code)), code);
}

static void the_error_is_small_and_the_order_is_kept(void **state) {
    int32_t last = INT32_MIN;

    (void)state;
    for (int32_t sample = INT16_MIN; sample <= INT16_MAX; sample++) {
        int32_t back = ts_mulaw_decode(ts_mulaw_encode((int16_t)sample));
        assert_true(abs(back - sample) <= abs(sample) / 16 + 8);
        assert_true(back >= last);
        last = back;
    }
}

static void the_microphone_may_be_made_louder_and_never_wraps(void **state) {
    (void)state;
    assert_int_equal(ts_pcm_from_i2s(0x12345600, 0), 0x1234);
    assert_int_equal(ts_pcm_from_i2s(0x00123456, 3), 0x91);
    assert_int_equal(ts_pcm_from_i2s(-65536, 0), -1);
    assert_int_equal(ts_pcm_from_i2s(INT32_MAX, 8), INT16_MAX);
    assert_int_equal(ts_pcm_from_i2s(INT32_MIN, 8), INT16_MIN);
    assert_int_equal(ts_pcm_from_i2s(INT32_MIN, 0), INT16_MIN);
}

static void half_the_rate_and_back(void **state) {
    const int16_t samples[] = {1000, 3000, -2000, -4000, 0};
    uint8_t codes[2];
    int16_t back[4];
    int16_t last = 0;

    (void)state;
    assert_int_equal(ts_pcm_to_mulaw(samples, 5, codes), 2);
    assert_int_equal(codes[0], ts_mulaw_encode(2000));
    assert_int_equal(codes[1], ts_mulaw_encode(-3000));
    assert_int_equal(ts_pcm_from_mulaw(codes, 2, back, &last), 4);
    assert_int_equal(back[1], ts_mulaw_decode(codes[0]));
    assert_int_equal(back[3], ts_mulaw_decode(codes[1]));
    assert_int_equal(back[2], (back[1] + back[3]) / 2);
    assert_int_equal(last, back[3]);
}

TESTS(TEST(mulaw_is_g711), TEST(each_code_comes_back), TEST(the_error_is_small_and_the_order_is_kept),
      TEST(the_microphone_may_be_made_louder_and_never_wraps), TEST(half_the_rate_and_back))
