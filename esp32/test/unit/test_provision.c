#include "bench.h"
#include "talkstick_claim.h"

#include <string.h>

static ts_provision provision;

static int setup(void **state) {
    (void)state;
    memset(&provision, 0, sizeof provision);
    strcpy(provision.uri, "mqtts://broker.lan:8883");
    strcpy(provision.prefix, "lab/");
    strcpy(provision.id, "scale-1");
    strcpy(provision.secret, "correct horse");
    strcpy(provision.ca, "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n");
    return 0;
}

static void expect_fault(ts_provision_fault fault) { assert_int_equal(ts_provision_check(&provision), fault); }

static void good_ones_are_taken(void **state) {
    (void)state;
    expect_fault(TS_PROVISION_OK);
    provision.ca[0] = provision.prefix[0] = '\0';
    expect_fault(TS_PROVISION_OK);
    provision.id[0] = provision.secret[0] = '\0';
    expect_fault(TS_PROVISION_MISSING);
    strcpy(provision.code, "K7QM2-9XPD4-1TZQA-8RWN3");
    expect_fault(TS_PROVISION_OK);
}

static void each_fault_is_told(void **state) {
    (void)state;
    provision.secret[0] = '\0';
    expect_fault(TS_PROVISION_MISSING);
    strcpy(provision.code, "K7QM2");
    expect_fault(TS_PROVISION_CODE);
    strcpy(provision.code, "K7QM2-9XPD4-1TZQA-8RWNU"); /* a u is not in the alphabet */
    expect_fault(TS_PROVISION_CODE);
    (void)setup(state);
    strcpy(provision.uri, "http://broker.lan");
    expect_fault(TS_PROVISION_URI);
    (void)setup(state);
    strcpy(provision.ca, "certificate");
    expect_fault(TS_PROVISION_CA);
    (void)setup(state);
    strcpy(provision.prefix, "lab");
    expect_fault(TS_PROVISION_PREFIX);
    (void)setup(state);
    strcpy(provision.id, "Scale");
    expect_fault(TS_PROVISION_ID);
    (void)setup(state);
    strcpy(provision.secret, "a\nb");
    expect_fault(TS_PROVISION_SECRET);
}

static void texts_without_an_end_are_faults(void **state) {
#define ENDLESS(field, fault)                                                                                          \
    (void)setup(state);                                                                                                \
    memset(provision.field, 'a', sizeof provision.field);                                                              \
    expect_fault(fault)
    ENDLESS(uri, TS_PROVISION_URI);
    ENDLESS(ca, TS_PROVISION_CA);
    ENDLESS(prefix, TS_PROVISION_PREFIX);
    ENDLESS(id, TS_PROVISION_ID);
    ENDLESS(secret, TS_PROVISION_SECRET);
    ENDLESS(code, TS_PROVISION_CODE);
#undef ENDLESS
}

static void expect_uri(const char *uri, const char *host, uint16_t port, bool tls) {
    char read[32];
    uint16_t read_port = 0;
    bool read_tls = !tls;
    assert_true(ts_uri_read(uri, read, sizeof read, &read_port, &read_tls));
    assert_string_equal(read, host);
    assert_int_equal(read_port, port);
    assert_int_equal(read_tls, tls);
}

static void addresses_are_read(void **state) {
    static const char *const bad[] = {
        "",
        "mqtt://",
        "mqtt://:1883",
        "mqtt://a:",
        "mqtt://a:0",
        "mqtt://a:65536",
        "mqtt://a:x",
        "mqtt://a/b",
        "mqtt://u:p@a",
        "mqtt://a b",
        "mqtt://[::1",
        "mqtt://[]:1",
        "ws://a",
        "mqtt//a:1883",
        "mqtt://a:1883/",
        "mqtts://[::1]1883",
        "mqtt://a:4294967297",
        "mqtt://a-name-that-is-longer-than-there-is-room",
    };
    char host[32];
    uint16_t port;
    bool tls;
    (void)state;
    expect_uri("mqtt://192.168.1.7:1884", "192.168.1.7", 1884, false);
    expect_uri("mqtt://broker", "broker", 1883, false);
    expect_uri("mqtts://Broker-1.lan", "Broker-1.lan", 8883, true);
    expect_uri("mqtts://[fd00::7]:65535", "fd00::7", 65535, true);
    expect_uri("mqtt://[::1]", "::1", 1883, false);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        if (ts_uri_read(bad[i], host, sizeof host, &port, &tls)) fail_msg("taken: %s", bad[i]);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(good_ones_are_taken, setup),
        cmocka_unit_test_setup(each_fault_is_told, setup),
        cmocka_unit_test_setup(texts_without_an_end_are_faults, setup),
        cmocka_unit_test(addresses_are_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
