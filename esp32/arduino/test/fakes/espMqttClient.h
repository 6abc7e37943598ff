/* espMqttClient 1.7. Its task does not run by itself: fake::runTasks() is one round of it. Written from
 * https://www.emelis.net/espMqttClient/. */
#ifndef FAKE_ESPMQTTCLIENT_H
#define FAKE_ESPMQTTCLIENT_H

#include <functional>

#include "Arduino.h"

#define EMC_MAX_TOPIC_LENGTH 128

namespace espMqttClientTypes {

enum class DisconnectReason : uint8_t {
    USER_OK = 0,
    MQTT_UNACCEPTABLE_PROTOCOL_VERSION = 1,
    MQTT_IDENTIFIER_REJECTED = 2,
    MQTT_SERVER_UNAVAILABLE = 3,
    MQTT_MALFORMED_CREDENTIALS = 4,
    MQTT_NOT_AUTHORIZED = 5,
    TLS_BAD_FINGERPRINT = 6,
    TCP_DISCONNECTED = 7
};
enum class SubscribeReturncode : uint8_t { QOS0 = 0x00, QOS1 = 0x01, QOS2 = 0x02, FAIL = 0x80 };
struct MessageProperties {
    uint8_t qos;
    bool dup;
    bool retain;
    uint16_t packetId;
};

} // namespace espMqttClientTypes

class MqttClient {
public:
    MqttClient();
    virtual ~MqttClient();
    bool connect();
    bool disconnect(bool force = false);
    uint16_t subscribe(const char *topic, uint8_t qos);
    uint16_t publish(const char *topic, uint8_t qos, bool retain, const uint8_t *payload, size_t length);
    void clearQueue(bool deleteSessionData = false);

    // For tests
    void run();
    bool refuses = false; // there is no memory for another message
    bool stuck = false;   // its task does not run
    size_t waiting() const { return _outbox.size(); }
    static std::vector<MqttClient *> &all();

protected:
    enum State { DOWN, CONNECTING, UP, LEAVING, FORCED };
    struct Packet {
        uint16_t number;
        bool subscription;
        fake::Message message;
        bool sent;
    };
    void arrive();
    void sendAll();
    void receiveAll();

    State _state = DOWN;
    uint16_t _packet = 7000; // no number of the core's
    std::vector<Packet> _outbox;
    const char *_clientId = NULL, *_user = NULL, *_password = NULL, *_willTopic = NULL, *_will = NULL;
    uint8_t _willQos = 0;
    bool _willRetain = false, _cleanSession = false;
    std::function<void(bool)> _onConnect;
    std::function<void(espMqttClientTypes::DisconnectReason)> _onDisconnect;
    std::function<void(uint16_t, const espMqttClientTypes::SubscribeReturncode *, size_t)> _onSubscribe;
    std::function<void(uint16_t)> _onPublish;
    std::function<void(const espMqttClientTypes::MessageProperties &, const char *, const uint8_t *, size_t, size_t,
                       size_t)>
        _onMessage;
};

template <typename T> class MqttClientSetup : public MqttClient {
public:
    T &setServer(const char *host, uint16_t port) {
        fake::broker.host = host;
        fake::broker.port = port;
        return self();
    }
    T &setClientId(const char *id) {
        _clientId = id;
        return self();
    }
    T &setCredentials(const char *user, const char *password) {
        _user = user;
        _password = password;
        return self();
    }
    T &setCleanSession(bool clean) {
        _cleanSession = clean;
        return self();
    }
    T &setWill(const char *topic, uint8_t qos, bool retain, const char *payload) {
        _willTopic = topic;
        _willQos = qos;
        _willRetain = retain;
        _will = payload;
        return self();
    }
    T &onConnect(decltype(_onConnect) call) {
        _onConnect = call;
        return self();
    }
    T &onDisconnect(decltype(_onDisconnect) call) {
        _onDisconnect = call;
        return self();
    }
    T &onSubscribe(decltype(_onSubscribe) call) {
        _onSubscribe = call;
        return self();
    }
    T &onPublish(decltype(_onPublish) call) {
        _onPublish = call;
        return self();
    }
    T &onMessage(decltype(_onMessage) call) {
        _onMessage = call;
        return self();
    }

private:
    T &self() { return static_cast<T &>(*this); }
};

class espMqttClient : public MqttClientSetup<espMqttClient> {};

class espMqttClientSecure : public MqttClientSetup<espMqttClientSecure> {
public:
    espMqttClientSecure &setCACert(const char *pem) {
        fake::broker.authority = pem;
        return *this;
    }
};

#endif
