#include "fake.h"

#include <string.h>

#include "Arduino.h"
#include "PubSubClient.h"
#include "SPI.h"
#include "WiFi.h"
#include "espMqttClient.h"
#include "esp_task_wdt.h"
#include "mbedtls/md.h"

fake::Chip fake::chip;
fake::Broker fake::broker;
SerialClass Serial;
EspClass ESP;
WiFiClass WiFi;
SPIClass SPI;

void fake::reset() {
    chip = Chip();
    broker = Broker();
}

const fake::Message *fake::Broker::last(const std::string &topic) const {
    for (size_t at = published.size(); at > 0; at--) {
        if (published[at - 1].topic == topic) return &published[at - 1];
    }
    return NULL;
}

int fake::Broker::count(const std::string &topic) const {
    int count = 0;
    for (const Message &message : published) count += message.topic == topic;
    return count;
}

esp_err_t esp_task_wdt_status(void *) { return fake::chip.watched ? ESP_OK : ESP_ERR_NOT_FOUND; }

esp_err_t esp_task_wdt_reset() {
    fake::chip.fed++;
    if (!fake::chip.watched) fake::chip.fedWithoutBeingWatched++; // the real one writes an error to the log
    return fake::chip.watched ? ESP_OK : ESP_ERR_NOT_FOUND;
}

const mbedtls_md_info_t *mbedtls_md_info_from_type(mbedtls_md_type_t) { return NULL; }

int mbedtls_md_hmac(const mbedtls_md_info_t *, const unsigned char *key, size_t keySize, const unsigned char *input,
                    size_t size, unsigned char *output) {
    fake::chip.signedKey.assign(reinterpret_cast<const char *>(key), keySize);
    fake::chip.signedMessage.assign(reinterpret_cast<const char *>(input), size);
    memset(output, 0xA5, 32);
    return 0;
}

// -- PubSubClient --

static const size_t HEADER = MQTT_MAX_HEADER_SIZE + 2;

bool PubSubClient::setBufferSize(uint16_t size) {
    _buffer.assign(size, 0);
    return size > 0;
}

bool PubSubClient::connect(const char *id, const char *user, const char *pass, const char *willTopic, uint8_t willQos,
                           bool willRetain, const char *willMessage, bool cleanSession) {
    fake::Broker &broker = fake::broker;
    broker.attempts++;
    broker.clientId = id;
    broker.user = user;
    broker.password = pass;
    broker.willTopic = willTopic == NULL ? "" : willTopic;
    broker.will = willMessage == NULL ? "" : willMessage;
    broker.willQos = willQos;
    broker.willRetained = willRetain;
    broker.cleanSession = cleanSession;
    broker.subscriptions.clear();
    broker.connected = broker.connack == 0;
    _state = broker.connack;
    return broker.connected;
}

bool PubSubClient::connected() {
    if (!fake::broker.connected && _state == MQTT_CONNECTED) _state = MQTT_CONNECTION_LOST;
    return fake::broker.connected;
}

void PubSubClient::disconnect() {
    fake::broker.connected = false;
    _state = MQTT_DISCONNECTED;
}

bool PubSubClient::subscribe(const char *topic, uint8_t) {
    if (!connected()) return false;
    fake::broker.subscriptions.push_back(topic);
    return true; // whatever the broker says
}

bool PubSubClient::publish(const char *topic, const uint8_t *payload, unsigned int length, bool retained) {
    if (!connected() || HEADER + strlen(topic) + length > _buffer.size()) return false;
    const std::string where = topic, what(reinterpret_cast<const char *>(payload), length);
    std::fill(_buffer.begin(), _buffer.end(), '#'); // what was received stood in there, too
    fake::broker.published.push_back(fake::Message{where, what, 0, retained});
    return true;
}

bool PubSubClient::loop() {
    if (!connected()) return false;
    if (fake::broker.incoming.empty()) return true;
    const fake::Message message = fake::broker.incoming.front();
    fake::broker.incoming.pop_front();
    if (HEADER + message.topic.size() + message.data.size() > _buffer.size()) return true; // not a word
    char *const topic = _buffer.data() + 3;
    memcpy(topic, message.topic.c_str(), message.topic.size() + 1);
    char *const data = topic + message.topic.size() + 1;
    memcpy(data, message.data.data(), message.data.size());
    _callback(topic, reinterpret_cast<uint8_t *>(data), static_cast<unsigned int>(message.data.size()));
    memset(_buffer.data(), '#', 8); // the PUBACK is built in the same buffer
    return true;
}

// -- espMqttClient --

