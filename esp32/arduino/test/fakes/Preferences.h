/* NVS. Written from https://docs.espressif.com/projects/arduino-esp32/en/latest/api/preferences.html. */
#ifndef FAKE_PREFERENCES_H
#define FAKE_PREFERENCES_H

#include "Arduino.h"

class Preferences {
public:
    bool begin(const char *name, bool readOnly = false, const char *partition = NULL) {
        _open = fake::chip.flashWorks && strlen(name) <= 15 && partition == NULL;
        _readOnly = readOnly;
        return _open;
    }
    bool isKey(const char *key) { return fake::chip.texts.count(key) > 0 || fake::chip.numbers.count(key) > 0; }
    bool remove(const char *key) { return writable(key) && fake::chip.texts.erase(key) > 0; }
    size_t putULong(const char *key, uint32_t value) {
        if (!writable(key)) return 0;
        fake::chip.numbers[key] = value;
        return 4;
    }
    uint32_t getULong(const char *key, uint32_t absent = 0) {
        return fake::chip.numbers.count(key) > 0 ? fake::chip.numbers[key] : absent;
    }
    size_t putString(const char *key, const char *value) {
        if (!writable(key)) return 0;
        fake::chip.texts[key] = value;
        return strlen(value);
    }
    /* Returns the size with the terminator; 0, and nothing is written, where it is absent or there is no room. */
    size_t getString(const char *key, char *value, size_t room) {
        if (fake::chip.texts.count(key) == 0 || fake::chip.texts[key].size() + 1 > room) return 0;
        memcpy(value, fake::chip.texts[key].c_str(), fake::chip.texts[key].size() + 1);
        return fake::chip.texts[key].size() + 1;
    }

private:
    bool writable(const char *key) { return _open && !_readOnly && fake::chip.flashWorks && strlen(key) <= 15; }
    bool _open = false;
    bool _readOnly = false;
};

#endif
