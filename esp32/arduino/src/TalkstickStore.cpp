#include "TalkstickStore.h"

#include <Arduino.h>
#include <stdio.h>

bool TalkstickStore::begin() { return _flash.begin(TS_NVS_NAMESPACE, false); }

template <size_t Size> void TalkstickStore::read(const char *key, char (&text)[Size]) {
    text[0] = '\0';
    if (_flash.isKey(key) && _flash.getString(key, text, Size) == 0) text[0] = '\0';
}

void TalkstickStore::load(ts_provision &provision) {
    read(TS_NVS_KEY_URI, provision.uri);
    read(TS_NVS_KEY_CA, provision.ca);
    read(TS_NVS_KEY_PREFIX, provision.prefix);
    read(TS_NVS_KEY_ID, provision.id);
    read(TS_NVS_KEY_SECRET, provision.secret);
    read(TS_NVS_KEY_CODE, provision.code);
}

void TalkstickStore::load(TalkstickWifi &wifi) {
    read(TS_NVS_KEY_WIFI_SSID, wifi.ssid);
    read(TS_NVS_KEY_WIFI_PASS, wifi.pass);
}

uint32_t TalkstickStore::boot() { return _flash.getULong(TS_NVS_KEY_BOOT, 0); }

bool TalkstickStore::saveBoot(uint32_t number) { return _flash.putULong(TS_NVS_KEY_BOOT, number) == sizeof(uint32_t); }

bool TalkstickStore::nonce(char (&nonce)[TS_NONCE_BYTES]) {
    read(TS_NVS_KEY_NONCE, nonce);
    if (strlen(nonce) == TS_NONCE_BYTES - 1) return true;
    for (size_t at = 0; at + 8 < TS_NONCE_BYTES; at += 8) {
        snprintf(nonce + at, 9, "%08lx", static_cast<unsigned long>(esp_random()));
    }
    return _flash.putString(TS_NVS_KEY_NONCE, nonce) == strlen(nonce);
}

bool TalkstickStore::saveClaim(const char *id, const char *secret) {
    // The code goes last: should the power fail in between, the board asks again and is told the same.
    if (_flash.putString(TS_NVS_KEY_SECRET, secret) == 0 || _flash.putString(TS_NVS_KEY_ID, id) == 0) return false;
    _flash.remove(TS_NVS_KEY_CODE);
    _flash.remove(TS_NVS_KEY_NONCE);
    return true;
}

void TalkstickStore::forget() {
    static const char *const KEYS[] = {TS_NVS_KEY_ID,     TS_NVS_KEY_SECRET,    TS_NVS_KEY_CODE,
                                       TS_NVS_KEY_NONCE,  TS_NVS_KEY_URI,       TS_NVS_KEY_CA,
                                       TS_NVS_KEY_PREFIX, TS_NVS_KEY_WIFI_SSID, TS_NVS_KEY_WIFI_PASS};
    for (const char *key : KEYS) {
        if (_flash.isKey(key)) _flash.remove(key);
    }
}
