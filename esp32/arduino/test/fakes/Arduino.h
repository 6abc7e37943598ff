/* So much of Arduino for the ESP32 as the library and its examples use, for a PC. Written from
 * https://docs.espressif.com/projects/arduino-esp32/ and https://www.arduino.cc/reference/en/. */
#ifndef FAKE_ARDUINO_H
#define FAKE_ARDUINO_H

#include <algorithm>
#include <math.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fake.h"

#define ESP32 1
#define ARDUINO 10819
#define LOW 0x0
#define HIGH 0x1
#define INPUT 0x01
#define OUTPUT 0x03
#define INPUT_PULLUP 0x05
#define INPUT_PULLDOWN 0x09

typedef uint8_t byte;
typedef bool boolean;
typedef int esp_err_t;
#define ESP_OK 0
#define ESP_ERR_NOT_FOUND 0x105

using std::min;
inline unsigned long millis() { return fake::chip.now; }
inline void delay(uint32_t ms) { fake::chip.now += ms; }
inline void pinMode(uint8_t pin, uint8_t mode) {
    if (mode == OUTPUT && fake::chip.modes[pin] != OUTPUT) fake::chip.first[pin] = fake::chip.pins[pin];
    fake::chip.modes[pin] = mode;
}
inline void digitalWrite(uint8_t pin, uint8_t level) { fake::chip.pins[pin] = level; }
inline int digitalRead(uint8_t pin) { return fake::chip.pins[pin]; }

class SerialClass {
public:
    void begin(unsigned long) {}
    size_t print(const char *text) { return write(text, strlen(text)); }
    size_t println(const char *text) { return print(text) + print("\n"); }
    size_t write(const char *text, size_t size) {
        fake::chip.serial.append(text, size);
        return size;
    }
    size_t printf(const char *format, ...) __attribute__((format(printf, 2, 3))) {
        char text[256];
        va_list arguments;
        va_start(arguments, format);
        vsnprintf(text, sizeof(text), format, arguments);
        va_end(arguments);
        return print(text);
    }
};
extern SerialClass Serial;

class EspClass {
public:
    void restart() { fake::chip.restarts++; } // the real one does not return
    uint64_t getEfuseMac() { return 0x665544332211ULL; }
};
extern EspClass ESP;

#endif
