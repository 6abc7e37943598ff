/* What the board keeps in flash memory: what it was provisioned with, and the number of its last connections. The
 * namespace and the keys are those of the ESP-IDF firmware, so that `talkstick device add --nvs` serves both.
 */
#ifndef TALKSTICK_STORE_H
#define TALKSTICK_STORE_H

#include <Arduino.h>
#include <Preferences.h>
#if __has_include(<esp_random.h>) // since ESP-IDF 5; before it Arduino.h has it
#include <esp_random.h>
#endif

#include "core/talkstick_claim.h"

/* The access to the Wi-Fi; "": the sketch sees to the network. */
struct TalkstickWifi {
    char ssid[TS_NVS_MAX_WIFI_SSID + 1];
    char pass[TS_NVS_MAX_WIFI_PASS + 1];
};

class TalkstickStore {
public:
    /* Open it. Returns false where the flash memory cannot be used. */
    bool begin();

    /* Read what is there; a text that is absent, or too long, is "". */
    void load(ts_provision &provision);
    void load(TalkstickWifi &wifi);

    uint32_t boot();
    bool saveBoot(uint32_t number);

    /* The nonce of a claim: made once, and the same until the claim is over. 32 hexadecimal digits. */
    bool nonce(char (&nonce)[TS_NONCE_BYTES]);

    /* A claim was granted: keep id and secret, and burn the code. */
    bool saveClaim(const char *id, const char *secret);

    /* Factory reset. The boot number stays: a board that comes back must not count from the beginning. */
    void forget();

private:
    template <size_t Size> void read(const char *key, char (&text)[Size]);
    Preferences _flash;
};

#endif
