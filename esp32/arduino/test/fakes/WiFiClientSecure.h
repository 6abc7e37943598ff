/* Written from libraries/NetworkClientSecure of https://github.com/espressif/arduino-esp32. */
#ifndef FAKE_WIFICLIENTSECURE_H
#define FAKE_WIFICLIENTSECURE_H

#include "WiFi.h"

class WiFiClientSecure : public WiFiClient {
public:
    void setCACert(const char *pem) { fake::broker.authority = pem; }
    void setHandshakeTimeout(unsigned long) {}
};

#endif
