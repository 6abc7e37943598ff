/* Deadlines. Times are compared by their signed difference, so that the counter may wrap. */
#include "internal.h"

#define LEASED_MS 60000u /* how soon a restart that had to wait is thought of again */

void ts_timer_set(ts_device *device, ts_timer_name name, uint32_t after_ms) {
    device->timers[name].set = true;
    device->timers[name].at = device->now + (after_ms < TS_LONGEST_MS ? after_ms : TS_LONGEST_MS);
}

void ts_timer_stop(ts_device *device, ts_timer_name name) { device->timers[name].set = false; }

static void say_heartbeat(ts_device *device) { ts_chore_want(device, TS_CHORE_HEARTBEAT); }

/* A restart would end the work of whoever has a lease, which needs no connection: it waits. */
static void wish_reboot(ts_device *device) {
    if (device->session.in_use && device->session.lease)
        ts_timer_set(device, TS_TIMER_GIVE_UP, LEASED_MS);
    else
        device->reboot = true;
}

static void go_on(ts_device *device) { (void)device; /* there may be room again: ts_chore_next looks at the timer */ }

static void forget(ts_device *device) {
    ts_voice_abort(device);
    device->forget = true;
}

static void lease_over(ts_device *device) { ts_session_stop(device, TS_SAFE_LEASE); }

static void grace_over(ts_device *device) { ts_session_stop(device, TS_SAFE_LINK); }

static void (*const handlers[TS_TIMERS])(ts_device *) = {
    [TS_TIMER_RETRY] = ts_link_open,  [TS_TIMER_LINK] = ts_link_overdue,    [TS_TIMER_STEADY] = ts_link_steady,
    [TS_TIMER_GIVE_UP] = wish_reboot, [TS_TIMER_AGAIN] = ts_link_introduce, [TS_TIMER_ANSWER] = ts_chores_overdue,
    [TS_TIMER_ROOM] = go_on,          [TS_TIMER_CONFIRM] = ts_outbox_again, [TS_TIMER_HEARTBEAT] = say_heartbeat,
    [TS_TIMER_LEASE] = lease_over,    [TS_TIMER_GRACE] = grace_over,        [TS_TIMER_LEAVE] = ts_link_close,
    [TS_TIMER_BUTTON] = forget,       [TS_TIMER_UTTERANCE] = ts_voice_end,  [TS_TIMER_SPEECH] = ts_speech_silent,
};

static bool is_due(uint32_t at, uint32_t now) { return (int32_t)(now - at) >= 0; }

void ts_timers_run(ts_device *device) {
    for (unsigned name = 0; name < TS_TIMERS; name++) {
        ts_timer *timer = &device->timers[name];
        if (timer->set && is_due(timer->at, device->now)) {
            timer->set = false;
            handlers[name](device);
        }
    }
}

uint32_t ts_due_ms(const ts_device *device, uint32_t now_ms) {
    uint32_t due = TS_HOUR_MS;

    for (unsigned name = 0; name < TS_TIMERS; name++) {
        const ts_timer *timer = &device->timers[name];
        if (!timer->set) continue;
        if (is_due(timer->at, now_ms)) return 0;
        if (timer->at - now_ms < due) due = timer->at - now_ms;
    }
    return due;
}
