/* PubSubClient 2.8: one buffer for what comes and what goes, no acknowledgements, QoS 0 only. Written from
 * https://pubsubclient.knolleary.net/api and the behaviour that its issues describe. */
#ifndef FAKE_PUBSUBCLIENT_H
#define FAKE_PUBSUBCLIENT_H

#include <functional>

#include "WiFi.h"

#define MQTT_MAX_HEADER_SIZE 5
#define MQTT_CONNECTION_LOST -3
#define MQTT_DISCONNECTED -1
#define MQTT_CONNECTED 0

class PubSubClient {
public:
    explicit PubSubClient(Client &) : _buffer(256, 0) {}
    PubSubClient &setServer(const char *, uint16_t) { return *this; }
    PubSubClient &setCallback(std::function<void(char *, uint8_t *, unsigned int)> callback) {
        _callback = callback;
        return *this;
    }
    PubSubClient &setSocketTimeout(uint16_t) { return *this; }
    bool setBufferSize(uint16_t size);
    bool connect(const char *id, const char *user, const char *pass, const char *willTopic, uint8_t willQos,
                 bool willRetain, const char *willMessage, bool cleanSession);
    void disconnect();
    bool connected();
    int state() { return _state; }
    bool subscribe(const char *topic, uint8_t qos);
    bool publish(const char *topic, const uint8_t *payload, unsigned int length, bool retained);
    bool loop();

private:
    std::vector<char> _buffer;
    int _state = MQTT_DISCONNECTED;
    std::function<void(char *, uint8_t *, unsigned int)> _callback;
};

#endif
