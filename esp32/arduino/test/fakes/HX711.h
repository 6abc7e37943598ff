/* A load cell amplifier. Written from the README and the source of https://github.com/bogde/HX711. */
#ifndef FAKE_HX711_H
#define FAKE_HX711_H

#include "Arduino.h"

class HX711 {
public:
    void begin(byte dout, byte, byte = 128) {
        _dout = dout;
        pinMode(dout, INPUT);
        raw();
    }
    bool is_ready() { return digitalRead(_dout) == LOW; } // a test takes it away by a high level
    void set_scale(float scale) { _scale = scale; }
    void tare(byte = 10) { _offset = raw(); }
    float get_units(byte = 1) { return static_cast<float>(raw() - _offset) / _scale; }

private:
    long raw() {
        if (!is_ready()) fake::chip.stuck++;
        return fake::chip.weighed;
    }
    byte _dout = 0;
    long _offset = 0;
    float _scale = 1;
};

#endif
