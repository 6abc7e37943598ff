/* Events are passed to the parts here, and what the parts want done is handed out. */
#include "internal.h"

#include <string.h>

void ts_todo(ts_device *device, ts_action action) {
    if (device->todo_count < TS_TODO) device->todo[device->todo_count++] = action;
}

void ts_note(ts_device *device, const char *code, ts_text topic) {
    ts_action note = {0};
    note.kind = TS_DO_NOTE;
    note.name = ts_text_of(code);
    note.data = topic;
    ts_todo(device, note);
}

void ts_note_about(ts_device *device, const char *code, const char *topic_template) {
    ts_action note = {0};
    note.kind = TS_DO_NOTE;
    note.name = ts_text_of(code);
    note.topic = topic_template;
    ts_todo(device, note);
}

void ts_be_safe(ts_device *device, ts_reason reason) {
    device->safe = true;
    device->safe_next = 0;
    device->safe_reason = (uint8_t)reason;
    device->show = true;
}

/* Xorshift: enough to keep a hundred boards from coming back at once. */
uint32_t ts_random_below(ts_device *device, uint32_t bound) {
    uint32_t x = device->random;
    x ^= x << 13;
    x ^= x >> 17;
    x ^= x << 5;
    device->random = x;
    return bound == 0 ? 0 : x % bound;
}

static bool outputs_are_valid(const ts_config *config) {
    for (size_t i = 0; i < config->output_count; i++)
        if (config->outputs[i].name == NULL || config->outputs[i].name[0] == '\0') return false;
    return true;
}

/* What `info` may say of the loudspeaker, and the codecs of both directions. */
static bool voice_is_valid(const ts_config *config) {
    if (!config->voice) return true;
    return (config->frame_bytes == 0 || (config->frame_bytes >= 64 && config->frame_bytes <= TS_MAX_FRAME)) &&
           (config->buffer_ms == 0 || (config->buffer_ms >= 100 && config->buffer_ms <= 60000)) &&
           config->heard_codec <= TS_CODEC_OPUS && config->speech_codec <= TS_CODEC_WAV &&
           config->speech_codec != TS_CODEC_OPUS;
}

static bool is_valid(const ts_config *config) {
    return config->id != NULL && ts_text_is_id(ts_text_of(config->id)) &&
           (config->prefix == NULL || ts_text_is_prefix(config->prefix)) &&
           (config->trigger == NULL || ts_text_is_id(ts_text_of(config->trigger))) && outputs_are_valid(config) &&
           voice_is_valid(config);
}

bool ts_init(ts_device *device, const ts_config *config, uint32_t now_ms) {
    memset(device, 0, sizeof *device);
    if (!is_valid(config)) return false;
    device->config = config;
    device->now = now_ms;
    device->random = config->seed ^ 0x9E3779B9U;
    if (device->random == 0) device->random = 1;
    device->session.state = TS_STATE_FREE;
    ts_be_safe(device, TS_SAFE_START);
    ts_link_begin(device);
    return true;
}

/* A message may have any topic; what was not subscribed to is none of ours. */
static void take_message(ts_device *device, const ts_event *event) {
    const char *prefix = device->config->prefix;
    const char *id = device->config->id;
    ts_text level = {NULL, 0};

    if (ts_topic_is(event->topic, prefix, TS_TOPIC_DEVICES_SESSION, id, NULL))
        ts_session_document(device, event);
    else if (ts_topic_is(event->topic, prefix, TS_TOPIC_DEVICES_COMMAND_NAME, id, &level) && ts_text_is_id(level))
        ts_command(device, event, level);
    else if (device->config->voice && ts_topic_is(event->topic, prefix, TS_TOPIC_DEVICES_SPEECH_TURN, id, &level))
        ts_speech_frame(device, event, level);
    else if (device->config->voice && ts_topic_is(event->topic, prefix, TS_TOPIC_DEVICES_CONVERSATION, id, NULL))
        ts_speech_event(device, event);
    else if (device->config->badges &&
             ts_topic_is(event->topic, prefix, TS_TOPIC_DEVICES_SESSION_REPLY_PRINCIPAL, id, &level) &&
             ts_text_is(level, id))
        ts_badge_reply(device, event);
    else
        ts_note(device, TS_CODE_UNKNOWN_TOPIC, event->topic);
}

static void press(ts_device *device, bool down) {
    if (down == device->button) return;
    device->button = down;
    if (down)
        ts_timer_set(device, TS_TIMER_BUTTON, device->config->voice ? TS_FORGET_VOICE_MS : TS_FORGET_MS);
    else
        ts_timer_stop(device, TS_TIMER_BUTTON);
    if (device->config->voice) ts_voice_talk(device, down);
}

