/* What is said of the board before it begins. */
#include "Talkstick.h"

#include <string.h>

static const uint32_t GIVE_UP_MS = 30 * 60 * 1000; // as the ESP-IDF firmware has it

Talkstick::Talkstick(TalkstickTransport &transport)
    : config(), _transport(transport), _provision(), _wifi(), _ownNetwork(false), _host(), _port(0), _tls(false),
      _code(), _mode(Mode::Off), _fault(NULL), _unfit(NULL), _busy(false), _leaving(false), _work(0), _down(false),
      _wasDown(false), _downSince(0), _outputs(), _pins(), _onWork(NULL), _onCommand(NULL), _onOutput(NULL),
      _onSafe(NULL), _onShow(NULL), _onClean(NULL), _onAnswer(NULL), _onNote(NULL) {
    config.give_up_ms = GIVE_UP_MS;
}

Talkstick &Talkstick::output(const char *name, uint8_t pin, bool safe, bool activeLow) {
    if (config.output_count == TALKSTICK_OUTPUTS) {
        _unfit = "there are too many outputs";
        return *this;
    }
    _outputs[config.output_count].name = name;
    _outputs[config.output_count].safe = safe;
    _pins[config.output_count].number = pin;
    _pins[config.output_count].activeLow = activeLow;
    config.output_count++;
    return *this;
}

/* Copy a text of the sketch; one that is too long is remembered as a fault. */
void Talkstick::take(char *to, size_t bytes, const char *text) {
    if (strlen(text) >= bytes) {
        _unfit = "a text of connectTo(), authority() or wifi() is too long";
        return;
    }
    memcpy(to, text, strlen(text) + 1);
}

Talkstick &Talkstick::connectTo(const char *uri, const char *id, const char *secret, const char *prefix) {
    take(_provision.uri, sizeof(_provision.uri), uri);
    take(_provision.id, sizeof(_provision.id), id);
    take(_provision.secret, sizeof(_provision.secret), secret);
    take(_provision.prefix, sizeof(_provision.prefix), prefix);
    return *this;
}

Talkstick &Talkstick::authority(const char *pem) {
    take(_provision.ca, sizeof(_provision.ca), pem);
    return *this;
}

Talkstick &Talkstick::wifi(const char *ssid, const char *pass) {
    take(_wifi.ssid, sizeof(_wifi.ssid), ssid);
    take(_wifi.pass, sizeof(_wifi.pass), pass);
    return *this;
}

Talkstick &Talkstick::ownNetwork() {
    _ownNetwork = true;
    return *this;
}

Talkstick &Talkstick::onWork(void (*call)(const TalkstickWork &)) {
    _onWork = call;
    return *this;
}

Talkstick &Talkstick::onCommand(void (*call)(const TalkstickCommand &)) {
    _onCommand = call;
    return *this;
}

Talkstick &Talkstick::onOutput(void (*call)(uint8_t, bool)) {
    _onOutput = call;
    return *this;
}

Talkstick &Talkstick::onSafe(void (*call)(ts_reason)) {
    _onSafe = call;
    return *this;
}

Talkstick &Talkstick::onShow(void (*call)(const ts_view &)) {
    _onShow = call;
    return *this;
}

Talkstick &Talkstick::onClean(void (*call)()) {
    _onClean = call;
    config.clean_step = call != NULL;
    return *this;
}

Talkstick &Talkstick::onAnswer(void (*call)(const TalkstickAnswer &)) {
    _onAnswer = call;
    config.badges = call != NULL;
    return *this;
}

Talkstick &Talkstick::onNote(void (*call)(const char *, const char *)) {
    _onNote = call;
    return *this;
}
