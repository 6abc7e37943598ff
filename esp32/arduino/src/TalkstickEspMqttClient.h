/* The transport to take: espMqttClient 1.7 or later by Bert Melis. It publishes at QoS 1, shows every acknowledgement,
 * takes messages in pieces, and does all that waits in a task of its own.
 *
 * Its callbacks run in that task. They do no more than put into the inbox; all else happens in the loop of the sketch.
 */
#ifndef TALKSTICK_ESPMQTTCLIENT_H
#define TALKSTICK_ESPMQTTCLIENT_H

#include <Arduino.h>
#include <espMqttClient.h>

#include <atomic>

#include "TalkstickInbox.h"
#include "TalkstickTransport.h"

/* Common to both; take TalkstickEspMqttClient for mqtt:// or TalkstickEspMqttClientSecure for mqtts://. */
template <class Client> class TalkstickEspMqtt : public TalkstickTransport {
public:
    static const size_t USUAL_BYTES = 4096;

    /* `bytes`: the inbox, and so the largest message, topic included, but for SPARE. */
    explicit TalkstickEspMqtt(size_t bytes = USUAL_BYTES)
        : _bytes(bytes), _heard(false), _connected(false), _dropping(false), _full(false), _tooLarge(false),
          _leaving(false), _since(0), _pending(false), _way() {}

    const char *begin(const TalkstickLogin &login) override {
        const char *fault = fitLogin(login);
        if (fault != NULL) return fault;
        if (longestTopic(login) > EMC_MAX_TOPIC_LENGTH)
            return "id and prefix are too long: define EMC_MAX_TOPIC_LENGTH";
        if (_bytes < 2 * SPARE || !_inbox.begin(_bytes)) return "the inbox is too small, or there is not enough memory";
        _client.setServer(login.host, login.port);
        _client.setClientId(login.name);
        _client.setCredentials(login.name, login.secret);
        _client.setCleanSession(true);
        if (!_heard) listen();
        _heard = true;
        return NULL;
    }

    uint32_t maxPayload() const override { return static_cast<uint32_t>(_bytes - SPARE - TS_TOPIC_BYTES); }

    void connect(const char *topic, const ts_text &will) override {
        forgetWay();
        _leaving = false;
        _full = false;
        const bool kept = keepWill(topic, will);
        if (_willTopic[0] != '\0') _client.setWill(_willTopic, 1, true, _will);
        _client.clearQueue(true); // what was meant for the last connection; the core says again what still counts
        _pending = !kept || !_client.connect();
    }

    void disconnect() override {
        _leaving = true;
        _since = millis();
        _client.disconnect(false);
    }

    TalkstickSent subscribe(const char *topic, uint8_t qos, uint16_t token) override {
        if (!roomOnWay()) return TalkstickSent::No;
        return remember(_client.subscribe(topic, qos), token);
    }

    TalkstickSent publish(const char *topic, const ts_text &data, uint8_t qos, bool retained, uint16_t token) override {
        if (qos > 0 && !roomOnWay()) return TalkstickSent::No;
        const uint8_t *bytes = reinterpret_cast<const uint8_t *>(data.data);
        const uint16_t packet = _client.publish(topic, qos, retained, bytes, data.size);
        if (qos == 0) return packet != 0 ? TalkstickSent::Done : TalkstickSent::No;
        return remember(packet, token);
    }

    bool poll(ts_event &event) override {
        if (_pending) {
            _pending = false;
            event = ts_event();
            event.kind = TS_EV_LOST;
            return true;
        }
        while (_inbox.take(event)) {
            if (event.kind == TS_EV_LOST || event.kind == TS_EV_REFUSED) {
                forgetWay();
                _leaving = false;
            }
            if (event.kind != TS_EV_ACCEPTED && event.kind != TS_EV_SUBSCRIBED) return true;
            if (arrived(event)) return true;
        }
        // Some message found no room: a new connection tells all that is retained again.
        if (_full.exchange(false)) _client.disconnect(true);
        return _leaving && leave(event);
    }

    bool droppedTooLarge() override { return _tooLarge.exchange(false); }

protected:
    /* Look whether the client can do what the login asks for. */
    virtual const char *fitLogin(const TalkstickLogin &login) = 0;

    Client _client;

private:
    static const size_t WAY = 16;               // messages and subscriptions that wait for an acknowledgement
    static const size_t SPARE = (WAY + 4) * 28; // room that messages leave for acknowledgements, and for the end
    static const uint32_t GOODBYE_MS = 5000;

    struct OnWay {
        uint16_t packet; // 0: free
        uint16_t token;
    };

    // -- In the task of the loop --

    /* Return the longest topic that may come. A longer one than the client is made for would confuse it. */
    static size_t longestTopic(const TalkstickLogin &login) {
        const size_t name = strlen(login.name);
        const size_t command = strlen("devices//command/") + name + TS_MAX_ID; // the holder chooses its name
        const size_t reply = strlen("devices//session/reply/") + 2 * name;
        return strlen(login.prefix) + (command > reply ? command : reply);
    }

    /* A goodbye waits for all acknowledgements, and might wait for ever: then insist, and in the end give up. */
    bool leave(ts_event &event) {
        const uint32_t waited = millis() - _since;
        if (waited > GOODBYE_MS) _client.disconnect(true);
        if (waited <= 2 * GOODBYE_MS) return false;
        forgetWay();
        _leaving = false;
        event = ts_event();
        event.kind = TS_EV_LOST;
        return true;
    }

    void forgetWay() {
        for (OnWay &way : _way) way.packet = 0;
    }

    bool roomOnWay() const {
        for (const OnWay &way : _way) {
            if (way.packet == 0) return true;
        }
        return false;
    }

    TalkstickSent remember(uint16_t packet, uint16_t token) {
        if (packet == 0) return TalkstickSent::No;
        for (OnWay &way : _way) {
            if (way.packet != 0) continue;
            way.packet = packet;
            way.token = token;
            break;
        }
        return TalkstickSent::Later;
    }

    /* Put the token of the core in the place of the number of the packet. Returns whether it was waited for. */
    bool arrived(ts_event &event) {
        for (OnWay &way : _way) {
            if (way.packet == 0 || way.packet != event.token) continue;
            way.packet = 0;
            event.token = way.token;
            return true;
        }
        return false;
    }

    // -- In the task of the client --

    void listen() {
        using namespace espMqttClientTypes;
        _client.onConnect([this](bool) { tell(TS_EV_CONNECTED, 0, true, 0); });
        _client.onDisconnect([this](DisconnectReason reason) { lost(static_cast<uint8_t>(reason)); });
        _client.onSubscribe([this](uint16_t packet, const SubscribeReturncode *codes, size_t count) {
            tell(TS_EV_SUBSCRIBED, packet, count > 0 && codes[0] != SubscribeReturncode::FAIL, 0);
        });
        _client.onPublish([this](uint16_t packet) { tell(TS_EV_ACCEPTED, packet, true, 0); });
        _client.onMessage([this](const MessageProperties &properties, const char *topic, const uint8_t *data,
                                 size_t size, size_t at,
                                 size_t total) { receive(properties, topic, data, size, at, total); });
    }

    void tell(ts_event_kind kind, uint16_t packet, bool on, uint32_t number) {
        if (kind == TS_EV_CONNECTED) _connected = true;
        ts_event event = ts_event();
        event.kind = kind;
        event.on = on;
        event.token = packet;
        event.number = number;
        _inbox.put(event);
    }

    /* The reasons 1 to 5 are the codes of a CONNACK, where there was one. */
    void lost(uint8_t reason) {
        const bool refused = !_connected && reason >= 1 && reason <= 5;
        _connected = false;
        _dropping = false;
        tell(refused ? TS_EV_REFUSED : TS_EV_LOST, 0, false, reason);
    }

    void receive(const espMqttClientTypes::MessageProperties &properties, const char *topic, const uint8_t *data,
                 size_t size, size_t at, size_t total) {
        if (at == 0) {
            ts_event event = ts_event();
            event.kind = TS_EV_MESSAGE;
            event.on = properties.retain;
            event.topic.data = topic;
            event.topic.size = strlen(topic);
            _dropping = !_inbox.open(event, total, SPARE);
            const bool never = !_inbox.couldHold(event.topic.size, total, SPARE);
            if (_dropping) (never ? _tooLarge : _full) = true;
        }
        if (_dropping) return;
        _inbox.fill(at, data, size);
        if (at + size == total) _inbox.close();
    }

    size_t _bytes;
    bool _heard;
    bool _connected;             // for the task of the client, as is the next
    bool _dropping;              // the message that comes in pieces is not kept
    std::atomic<bool> _full;     // a message was dropped that would have fitted
    std::atomic<bool> _tooLarge; // one was dropped that never will
    bool _leaving;
    uint32_t _since;
    bool _pending; // the attempt to connect could not even be made
    OnWay _way[WAY];
    TalkstickInbox _inbox;
};

/* For mqtt://. */
class TalkstickEspMqttClient : public TalkstickEspMqtt<espMqttClient> {
public:
    using TalkstickEspMqtt<espMqttClient>::TalkstickEspMqtt;

protected:
    const char *fitLogin(const TalkstickLogin &login) override {
        return login.tls ? "mqtts:// needs a TalkstickEspMqttClientSecure" : NULL;
    }
};

/* For mqtts://. */
class TalkstickEspMqttClientSecure : public TalkstickEspMqtt<espMqttClientSecure> {
public:
    using TalkstickEspMqtt<espMqttClientSecure>::TalkstickEspMqtt;

protected:
    const char *fitLogin(const TalkstickLogin &login) override {
        if (!login.tls) return "mqtt:// needs a TalkstickEspMqttClient";
        if (login.authority[0] == '\0') return "mqtts:// needs the certificate of the authority";
        _client.setCACert(login.authority);
        return NULL;
    }
};

#endif