/* A client may be a global of a sketch, and so be made before those of this file. */
std::vector<MqttClient *> &MqttClient::all() {
    static std::vector<MqttClient *> clients;
    return clients;
}

void fake::runTasks() {
    for (MqttClient *client : MqttClient::all()) client->run();
}

MqttClient::MqttClient() { all().push_back(this); }

MqttClient::~MqttClient() { all().erase(std::find(all().begin(), all().end(), this)); }

bool MqttClient::connect() {
    if (_state != DOWN) return false;
    _state = CONNECTING;
    return true;
}

bool MqttClient::disconnect(bool force) {
    if (_state == DOWN) return false;
    if (!force && _state != UP) return false;
    _state = force ? FORCED : LEAVING;
    return true;
}

uint16_t MqttClient::subscribe(const char *topic, uint8_t qos) {
    if (_state != UP) return 0;
    _outbox.push_back(Packet{++_packet, true, fake::Message{topic, "", qos, false}, false});
    return _packet;
}

uint16_t MqttClient::publish(const char *topic, uint8_t qos, bool retain, const uint8_t *payload, size_t length) {
    if (_state != UP || refuses) return 0;
    const std::string data(reinterpret_cast<const char *>(payload), length);
    const uint16_t packet = qos > 0 ? ++_packet : 1;
    _outbox.push_back(Packet{packet, false, fake::Message{topic, data, qos, retain}, false});
    return packet;
}

void MqttClient::clearQueue(bool) { _outbox.clear(); }

/* Send and acknowledge what waits. What is not acknowledged stays, as QoS 1 wants it. */
void MqttClient::sendAll() {
    fake::Broker &broker = fake::broker;
    std::vector<Packet> stay;
    std::vector<Packet> waiting;
    waiting.swap(_outbox);
    for (Packet &packet : waiting) {
        if (packet.subscription) {
            broker.subscriptions.push_back(packet.message.topic);
            const bool refused = broker.refused.count(packet.message.topic) > 0;
            const espMqttClientTypes::SubscribeReturncode code =
                refused ? espMqttClientTypes::SubscribeReturncode::FAIL : espMqttClientTypes::SubscribeReturncode::QOS1;
            _onSubscribe(packet.number, &code, 1);
            continue;
        }
        if (!packet.sent) broker.published.push_back(packet.message);
        packet.sent = true;
        if (packet.message.qos == 0) continue;
        if (broker.acknowledges) {
            _onPublish(packet.number);
        } else {
            stay.push_back(packet);
        }
    }
    _outbox.insert(_outbox.begin(), stay.begin(), stay.end());
}

/* Hand over what came in pieces, as large as the real one's buffer would make them on a slow line. */
void MqttClient::receiveAll() {
    while (!fake::broker.incoming.empty()) {
        const fake::Message message = fake::broker.incoming.front();
        fake::broker.incoming.pop_front();
        const espMqttClientTypes::MessageProperties properties = {1, false, message.retained, 7};
        const uint8_t *data = reinterpret_cast<const uint8_t *>(message.data.data());
        const size_t total = message.data.size();
        size_t at = 0;
        do {
            const size_t piece = total - at < 100 ? total - at : 100;
            _onMessage(properties, message.topic.c_str(), data + at, piece, at, total);
            at += piece;
        } while (at < total);
    }
}

void MqttClient::arrive() {
    fake::Broker &broker = fake::broker;
    broker.attempts++;
    broker.clientId = _clientId;
    broker.user = _user;
    broker.password = _password;
    broker.willTopic = _willTopic == NULL ? "" : _willTopic;
    broker.will = _will == NULL ? "" : _will;
    broker.willQos = _willQos;
    broker.willRetained = _willRetain;
    broker.cleanSession = _cleanSession;
    broker.subscriptions.clear();
    broker.connected = broker.reachable && broker.connack == 0;
    _state = broker.connected ? UP : DOWN;
    if (broker.connected) return _onConnect(false);
    _onDisconnect(static_cast<espMqttClientTypes::DisconnectReason>(broker.reachable ? broker.connack : 7));
}

void MqttClient::run() {
    if (stuck) return;
    if (_state == CONNECTING) return arrive();
    if (_state == UP || _state == LEAVING) {
        if (fake::broker.connected) sendAll();
        if (fake::broker.connected && _state == UP) receiveAll();
        if (_state == LEAVING && _outbox.empty()) fake::broker.connected = false;
    }
    if (_state == FORCED) fake::broker.connected = false;
    if (_state != DOWN && !fake::broker.connected) {
        _state = DOWN;
        _onDisconnect(espMqttClientTypes::DisconnectReason::TCP_DISCONNECTED);
    }
}
