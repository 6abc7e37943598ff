/* What is told to the broker: each thing has its place in a table, and is wanted, under way, or done. */
#include "internal.h"

#include <string.h>

#define HEARTBEAT_MS 30000u

typedef struct {
    const char *topic;
    uint8_t qos;
    bool retained;
    bool (*write)(ts_device *device, ts_writer *out); /* NULL: it is a subscription. Returns whether there is any */
} kind;

static bool write_birth(ts_device *device, ts_writer *out) {
    ts_put(out, "{\"state\":\"online\",\"boot\":");
    ts_put_u32(out, device->boot);
    if (device->session.fence > 0) { /* a server whose database is an older one goes on above it */
        ts_put_key(out, TS_KEY_FENCE);
        ts_put_u32(out, device->session.fence);
    }
    ts_put(out, "}");
    return true;
}

static bool write_heartbeat(ts_device *device, ts_writer *out) {
    (void)device;
    ts_put(out, "{}");
    return true;
}

static const kind kinds[TS_CHORE_AUDIO] = {
    [TS_CHORE_SUB_SESSION] = {TS_TOPIC_DEVICES_SESSION, 1, false, NULL},
    [TS_CHORE_SUB_COMMAND] = {TS_TOPIC_DEVICES_COMMAND_NAME, 1, false, NULL},
    [TS_CHORE_SUB_SPEECH] = {TS_TOPIC_DEVICES_SPEECH_TURN, 0, false, NULL},
    [TS_CHORE_SUB_CONVERSATION] = {TS_TOPIC_DEVICES_CONVERSATION, 1, false, NULL},
    [TS_CHORE_SUB_REPLY] = {TS_TOPIC_DEVICES_SESSION_REPLY_PRINCIPAL, 1, false, NULL},
    [TS_CHORE_BIRTH] = {TS_TOPIC_DEVICES_STATUS, 1, true, write_birth},
    [TS_CHORE_INFO] = {TS_TOPIC_DEVICES_INFO, 1, true, ts_info_write},
    [TS_CHORE_BIRTH_AGAIN] = {TS_TOPIC_DEVICES_STATUS, 0, true, write_birth},
    [TS_CHORE_INFO_AGAIN] = {TS_TOPIC_DEVICES_INFO, 0, true, ts_info_write},
    [TS_CHORE_SENSED] = {TS_TOPIC_TRIGGERS_TRIGGER, 1, true, ts_sensed_write},
    [TS_CHORE_RESET] = {TS_TOPIC_DEVICES_RESULT, 1, false, ts_reset_write},
    [TS_CHORE_RESULT] = {TS_TOPIC_DEVICES_RESULT, 1, false, ts_result_write},
    [TS_CHORE_TELEMETRY] = {TS_TOPIC_DEVICES_TELEMETRY, 0, false, ts_telemetry_write},
    [TS_CHORE_BADGE] = {TS_TOPIC_DEVICES_SESSION_REQUEST_PRINCIPAL, 1, false, ts_badge_write},
    [TS_CHORE_AUDIO_END] = {TS_TOPIC_DEVICES_AUDIO_TURN, 1, false, ts_audio_end_write},
    [TS_CHORE_GOODBYE] = {TS_TOPIC_DEVICES_STATUS, 1, true, ts_goodbye_write},
    [TS_CHORE_HEARTBEAT] = {TS_TOPIC_DEVICES_HEARTBEAT, 0, false, write_heartbeat},
};

static bool is_subscription(unsigned name) { return name <= TS_CHORE_SUB_REPLY; }

bool ts_chore_is(const ts_device *device, unsigned name, ts_chore_state state) {
    return device->chores[name].state == state;
}

void ts_chore_want(ts_device *device, unsigned name) { device->chores[name].state = TS_CHORE_WANTED; }

void ts_chore_drop(ts_device *device, unsigned name) { device->chores[name].state = TS_CHORE_IDLE; }

void ts_chores_reset(ts_device *device) { memset(device->chores, 0, sizeof device->chores); }

uint16_t ts_chore_begin(ts_device *device, unsigned name) {
    ts_chore *chore = &device->chores[name];

    if (++device->token == 0) device->token = 1;
    chore->state = TS_CHORE_UNDER_WAY;
    chore->token = device->token;
    chore->since = device->now;
    if (!device->timers[TS_TIMER_ANSWER].set) ts_timer_set(device, TS_TIMER_ANSWER, TS_ANSWER_MS);
    return chore->token;
}

void ts_said(ts_device *device) {
    ts_timer_set(device, TS_TIMER_HEARTBEAT, ts_or_default(device->config->heartbeat_ms, HEARTBEAT_MS));
}

static bool is_subscribed(const ts_device *device) {
    for (unsigned name = 0; is_subscription(name); name++)
        if (device->chores[name].state == TS_CHORE_WANTED || device->chores[name].state == TS_CHORE_UNDER_WAY)
            return false;
    return true;
}

