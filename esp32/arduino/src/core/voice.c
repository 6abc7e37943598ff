/* What is said to the board: an utterance is a turn, sent in frames while it is spoken. */
#include "internal.h"

#include <string.h>

#define UTTERANCE_MS 30000u /* nobody speaks longer; the server would not listen */
#define DRAIN_MS 500u       /* after the microphone was switched off: nothing is left that was not sent */
#define ANSWER_MS 30000u    /* then nobody answers any more */

static void record(ts_device *device, bool on) {
    ts_action action = {0};
    action.kind = TS_DO_RECORD;
    action.on = on;
    ts_todo(device, action);
    device->voice.recording = on;
    device->show = true;
}

static void begin(ts_device *device) {
    ts_voice *voice = &device->voice;

    if (!ts_link_is_open(device)) {
        ts_note_about(device, TS_CODE_DEVICE_OFFLINE, TS_TOPIC_DEVICES_AUDIO);
        return;
    }
    ts_speech_hush(device);
    ts_chore_drop(device, TS_CHORE_AUDIO_END); /* of the one before: the server knows that it is superseded */
    if (voice->turn < UINT32_MAX) voice->turn++;
    voice->least = voice->turn;
    voice->said_turn = voice->turn;
    voice->said_seq = 0;
    voice->said = false;
    voice->draining = false;
    voice->refused = false;
    voice->thinking = false;
    record(device, true);
    ts_timer_set(device, TS_TIMER_UTTERANCE, UTTERANCE_MS);
}

static void say_end(ts_device *device, uint8_t flags) {
    device->voice.draining = false;
    device->voice.end_flags = flags;
    ts_timer_stop(device, TS_TIMER_UTTERANCE);
    ts_chore_want(device, TS_CHORE_AUDIO_END);
}

/* Whoever spoke has finished, or the time is up. If audio is waiting for the window it goes first. */
void ts_voice_end(ts_device *device) {
    ts_voice *voice = &device->voice;

    if (voice->recording) {
        record(device, false);
        voice->thinking = true;
        ts_timer_set(device, TS_TIMER_SPEECH, ANSWER_MS);
        if (voice->refused) {
            voice->draining = true;
            ts_timer_set(device, TS_TIMER_UTTERANCE, DRAIN_MS);
            return;
        }
        say_end(device, TS_FLAG_END);
    } else if (voice->draining) {
        say_end(device, TS_FLAG_END);
    }
}

void ts_voice_talk(ts_device *device, bool on) {
    if (!on)
        ts_voice_end(device);
    else if (!device->voice.recording)
        begin(device);
}

void ts_voice_stop(ts_device *device) {
    if (device->voice.recording) record(device, false);
    device->voice.draining = false;
    ts_timer_stop(device, TS_TIMER_UTTERANCE);
}

void ts_voice_abort(ts_device *device) {
    bool said = device->voice.recording || device->voice.draining;

    ts_voice_stop(device);
    ts_speech_hush(device);
    device->voice.thinking = false;
    if (said && ts_link_is_open(device)) say_end(device, TS_FLAG_END | TS_FLAG_ABORT);
}

void ts_voice_connected(ts_device *device) {
    device->voice.least = 0; /* the server counts anew with each boot number */
    device->voice.heard = false;
}

void ts_voice_lost(ts_device *device) {
    ts_voice_stop(device);
    device->voice.frame_size = 0;
    device->voice.thinking = false;
    if (device->voice.streaming) ts_speech_silent(device);
}

static void put_header(ts_device *device, ts_writer *out, uint8_t flags) {
    uint16_t seq = device->voice.said_seq;
    ts_put_byte(out, (uint8_t)(seq >> 8));
    ts_put_byte(out, (uint8_t)(seq & 0xFFU));
    ts_put_byte(out, flags);
    ts_put_byte(out, device->config->heard_codec);
}

bool ts_audio_end_write(ts_device *device, ts_writer *out) {
    put_header(device, out, device->voice.end_flags | (device->voice.said ? 0 : TS_FLAG_START));
    return true;
}

static bool find_room(const ts_device *device, unsigned *name) {
    if (device->timers[TS_TIMER_ROOM].set) return false;
    for (*name = TS_CHORE_AUDIO; *name < TS_CHORES; (*name)++)
        if (ts_chore_is(device, *name, TS_CHORE_IDLE)) return true;
    return false;
}

/* Write a frame; it is sent by ts_voice_next. */
static void write_frame(ts_device *device, const ts_event *event) {
    ts_voice *voice = &device->voice;
    ts_writer out = ts_writer_on(device->out, sizeof device->out);

    if (voice->said) voice->said_seq = (uint16_t)(voice->said_seq + event->number);
    put_header(device, &out, voice->said ? 0 : TS_FLAG_START);
    ts_put_text(&out, event->data);
    voice->frame_size = (uint16_t)out.used;
    voice->said_seq++;
    voice->said = true;
}

bool ts_voice_audio(ts_device *device, const ts_event *event) {
    ts_voice *voice = &device->voice;
    uint32_t most = ts_frame_bytes(device) < TS_OUT_BYTES ? ts_frame_bytes(device) : TS_OUT_BYTES;
    unsigned name;

    if (!voice->recording && !voice->draining) return true;
    if (event->data.size == 0) { /* that was all */
        if (voice->draining) say_end(device, TS_FLAG_END);
        return true;
    }
    if (event->data.size + TS_FRAME_HEADER > most) {
        ts_note_about(device, TS_CODE_TOO_LARGE, TS_TOPIC_DEVICES_AUDIO);
        return true;
    }
    voice->refused = !find_room(device, &name);
    if (voice->refused) return false;
    write_frame(device, event);
    if (voice->draining) ts_timer_set(device, TS_TIMER_UTTERANCE, DRAIN_MS);
    return true;
}

bool ts_voice_next(ts_device *device, ts_action *action) {
    ts_voice *voice = &device->voice;
    char turn[11];
    ts_writer digits = ts_writer_on(turn, sizeof turn - 1);
    unsigned name;

    if (voice->frame_size == 0 || !find_room(device, &name)) return false;
    ts_put_u32(&digits, voice->said_turn);
    turn[digits.used] = '\0';
    (void)ts_topic_fill(device->topic, sizeof device->topic, device->config->prefix, TS_TOPIC_DEVICES_AUDIO_TURN,
                        device->config->id, turn);
    action->kind = TS_DO_PUBLISH;
    action->qos = 1;
    action->token = ts_chore_begin(device, name);
    action->topic = device->topic;
    action->data.data = device->out;
    action->data.size = voice->frame_size;
    voice->frame_size = 0;
    ts_said(device);
    return true;
}

ts_voice_state ts_voice_state_of(const ts_device *device) {
    const ts_voice *voice = &device->voice;
    if (voice->recording) return TS_RECORDING;
    if (voice->playing) return TS_SPEAKING;
    return voice->thinking || voice->streaming ? TS_THINKING : TS_QUIET;
}
