/* A load cell amplifier. Written from the README of https://github.com/bogde/HX711. */
#ifndef FAKE_HX711_H
#define FAKE_HX711_H

#include "Arduino.h"

class HX711 {
public:
    void begin(byte dout, byte, byte = 128) { _dout = dout; }
    bool is_ready() { return true; }
    void set_scale(float scale) { _scale = scale; }
    void tare(byte = 10) { _offset = raw(); }
    float get_units(byte = 1) { return static_cast<float>(raw() - _offset) / _scale; }

private:
    long raw() { return fake::chip.pins[_dout]; } // a test sets the level of the pin to what is weighed
    byte _dout = 0;
    long _offset = 0;
    float _scale = 1;
};

#endif