/* Tell whether its turn has come: nothing is said before the board can hear, and nothing before its birth. */
static bool may_go(const ts_device *device, unsigned name) {
    if (device->chores[name].state != TS_CHORE_WANTED) return false;
    if (is_subscription(name)) return true;
    if (name == TS_CHORE_BIRTH) return is_subscribed(device);
    return ts_link_is_open(device);
}

/* The levels of its topic that vary. */
static bool fill_topic(ts_device *device, unsigned name) {
    const ts_config *config = device->config;
    const char *first = ts_first_level(config, kinds[name].topic);
    const char *second = is_subscription(name) && name != TS_CHORE_SUB_REPLY ? "+" : config->id;
    char turn[11];

    if (name == TS_CHORE_AUDIO_END) {
        ts_writer out = ts_writer_on(turn, sizeof turn - 1);
        ts_put_u32(&out, device->voice.said_turn);
        turn[out.used] = '\0';
        second = turn;
    }
    return ts_topic_fill(device->topic, sizeof device->topic, config->prefix, kinds[name].topic, first, second);
}

static bool is_retained(const ts_device *device, unsigned name) {
    if (name == TS_CHORE_TELEMETRY) return ts_telemetry_is_retained(device);
    return kinds[name].retained && !(name == TS_CHORE_SENSED && device->config->pulse);
}

static bool begin(ts_device *device, unsigned name, ts_action *action) {
    const kind *what = &kinds[name];
    ts_writer out = ts_writer_on(device->out, sizeof device->out);

    action->qos = what->qos;
    action->on = is_retained(device, name);
    if (what->write != NULL && !what->write(device, &out)) {
        ts_chore_drop(device, name);
        return false;
    }
    if (out.full || !fill_topic(device, name)) {
        device->chores[name].state = TS_CHORE_DONE; /* it never fits */
        ts_note_about(device, TS_CODE_TOO_LARGE, what->topic);
        return false;
    }
    action->kind = is_subscription(name) ? TS_DO_SUBSCRIBE : TS_DO_PUBLISH;
    action->topic = device->topic;
    action->data = ts_writer_text(&out);
    if (is_subscription(name) || what->qos > 0)
        action->token = ts_chore_begin(device, name);
    else
        ts_chore_drop(device, name);
    if (!is_subscription(name)) ts_said(device);
    return true;
}

bool ts_chore_next(ts_device *device, ts_action *action) {
    if (device->link != TS_LINK_UP || device->closing || device->timers[TS_TIMER_ROOM].set) return false;
    for (unsigned name = 0; name < TS_CHORE_AUDIO; name++)
        if (may_go(device, name) && begin(device, name, action)) return true;
    return false;
}

static bool find(const ts_device *device, uint16_t token, unsigned *name) {
    for (*name = 0; *name < TS_CHORES; (*name)++)
        if (device->chores[*name].state == TS_CHORE_UNDER_WAY && device->chores[*name].token == token) return true;
    return false;
}

void ts_chore_subscribed(ts_device *device, uint16_t token, bool granted) {
    unsigned name;

    if (!find(device, token, &name) || !is_subscription(name)) return;
    device->chores[name].state = TS_CHORE_DONE;
    if (granted) return;
    ts_note_about(device, TS_CODE_FORBIDDEN, kinds[name].topic);
    ts_link_close(device);
}

void ts_chore_accepted(ts_device *device, uint16_t token) {
    unsigned name;

    if (!find(device, token, &name) || is_subscription(name)) return;
    device->chores[name].state = name < TS_CHORE_AUDIO ? TS_CHORE_DONE : TS_CHORE_IDLE;
    if (name == TS_CHORE_BIRTH) ts_link_born(device);
    if (name == TS_CHORE_RESULT) ts_outbox_accepted(device);
    if (name == TS_CHORE_RESET) ts_outbox_wait(device);
    if (name == TS_CHORE_GOODBYE) ts_link_close(device);
}

void ts_chore_not_sent(ts_device *device, uint16_t token) {
    unsigned name;

    if (!find(device, token, &name)) return;
    device->chores[name].state =
        name < TS_CHORE_AUDIO ? TS_CHORE_WANTED : TS_CHORE_IDLE; /* audio is worth nothing later */
    ts_timer_set(device, TS_TIMER_ROOM, TS_ROOM_MS);
}

void ts_chores_overdue(ts_device *device) {
    uint32_t longest = 0;
    bool waiting = false;

    for (unsigned name = 0; name < TS_CHORES; name++) {
        uint32_t since = device->now - device->chores[name].since;
        if (device->chores[name].state != TS_CHORE_UNDER_WAY) continue;
        waiting = true;
        if (since > longest) longest = since;
    }
    if (waiting && longest >= TS_ANSWER_MS) {
        ts_note_about(device, TS_CODE_TIMED_OUT, TS_TOPIC_DEVICES_STATUS);
        ts_link_close(device);
    } else if (waiting) {
        ts_timer_set(device, TS_TIMER_ANSWER, TS_ANSWER_MS - longest);
    }
}