/* What comes from the connection. */
static void take_network(ts_device *device, const ts_event *event) {
    switch (event->kind) {
    case TS_EV_CONNECTED: ts_link_connected(device); break;
    case TS_EV_REFUSED: ts_link_refused(device, event->number); break;
    case TS_EV_LOST: ts_link_lost(device); break;
    case TS_EV_SUBSCRIBED: ts_chore_subscribed(device, event->token, event->on); break;
    case TS_EV_ACCEPTED: ts_chore_accepted(device, event->token); break;
    case TS_EV_NOT_SENT: ts_chore_not_sent(device, event->token); break;
    case TS_EV_MESSAGE:
        if (device->link == TS_LINK_UP && !device->down_for_good) /* who leaves begins nothing */
            take_message(device, event);
        break;
    default: break;
    }
}

/* What comes from the board. */
static bool take_local(ts_device *device, const ts_event *event) {
    switch (event->kind) {
    case TS_EV_BUTTON: press(device, event->on); return true;
    case TS_EV_AUDIO: return ts_voice_audio(device, event);
    case TS_EV_PLAYED: ts_speech_played(device); return true;
    case TS_EV_RESULT: return ts_outbox_result(device, event);
    case TS_EV_TELEMETRY: return ts_outbox_telemetry(device, event);
    case TS_EV_SENSED: return ts_outbox_sensed(device, event);
    case TS_EV_CLEAN: ts_session_clean(device); return true;
    case TS_EV_BADGE: return ts_badge(device, event);
    case TS_EV_SLEEP:
    case TS_EV_GOODBYE: ts_leave(device, event->kind == TS_EV_SLEEP, event->number); return true;
    default: return true;
    }
}

bool ts_handle(ts_device *device, const ts_event *event, uint32_t now_ms) {
    device->now = now_ms;
    device->todo_next = 0; /* what was not taken may point to an event that is gone */
    device->todo_count = 0;
    device->voice.frame_size = 0;
    ts_timers_run(device); /* first of all: what is over by now is not acted upon */
    if (event->kind >= TS_EV_CONNECTED && event->kind <= TS_EV_MESSAGE) {
        take_network(device, event);
        return true;
    }
    return take_local(device, event);
}

static bool next_safe(ts_device *device, ts_action *action) {
    const ts_config *config = device->config;

    if (!device->safe) return false;
    if (device->safe_next < config->output_count) {
        action->kind = TS_DO_OUTPUT;
        action->number = (uint32_t)device->safe_next;
        action->on = config->outputs[device->safe_next].safe;
        device->safe_next++;
    } else {
        action->kind = TS_DO_SAFE;
        action->number = device->safe_reason;
        device->safe = false;
    }
    action->fence = device->session.fence;
    return true;
}

/* The first level in braces: the device, but for triggers. */
const char *ts_first_level(const ts_config *config, const char *topic_template) {
    if (!ts_text_is(ts_text_of(topic_template), TS_TOPIC_TRIGGERS_TRIGGER)) return config->id;
    return config->trigger == NULL ? "+" : config->trigger;
}

static bool next_todo(ts_device *device, ts_action *action) {
    if (device->todo_next == device->todo_count) return false;
    *action = device->todo[device->todo_next++];
    if (action->kind == TS_DO_NOTE && action->topic == NULL) { /* where it came from is not terminated */
        ts_text_copy(action->data, device->topic, sizeof device->topic);
        action->topic = device->topic;
        action->data = ts_text_of(NULL);
    } else if (action->topic != NULL) {
        (void)ts_topic_fill(device->topic, sizeof device->topic, device->config->prefix, action->topic,
                            ts_first_level(device->config, action->topic), "+");
        action->topic = device->topic;
    }
    return true;
}

static bool next_wish(bool *wanted, ts_action_kind kind, ts_action *action) {
    if (!*wanted) return false;
    *wanted = false;
    action->kind = kind;
    return true;
}

bool ts_next(ts_device *device, ts_action *action) {
    memset(action, 0, sizeof *action);
    return device->config != NULL &&
           (next_safe(device, action) || next_todo(device, action) || next_wish(&device->show, TS_DO_SHOW, action) ||
            ts_link_next(device, action) || ts_voice_next(device, action) || ts_chore_next(device, action) ||
            next_todo(device, action) || next_wish(&device->reboot, TS_DO_REBOOT, action) ||
            next_wish(&device->forget, TS_DO_FORGET, action));
}

ts_view ts_view_of(const ts_device *device, uint32_t now_ms) {
    const ts_session *session = &device->session;
    ts_view view = {0};

    view.link = (ts_link)device->link;
    view.known = session->known;
    view.state = session->state;
    view.in_use = session->in_use;
    view.holder = session->holder;
    view.holder_name = session->holder_name;
    view.fence = session->fence;
    view.lease_ms = UINT32_MAX;
    if (session->in_use && session->lease)
        view.lease_ms = (int32_t)(session->lease_at - now_ms) > 0 ? session->lease_at - now_ms : 0;
    view.waiting = session->waiting;
    view.voice = ts_voice_state_of(device);
    return view;
}
