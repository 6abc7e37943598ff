/* A badge reader claims for the people whose badges it sees. */
#include "internal.h"

#define CODE_BYTES 64u /* at the beginning of `out`: the code of an answer; then its text */

static void answer(ts_device *device, bool on, const char *code, const char *message) {
    ts_action action = {0};
    action.kind = TS_DO_ANSWER;
    action.on = on;
    action.name = ts_text_of(code);
    action.data = ts_text_of(message);
    ts_todo(device, action);
}

bool ts_badge(ts_device *device, const ts_event *event) {
    const ts_session *session = &device->session;

    if (!device->config->badges || !ts_text_is_id(event->data)) {
        answer(device, false, device->config->badges ? TS_CODE_BAD_ID : TS_CODE_FORBIDDEN, "");
        return true;
    }
    if (!ts_link_is_open(device)) {
        answer(device, false, TS_CODE_DEVICE_OFFLINE, "");
        return true;
    }
    if (ts_chore_is(device, TS_CHORE_BADGE, TS_CHORE_WANTED) || ts_chore_is(device, TS_CHORE_BADGE, TS_CHORE_UNDER_WAY))
        return false; /* the one before is not told yet */
    ts_text_copy(event->data, device->badge, sizeof device->badge);
    device->badge_releases = session->known && session->in_use && ts_text_is(event->data, session->holder);
    device->asked++;
    ts_chore_want(device, TS_CHORE_BADGE);
    return true;
}

bool ts_badge_write(ts_device *device, ts_writer *out) {
    ts_put(out, "{\"id\":\"");
    ts_put_u32(out, device->boot);
    ts_put(out, "-");
    ts_put_u32(out, device->asked);
    ts_put(out, device->badge_releases ? "\",\"action\":\"release\",\"for\":" : "\",\"action\":\"claim\",\"for\":");
    ts_put_string(out, device->badge);
    ts_put(out, device->badge_releases ? "}" : ",\"wait\":true}");
    return true;
}

void ts_badge_reply(ts_device *device, const ts_event *event) {
    char *message = device->out + CODE_BYTES;
    ts_text code, ok, text;
    bool done = false;

    if (!ts_json_is_object(event->data)) {
        ts_note(device, TS_CODE_BAD_JSON, event->topic);
        return;
    }
    if (!ts_json_find(event->data, TS_KEY_CODE, &code) || !ts_json_find(event->data, TS_KEY_OK, &ok) ||
        !ts_json_string(code, device->out, CODE_BYTES) || !ts_json_bool(ok, &done)) {
        ts_note(device, TS_CODE_BAD_MESSAGE, event->topic);
        return;
    }
    message[0] = '\0';
    if (ts_json_find(event->data, TS_KEY_MESSAGE, &text))
        (void)ts_json_string(text, message, sizeof device->out - CODE_BYTES);
    answer(device, done && (ts_json_equals(code, "granted") || ts_json_equals(code, "released")), device->out, message);
}
