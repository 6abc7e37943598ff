/* What the board says: frames of speech come in as the server paces them, and go to the loudspeaker. */
#include "internal.h"

#define SILENCE_MS 3000u /* nothing came for so long: the end was lost */

uint32_t ts_frame_bytes(const ts_device *device) { return ts_or_default(device->config->frame_bytes, TS_USUAL_FRAME); }

uint32_t ts_buffer_ms(const ts_device *device) { return ts_or_default(device->config->buffer_ms, TS_USUAL_BUFFER_MS); }

static void quiet(ts_device *device) {
    device->voice.playing = false;
    device->voice.thinking = false;
    device->voice.streaming = false;
    device->show = true;
    ts_timer_stop(device, TS_TIMER_SPEECH);
}

/* Nothing more comes; what the loudspeaker has, it plays. */
static void end(ts_device *device) {
    if (!device->voice.playing) {
        quiet(device);
        return;
    }
    device->voice.streaming = false;
    device->voice.thinking = false;
    device->show = true;
    ts_timer_set(device, TS_TIMER_SPEECH, ts_buffer_ms(device) + SILENCE_MS);
}

void ts_speech_hush(ts_device *device) {
    ts_action action = {0};

    if (device->voice.playing) {
        action.kind = TS_DO_HUSH;
        ts_todo(device, action);
    }
    if (device->voice.playing || device->voice.streaming || device->voice.thinking) quiet(device);
}

void ts_speech_played(ts_device *device) {
    if (device->voice.playing && !device->voice.streaming) quiet(device);
}

void ts_speech_silent(ts_device *device) {
    if (device->voice.streaming)
        end(device);
    else
        quiet(device);
}

/* The turn that a frame belongs to may be newer than what we know. Returns whether it is not over. Only what is said to
 * the board ends older ones for good: a frame may be of the boot before, and the server counts anew with each. */
static bool follow_turn(ts_device *device, uint32_t turn) {
    ts_voice *voice = &device->voice;

    if (turn < voice->least || (voice->streaming && turn < voice->heard_turn)) return false;
    if (turn > voice->turn) voice->turn = turn;
    return true;
}

/* Take the number of a frame into account. Returns whether the frame is to be played. */
static bool follow_stream(ts_device *device, uint32_t turn, uint16_t seq, bool start) {
    ts_voice *voice = &device->voice;
    bool other = !voice->heard || turn != voice->heard_turn;
    uint16_t step = (uint16_t)(seq - voice->heard_seq);

    if (other || (!voice->streaming && start)) {
        if (other && voice->playing) ts_speech_hush(device);
        voice->heard = true;
        voice->heard_turn = turn;
        voice->heard_seq = seq;
        voice->gap = seq; /* 0, unless the first frame was lost */
        voice->streaming = true;
        device->show = true;
        return true;
    }
    if (!voice->streaming || step == 0 || step > INT16_MAX) return false;
    voice->gap += step - 1U;
    voice->heard_seq = seq;
    return true;
}

static void play(ts_device *device, ts_text data) {
    ts_action action = {0};

    action.kind = TS_DO_PLAY;
    action.number = device->voice.gap;
    action.data = data;
    ts_todo(device, action);
    device->voice.gap = 0;
    device->voice.thinking = false;
    if (!device->voice.playing) device->show = true;
    device->voice.playing = true;
}

/* A frame that is well-formed, of a turn that is not over. */
static void take_frame(ts_device *device, const ts_event *event, uint32_t turn) {
    ts_text data = event->data;
    const unsigned char *header = (const unsigned char *)data.data;
    uint8_t flags = header[2];
    ts_text audio = {data.data + TS_FRAME_HEADER, data.size - TS_FRAME_HEADER};
    bool follows;

    if (turn >= device->voice.said_turn) ts_voice_stop(device); /* the server knows that the utterance is over */
    follows = follow_stream(device, turn, (uint16_t)((header[0] << 8) | header[1]), (flags & TS_FLAG_START) != 0);
    if ((flags & TS_FLAG_ABORT) != 0) { /* whatever its number is: a server that was killed does not know it */
        ts_speech_hush(device);
        return;
    }
    if (!follows) return;
    ts_timer_set(device, TS_TIMER_SPEECH, SILENCE_MS);
    if (audio.size > 0 && header[3] != device->config->speech_codec)
        ts_note(device, TS_CODE_UNKNOWN_CODEC, event->topic);
    else if (audio.size > 0)
        play(device, audio);
    if ((flags & TS_FLAG_END) != 0) end(device);
}

void ts_speech_frame(ts_device *device, const ts_event *event, ts_text turn) {
    uint32_t number;

    if (!ts_json_u32(turn, &number) || event->data.size < TS_FRAME_HEADER ||
        event->data.size > ts_frame_bytes(device)) {
        ts_note(device, TS_CODE_BAD_FRAME, event->topic);
        return;
    }
    if (follow_turn(device, number)) take_frame(device, event, number);
}

void ts_speech_event(ts_device *device, const ts_event *event) {
    ts_text value, word;
    uint32_t turn;
    bool failed;

    if (!ts_json_is_object(event->data)) {
        ts_note(device, TS_CODE_BAD_JSON, event->topic);
        return;
    }
    if (!ts_json_find(event->data, TS_KEY_TURN, &value) || !ts_json_u32(value, &turn) ||
        !ts_json_find(event->data, TS_KEY_EVENT, &word)) {
        ts_note(device, TS_CODE_BAD_MESSAGE, event->topic);
        return;
    }
    failed = ts_json_equals(word, "error");
    if (turn > device->voice.turn) device->voice.turn = turn;
    if (turn != device->voice.said_turn || (!failed && !ts_json_equals(word, "final"))) return;
    if (device->voice.recording) {
        device->voice.thinking = true;
        ts_timer_set(device, TS_TIMER_SPEECH, SILENCE_MS * 10);
    }
    ts_voice_stop(device);
    if (failed && device->voice.thinking && !device->voice.streaming) quiet(device);
}
