#include "Talkstick.h"

#include <Arduino.h>
#include <WiFi.h>

static const uint32_t DEBOUNCE_MS = 30;
static const uint32_t FORGET_MS = 10000;              // as the core has it
static const size_t ANSWERS_BYTES = 768;              // some 30 acknowledgements
static const size_t LATER_BYTES = TS_OUT_BYTES + 512; // the largest report, and a few small ones
static const int EVENTS_AT_ONCE = 16;                 // then the sketch has its turn

/* Return what is wrong with the provisioning, in words. */
static const char *inWords(ts_provision_fault fault) {
    switch (fault) {
    case TS_PROVISION_OK: return NULL;
    case TS_PROVISION_MISSING: return "nothing was provisioned: flash an image of NVS, or call connectTo()";
    case TS_PROVISION_URI: return "the URI of the broker is bad";
    case TS_PROVISION_CA: return "the certificate of the authority is bad";
    case TS_PROVISION_PREFIX: return "the prefix is bad";
    case TS_PROVISION_ID: return "the id is bad";
    case TS_PROVISION_SECRET: return "the secret is bad";
    case TS_PROVISION_CODE: return "the claim code is bad";
    }
    return "the provisioning is bad";
}

const char *Talkstick::prepare() {
    if (_unfit != NULL) return _unfit;
    if (!_store.begin()) return "the flash memory (NVS) cannot be used";
    if (_provision.uri[0] == '\0') _store.load(_provision);
    if (_wifi.ssid[0] == '\0') _store.load(_wifi);
    const char *fault = inWords(ts_provision_check(&_provision));
    if (fault != NULL) return fault;
    if (!ts_uri_read(_provision.uri, _host, sizeof(_host), &_port, &_tls)) return inWords(TS_PROVISION_URI);
    if (!_answers.begin(ANSWERS_BYTES) || !_later.begin(LATER_BYTES)) return "there is not enough memory";
    return joinWifi();
}

/* A board without any network would wait for it for ever, and in silence. */
const char *Talkstick::joinWifi() {
    if (_wifi.ssid[0] != '\0') {
        WiFi.mode(WIFI_STA);
        WiFi.setAutoReconnect(true);
        WiFi.begin(_wifi.ssid, _wifi.pass);
    } else if (!_ownNetwork && WiFi.getMode() == WIFI_OFF) {
        return "no Wi-Fi is known: make the image with --wifi, or call wifi(), or WiFi.begin() before begin()";
    }
    return NULL;
}

/* Begin as the device that was provisioned. */
const char *Talkstick::start() {
    const TalkstickLogin login = {
        _host, _port, _tls, _provision.ca, _provision.prefix, _provision.id, _provision.secret};
    const char *fault = _transport.begin(login);
    if (fault != NULL) return fault;
    config.id = _provision.id;
    config.prefix = _provision.prefix;
    config.outputs = _outputs;
    config.max_payload = _transport.maxPayload();
    config.boot = _store.boot();
    config.seed = esp_random();
    if (!ts_init(&_device, &config, millis())) return "the id, the prefix, the trigger or an output has a bad name";
    _mode = Mode::Working;
    return NULL;
}

bool Talkstick::begin() {
    for (size_t number = 0; number < config.output_count; number++) {
        preparePin(_pins[number], _outputs[number].safe);
        drive(static_cast<uint32_t>(number), _outputs[number].safe); // whatever is wrong with the rest
    }
    _fault = prepare();
    const bool known = _provision.id[0] != '\0' && _provision.secret[0] != '\0'; // else a claim was interrupted
    if (_fault == NULL) _fault = known ? start() : claim();
    if (_fault == NULL) performAll();
    return _fault == NULL;
}

void Talkstick::loop() {
    ts_event event;
    for (int count = 0; count < EVENTS_AT_ONCE && _mode != Mode::Off && next(event); count++) handle(event);
    if (_mode == Mode::Off) return;
    if (_transport.droppedTooLarge()) note(TS_CODE_TOO_LARGE, "");
    const uint32_t now = millis();
    if ((_mode == Mode::Working ? ts_due_ms(&_device, now) : ts_claim_due_ms(&_claim, now)) > 0) return;
    event = ts_event();
    event.kind = TS_EV_TICK;
    handle(event);
}

/* Take the next event: what came of actions goes before what comes from outside. */
bool Talkstick::next(ts_event &event) { return _answers.take(event) || _transport.poll(event); }

/* Give an event to the core, and after it what the callbacks had to tell in the meantime. */
bool Talkstick::handle(const ts_event &event) {
    const bool taken = step(event);
    ts_event later;
    for (int count = 0; count < EVENTS_AT_ONCE && _later.take(later); count++) {
        if (step(later) || later.kind != TS_EV_BADGE) continue; // what is refused was noted, and is old by and by
        _later.putBack();                                       // it was promised: the one before it has no answer yet
        break;
    }
    return taken;
}

bool Talkstick::step(const ts_event &event) {
    const uint32_t now = millis();
    const bool taken =
        _mode == Mode::Claiming ? ts_claim_handle(&_claim, &event, now) : ts_handle(&_device, &event, now);
    performAll();
    if (_mode == Mode::Claiming) lookAtClaim();
    return taken;
}

void Talkstick::performAll() {
    ts_action action;
    _busy = true;
    while (_mode == Mode::Claiming ? ts_claim_next(&_claim, &action) : ts_next(&_device, &action)) perform(action);
    _busy = false;
}

// -- What the sketch tells --

bool Talkstick::feed(ts_event_kind kind, const char *data, bool on, uint32_t number) {
    if (_mode != Mode::Working) return false;
    ts_event event = ts_event();
    event.kind = kind;
    event.on = on;
    event.number = number;
    event.data.data = data;
    event.data.size = data == NULL ? 0 : strlen(data);
    return _busy ? _later.put(event) : handle(event);
}

bool Talkstick::report(const char *json, bool complete) { return feed(TS_EV_RESULT, json, complete, _work); }

bool Talkstick::telemetry(const char *json, bool retained) { return feed(TS_EV_TELEMETRY, json, retained); }

bool Talkstick::sense(bool active, const char *json) { return feed(TS_EV_SENSED, json, active); }

bool Talkstick::cleaned() { return feed(TS_EV_CLEAN, NULL, false); }

bool Talkstick::badge(const char *principal) { return feed(TS_EV_BADGE, principal, false); }

bool Talkstick::nap(uint32_t ms) {
    _leaving = feed(TS_EV_SLEEP, NULL, false, ms);
    return _leaving;
}

bool Talkstick::goodbye() {
    _leaving = feed(TS_EV_GOODBYE, NULL, false);
    return _leaving;
}

void Talkstick::button(bool down) {
    const uint32_t now = millis();
    if (down != _wasDown) _downSince = now;
    _wasDown = down;
    if (_mode != Mode::Working && down && now - _downSince >= FORGET_MS) return forget(); // the core does not watch it
    if (down == _down || now - _downSince < DEBOUNCE_MS) return;
    if (feed(TS_EV_BUTTON, NULL, down)) _down = down;
}

ts_view Talkstick::view() const { return _mode == Mode::Working ? ts_view_of(&_device, millis()) : ts_view(); }
