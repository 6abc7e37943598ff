/* The connection: when to try, which boot number it gets, and when it is given up. */
#include "internal.h"

#define BLOCK 64u            /* boot numbers are reserved in blocks: flash is written once in so many connections */
#define STEADY_MS 30000u     /* a connection that lasts this long was a good one */
#define CONNECTING_MS 60000u /* it takes this long at most */
#define CLOSING_MS 20000u
#define INTRODUCE_MS 3000u

void ts_link_begin(ts_device *device) {
    device->boot = device->config->boot;
    device->reserved = device->config->boot;
    if (device->config->give_up_ms > 0) ts_timer_set(device, TS_TIMER_GIVE_UP, device->config->give_up_ms);
    ts_link_open(device);
}

void ts_link_open(ts_device *device) {
    if (device->down_for_good) return;
    device->connect = true;
    device->link = TS_LINK_CONNECTING;
    device->show = true;
    if (device->boot < UINT32_MAX) device->boot++;
    ts_timer_set(device, TS_TIMER_LINK, CONNECTING_MS);
}

/* Wait before the next attempt: twice as long as the last time, and not as long as everybody else. */
static void retry(ts_device *device) {
    uint32_t most = ts_or_default(device->config->backoff_max_ms, 60000);
    uint32_t delay = ts_or_default(device->config->backoff_min_ms, 1000);

    if (most > TS_LONGEST_MS) most = TS_LONGEST_MS;
    for (unsigned i = 0; i < device->attempt && delay < most; i++) delay *= 2;
    if (delay > most) delay = most;
    if (device->attempt < 32) device->attempt++;
    ts_timer_set(device, TS_TIMER_RETRY, delay - ts_random_below(device, delay / 2 + 1));
}

void ts_link_connected(ts_device *device) {
    if (device->link != TS_LINK_CONNECTING || device->closing || device->down_for_good) {
        device->disconnect = true; /* nobody asked for it: its last will has an old boot number */
        ts_link_close(device);
        return;
    }
    device->link = TS_LINK_UP;
    device->connect = false;
    device->removed = false;
    device->show = true;
    ts_timer_stop(device, TS_TIMER_LINK);
    ts_timer_stop(device, TS_TIMER_GIVE_UP);
    ts_timer_stop(device, TS_TIMER_ROOM);
    ts_timer_set(device, TS_TIMER_STEADY, STEADY_MS);
    ts_chores_reset(device);
    ts_chore_want(device, TS_CHORE_SUB_SESSION);
    ts_chore_want(device, TS_CHORE_SUB_COMMAND);
    if (device->config->voice) {
        ts_chore_want(device, TS_CHORE_SUB_SPEECH);
        ts_chore_want(device, TS_CHORE_SUB_CONVERSATION);
    }
    if (device->config->badges) ts_chore_want(device, TS_CHORE_SUB_REPLY);
    ts_chore_want(device, TS_CHORE_BIRTH);
    ts_chore_want(device, TS_CHORE_INFO);
    ts_outbox_open(device);
    ts_voice_connected(device);
}

void ts_link_refused(ts_device *device, uint32_t code) {
    if (device->link == TS_LINK_DOWN) return;
    ts_note_about(device, code == 3 ? TS_CODE_UNREACHABLE : TS_CODE_FORBIDDEN, TS_TOPIC_DEVICES_STATUS);
    if (code == 4 || code == 5) { /* the secret is void: somebody has to act, so there is no hurry */
        if (!device->removed) ts_session_stop(device, TS_SAFE_REMOVED);
        device->removed = true;
        device->attempt = 32;
    }
    ts_link_lost(device);
}

void ts_link_lost(ts_device *device) {
    if (device->link == TS_LINK_DOWN) return;
    if (device->link == TS_LINK_UP && device->config->give_up_ms > 0)
        ts_timer_set(device, TS_TIMER_GIVE_UP, device->config->give_up_ms);
    device->link = TS_LINK_DOWN;
    device->connect = false;
    device->disconnect = false;
    device->closing = false;
    device->show = true;
    ts_timer_stop(device, TS_TIMER_LINK);
    ts_timer_stop(device, TS_TIMER_STEADY);
    ts_timer_stop(device, TS_TIMER_AGAIN);
    ts_timer_stop(device, TS_TIMER_HEARTBEAT);
    ts_timer_stop(device, TS_TIMER_ANSWER);
    ts_timer_stop(device, TS_TIMER_LEAVE);
    ts_chores_reset(device);
    ts_outbox_lost(device);
    ts_session_lost(device);
    ts_voice_lost(device);
    if (!device->down_for_good) retry(device);
}

void ts_link_close(ts_device *device) {
    if (device->link == TS_LINK_DOWN || device->closing) return;
    device->disconnect = true;
    device->closing = true;
    ts_voice_lost(device);
    ts_timer_set(device, TS_TIMER_LINK, CLOSING_MS);
}

void ts_link_overdue(ts_device *device) {
    if (!device->closing) /* it neither was made nor failed: stop trying */
        ts_link_close(device);
    else
        ts_link_lost(device);
}

void ts_link_steady(ts_device *device) { device->attempt = 0; }

/* The broker has the birth; but the server may have been away, or not have known the device yet. */
void ts_link_born(ts_device *device) {
    if (!device->down_for_good) ts_timer_set(device, TS_TIMER_AGAIN, INTRODUCE_MS);
}

void ts_link_introduce(ts_device *device) {
    ts_chore_want(device, TS_CHORE_BIRTH_AGAIN);
    ts_chore_want(device, TS_CHORE_INFO_AGAIN);
    if (!device->config->pulse) ts_outbox_open(device);
}

bool ts_link_is_open(const ts_device *device) {
    return device->link == TS_LINK_UP && !device->closing && !ts_chore_is(device, TS_CHORE_BIRTH, TS_CHORE_WANTED);
}

static bool next_connect(ts_device *device, ts_action *action) {
    const ts_config *config = device->config;
    ts_writer will = ts_writer_on(device->out, sizeof device->out);

    if (device->boot > device->reserved) {
        device->reserved = device->boot < UINT32_MAX - BLOCK ? device->boot - 1 + BLOCK : UINT32_MAX;
        action->kind = TS_DO_SAVE_BOOT;
        action->number = device->reserved;
        return true;
    }
    device->connect = false;
    ts_put(&will, "{\"state\":\"lost\",\"boot\":");
    ts_put_u32(&will, device->boot);
    ts_put(&will, "}");
    (void)ts_topic_fill(device->topic, sizeof device->topic, config->prefix, TS_TOPIC_DEVICES_STATUS, config->id, "");
    action->kind = TS_DO_CONNECT;
    action->qos = 1;
    action->on = true;
    action->topic = device->topic;
    action->data = ts_writer_text(&will);
    return true;
}

bool ts_link_next(ts_device *device, ts_action *action) {
    if (device->connect) return next_connect(device, action);
    if (device->disconnect) {
        device->disconnect = false;
        action->kind = TS_DO_DISCONNECT;
        return true;
    }
    return false;
}
