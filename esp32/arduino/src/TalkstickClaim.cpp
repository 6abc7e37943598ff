/* A board that has a claim code instead of credentials: it asks for them once, keeps them, and starts anew. */
#include "Talkstick.h"

#include <Arduino.h>
#include <mbedtls/md.h>
#include <stdio.h>

/* The address that is burnt into the chip, as 12 hexadecimal digits. */
static void macOf(char (&mac)[13]) {
    const uint64_t address = ESP.getEfuseMac(); // its first byte is the lowest
    for (int at = 0; at < 6; at++) {
        snprintf(mac + 2 * at, 3, "%02x", static_cast<unsigned>((address >> (8 * at)) & 0xFF));
    }
}

const char *Talkstick::claim() {
    char nonce[TS_NONCE_BYTES];
    char mac[13];
    macOf(mac);
    if (!_store.nonce(nonce)) return "the flash memory (NVS) cannot be written";
    if (!ts_claim_init(&_claim, _provision.code, _provision.prefix, mac, nonce, esp_random(), millis())) {
        return "the claim code is bad";
    }
    const char *const name = ts_claim_username(&_claim);
    const char *const password = ts_claim_password(&_claim);
    const TalkstickLogin login = {_host, _port, _tls, _provision.ca, _provision.prefix, name, password};
    const char *fault = _transport.begin(login);
    if (fault == NULL) _mode = Mode::Claiming;
    return fault;
}

void Talkstick::lookAtClaim() {
    const ts_claim_state state = ts_claim_state_of(&_claim);
    if (state == TS_CLAIM_TRYING) return;
    _mode = Mode::Off;
    if (state == TS_CLAIM_REFUSED) {
        _fault = "the claim code is wrong, used, or too old";
        note(TS_CODE_FORBIDDEN, "");
        return;
    }
    const char *key = ts_claim_key(&_claim);
    const char *message = ts_claim_message(&_claim);
    unsigned char hash[32];
    if (mbedtls_md_hmac(mbedtls_md_info_from_type(MBEDTLS_MD_SHA256), reinterpret_cast<const unsigned char *>(key),
                        strlen(key), reinterpret_cast<const unsigned char *>(message), strlen(message), hash) != 0) {
        _fault = "the secret cannot be made";
        return;
    }
    char secret[2 * sizeof(hash) + 1];
    for (size_t at = 0; at < sizeof(hash); at++) snprintf(secret + 2 * at, 3, "%02x", hash[at]);
    if (!_store.saveClaim(ts_claim_id(&_claim), secret)) {
        _fault = "the flash memory (NVS) cannot be written";
        return;
    }
    ESP.restart();
}
