/* What the core wants done. */
#include <Arduino.h>
#include <driver/gpio.h>

#include "Talkstick.h"

/* Its level comes first, since an output is low as soon as it is one; digitalWrite() wants an output already. */
void Talkstick::preparePin(const Pin &pin, bool on) {
    if (pin.number == TALKSTICK_NO_PIN) return;
    gpio_set_level(static_cast<gpio_num_t>(pin.number), on != pin.activeLow ? 1 : 0);
    pinMode(pin.number, OUTPUT);
}

void Talkstick::drive(uint32_t number, bool on) {
    if (number >= config.output_count) return;
    const Pin &pin = _pins[number];
    if (pin.number != TALKSTICK_NO_PIN) digitalWrite(pin.number, on != pin.activeLow ? HIGH : LOW);
    if (_onOutput != NULL) _onOutput(static_cast<uint8_t>(number), on);
}

/* Factory reset. */
void Talkstick::forget() {
    _store.forget();
    ESP.restart();
}

void Talkstick::note(const char *code, const char *topic) {
    if (_onNote != NULL) _onNote(code, topic);
}

/* Tell the core what became of something that was to be sent. What is under way is told by the transport. */
void Talkstick::answer(TalkstickSent sent, ts_event_kind kind, const ts_action &action) {
    if (sent == TalkstickSent::Later || action.token == 0) return;
    ts_event event = ts_event();
    event.kind = kind;
    event.token = action.token;
    event.on = sent == TalkstickSent::Done;
    if (kind == TS_EV_ACCEPTED && sent == TalkstickSent::No) event.kind = TS_EV_NOT_SENT;
    if (!_answers.put(event)) note(TS_CODE_TOO_MANY, ""); // the core asks again when it hears nothing
}

void Talkstick::perform(const ts_action &action) {
    switch (action.kind) {
    case TS_DO_CONNECT:
    case TS_DO_DISCONNECT:
    case TS_DO_SUBSCRIBE:
    case TS_DO_PUBLISH: performNetwork(action); break;
    case TS_DO_WORK:
    case TS_DO_COMMAND:
    case TS_DO_CLEAN:
    case TS_DO_ANSWER: performWork(action); break;
    default: performBoard(action);
    }
}

void Talkstick::performNetwork(const ts_action &action) {
    if (action.kind == TS_DO_CONNECT) {
        _transport.connect(action.topic != NULL && action.topic[0] != '\0' ? action.topic : NULL, action.data);
    } else if (action.kind == TS_DO_DISCONNECT) {
        _transport.disconnect();
    } else if (action.kind == TS_DO_SUBSCRIBE) {
        answer(_transport.subscribe(action.topic, action.qos, action.token), TS_EV_SUBSCRIBED, action);
    } else {
        answer(_transport.publish(action.topic, action.data, action.qos, action.on, action.token), TS_EV_ACCEPTED,
               action);
    }
}

void Talkstick::performWork(const ts_action &action) {
    if (action.kind == TS_DO_WORK) _work = action.number;
    if (action.kind == TS_DO_WORK && _onWork != NULL) {
        TalkstickWork work;
        work.type = action.type;
        work.input = action.data;
        work.fence = action.fence;
        work.job = action.job;
        _onWork(work);
    } else if (action.kind == TS_DO_COMMAND && _onCommand != NULL) {
        TalkstickCommand command;
        command.name = action.name;
        command.payload = action.data;
        command.fence = action.fence;
        _onCommand(command);
    } else if (action.kind == TS_DO_CLEAN && _onClean != NULL) {
        _onClean();
    } else if (action.kind == TS_DO_ANSWER && _onAnswer != NULL) {
        TalkstickAnswer answer;
        answer.code = action.name;
        answer.granted = action.on;
        answer.message = action.data;
        _onAnswer(answer);
    }
}

void Talkstick::performBoard(const ts_action &action) {
    switch (action.kind) {
    case TS_DO_OUTPUT: drive(action.number, action.on); break;
    case TS_DO_SAFE:
        if (_onSafe != NULL) _onSafe(static_cast<ts_reason>(action.number));
        break;
    case TS_DO_SHOW:
        if (_onShow != NULL) _onShow(view());
        break;
    case TS_DO_SAVE_BOOT:
        if (!_store.saveBoot(action.number)) note(TS_CODE_NOT_STORED, "");
        break;
    case TS_DO_NOTE:
        TalkstickText(action.name).copy(_code);
        note(_code, action.topic == NULL ? "" : action.topic);
        break;
    case TS_DO_FORGET: forget(); break;
    case TS_DO_REBOOT: ESP.restart(); break;
    default: break; // sound is not for this library: see the ESP-IDF firmware
    }
}
