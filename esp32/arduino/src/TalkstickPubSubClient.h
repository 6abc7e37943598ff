/* The simple transport: PubSubClient 2.8 or later by Nick O'Leary.
 *
 * What it cannot do: it publishes at QoS 0 only, so that TS_EV_ACCEPTED means no more than that the bytes were written;
 * it does not show the answer of the broker to a subscription, nor whether a message was retained; what is larger than
 * its buffer it drops without a word; and it waits while it connects, for up to 2 * TALKSTICK_WAIT_S seconds (the TLS
 * handshake another 10). It is enough for a relay on the home network. Else take TalkstickEspMqttClient.h.
 */
#ifndef TALKSTICK_PUBSUBCLIENT_H
#define TALKSTICK_PUBSUBCLIENT_H

#include <PubSubClient.h>
#include <WiFi.h>
#include <WiFiClientSecure.h>
#include <esp_task_wdt.h>

#include "TalkstickInbox.h"
#include "TalkstickTransport.h"

#ifndef TALKSTICK_WAIT_S
#define TALKSTICK_WAIT_S                                                                                               \
    3 /* for the TCP connection, and again for the answer of the broker: the watchdog bites after 5 */
#endif

class TalkstickPubSubClient : public TalkstickTransport {
public:
    /* The smallest buffer: what the core sends fits in. (A session document is 600 bytes plus input, output, queue.) */
    static const uint16_t LEAST_BYTES = MQTT_MAX_HEADER_SIZE + 2 + TS_TOPIC_BYTES + TS_OUT_BYTES;
    static const uint16_t USUAL_BYTES = 3072;

    explicit TalkstickPubSubClient(WiFiClient &net, uint16_t bytes = USUAL_BYTES)
        : _plain(&net), _secure(NULL), _mqtt(net), _bytes(bytes), _up(false), _pending(false), _outcome() {}

    /* For mqtts://. */
    explicit TalkstickPubSubClient(WiFiClientSecure &net, uint16_t bytes = USUAL_BYTES)
        : _plain(NULL), _secure(&net), _mqtt(net), _bytes(bytes), _up(false), _pending(false), _outcome() {}

    const char *begin(const TalkstickLogin &login) override {
        _login = login;
        if (login.tls != (_secure != NULL)) return "mqtt:// needs a WiFiClient, mqtts:// a WiFiClientSecure";
        if (_bytes < LEAST_BYTES) return "the buffer of PubSubClient is too small";
        if (!_mqtt.setBufferSize(_bytes) || !_inbox.begin(_bytes + 64u)) return "there is not enough memory";
        if (_secure != NULL) {
            if (login.authority[0] == '\0') return "mqtts:// needs the certificate of the authority";
            _secure->setCACert(login.authority);
            _secure->setHandshakeTimeout(10);
        }
        _mqtt.setServer(login.host, login.port);
        _mqtt.setSocketTimeout(TALKSTICK_WAIT_S);
        _mqtt.setCallback([this](char *topic, uint8_t *data, unsigned int size) { receive(topic, data, size); });
        return NULL;
    }

    uint32_t maxPayload() const override { return _bytes - MQTT_MAX_HEADER_SIZE - 2u - TS_TOPIC_BYTES; }

    void connect(const char *topic, const ts_text &will) override {
        const bool kept = keepWill(topic, will);
        feedWatchdog();
        bool up = kept && reach();
        feedWatchdog();
        if (up) {
            const char *const where = _willTopic[0] == '\0' ? NULL : _willTopic;
            up = _mqtt.connect(_login.name, _login.name, _login.secret, where, 1, true, where == NULL ? NULL : _will,
                               true);
            feedWatchdog();
            const int state = _mqtt.state();
            if (!up && state > MQTT_CONNECTED) return finish(TS_EV_REFUSED, static_cast<uint32_t>(state));
        }
        _up = up;
        finish(up ? TS_EV_CONNECTED : TS_EV_LOST, 0);
    }

    void disconnect() override { _mqtt.disconnect(); }

    TalkstickSent subscribe(const char *topic, uint8_t qos, uint16_t token) override {
        (void)token;
        return _mqtt.subscribe(topic, qos) ? TalkstickSent::Done : TalkstickSent::No;
    }

    TalkstickSent publish(const char *topic, const ts_text &data, uint8_t qos, bool retained, uint16_t token) override {
        (void)qos;
        (void)token;
        const uint8_t *bytes = reinterpret_cast<const uint8_t *>(data.data);
        feedWatchdog(); // a full TCP window makes the write wait
        const bool sent = _mqtt.publish(topic, bytes, static_cast<unsigned int>(data.size), retained);
        return sent ? TalkstickSent::Done : TalkstickSent::No;
    }

    bool poll(ts_event &event) override {
        if (_pending) {
            _pending = false;
            event = _outcome;
            return true;
        }
        if (_inbox.take(event)) return true;
        if (!_up) return false;
        _up = _mqtt.loop();
        if (_inbox.take(event)) return true;
        if (_up) return false;
        event = ts_event();
        event.kind = TS_EV_LOST;
        return true;
    }

private:
    /* Make the TCP connection here, since PubSubClient would wait for as long as the network likes. */
    bool reach() {
        const int32_t wait = TALKSTICK_WAIT_S * 1000;
        return (_secure != NULL ? _secure->connect(_login.host, _login.port, wait)
                                : _plain->connect(_login.host, _login.port, wait)) == 1;
    }

    /* Copy a message out of the buffer, which everything that is sent overwrites. There is room: the inbox is empty,
     * and as large as the buffer. Should PubSubClient ever give more than one at a time, a new connection helps. */
    void receive(const char *topic, const uint8_t *data, unsigned int size) {
        ts_event event = ts_event();
        event.kind = TS_EV_MESSAGE;
        event.topic.data = topic;
        event.topic.size = strlen(topic);
        event.data.data = reinterpret_cast<const char *>(data);
        event.data.size = size;
        if (!_inbox.put(event)) _mqtt.disconnect();
    }

    void finish(ts_event_kind kind, uint32_t number) {
        _outcome = ts_event();
        _outcome.kind = kind;
        _outcome.number = number;
        _pending = true;
    }

    /* The loop is watched only where the sketch asked for it: enableLoopWDT(). */
    static void feedWatchdog() {
        if (esp_task_wdt_status(NULL) == ESP_OK) esp_task_wdt_reset();
    }

    WiFiClient *_plain;
    WiFiClientSecure *_secure;
    PubSubClient _mqtt;
    uint16_t _bytes;
    bool _up;
    bool _pending;
    ts_event _outcome;
    TalkstickLogin _login;
    TalkstickInbox _inbox;
};

#endif
