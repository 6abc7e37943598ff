/* Before a nap, and before it is switched off: say so, and go. */
#include "internal.h"

#define LEAVE_MS 2000u            /* the acknowledgement is not worth more */
#define LONGEST_NAP_MS 604800000u /* a week, as the contract has it */

void ts_leave(ts_device *device, bool asleep, uint32_t nap_ms) {
    if (device->down_for_good) return;
    device->down_for_good = true;
    device->leaving_asleep = asleep;
    device->nap_ms = nap_ms < LONGEST_NAP_MS ? nap_ms : LONGEST_NAP_MS;
    ts_timer_stop(device, TS_TIMER_RETRY);
    ts_timer_stop(device, TS_TIMER_GIVE_UP);
    ts_timer_stop(device, TS_TIMER_AGAIN);
    ts_chore_drop(device, TS_CHORE_BIRTH_AGAIN); /* it would say that it is there, after its goodbye */
    if (device->session.in_use) ts_session_stop(device, TS_SAFE_ENDED);
    ts_voice_abort(device);
    if (device->connect) { /* it was not even tried */
        ts_link_lost(device);
    } else if (ts_link_is_open(device)) {
        ts_chore_want(device, TS_CHORE_GOODBYE);
        ts_timer_set(device, TS_TIMER_LEAVE, LEAVE_MS);
    } else {
        ts_link_close(device);
    }
}

static void write_seconds(ts_writer *out, uint32_t ms) {
    ts_put_u32(out, ms / 1000);
    if (ms % 1000 == 0) return;
    ts_put(out, ".");
    ts_put_byte(out, (uint8_t)('0' + ms / 100 % 10));
    ts_put_byte(out, (uint8_t)('0' + ms / 10 % 10));
    ts_put_byte(out, (uint8_t)('0' + ms % 10));
}

bool ts_goodbye_write(ts_device *device, ts_writer *out) {
    ts_put(out, device->leaving_asleep ? "{\"state\":\"sleeping\",\"boot\":" : "{\"state\":\"disconnected\",\"boot\":");
    ts_put_u32(out, device->boot);
    if (device->leaving_asleep && device->nap_ms > 0) {
        ts_put_key(out, TS_KEY_WAKE_IN_S);
        write_seconds(out, device->nap_ms);
    }
    ts_put(out, "}");
    return true;
}
