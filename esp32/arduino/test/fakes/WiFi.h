/* Written from https://docs.espressif.com/projects/arduino-esp32/en/latest/api/wifi.html. */
#ifndef FAKE_WIFI_H
#define FAKE_WIFI_H

#include "Arduino.h"

enum wifi_mode_t { WIFI_OFF, WIFI_STA };
enum wl_status_t { WL_CONNECTED = 3, WL_DISCONNECTED = 6 };

class WiFiClass {
public:
    bool mode(wifi_mode_t) { return true; }
    wifi_mode_t getMode() { return fake::chip.ssid.empty() ? WIFI_OFF : WIFI_STA; }
    bool setAutoReconnect(bool) { return true; }
    wl_status_t begin(const char *ssid, const char *) {
        fake::chip.ssid = ssid;
        return WL_CONNECTED;
    }
    wl_status_t status() { return fake::chip.ssid.empty() ? WL_DISCONNECTED : WL_CONNECTED; }
};
extern WiFiClass WiFi;

class Client {
public:
    virtual ~Client() {}
};

class WiFiClient : public Client {
public:
    int connect(const char *host, uint16_t port, int32_t) {
        fake::broker.host = host;
        fake::broker.port = port;
        return fake::broker.reachable ? 1 : 0;
    }
};

#endif
