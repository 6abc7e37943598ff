/* Commands of the holder: only with the fence of the session, as the document of this connection has it. */
#include "internal.h"

/* Return what is wrong with a command, or NULL. */
static const char *fault_of(const ts_session *session, const ts_event *event) {
    uint32_t fence;
    ts_text value;

    if (event->on) return TS_CODE_RETAINED;
    if (!ts_json_is_object(event->data)) return TS_CODE_BAD_JSON;
    if (!ts_json_find(event->data, TS_KEY_FENCE, &value) || !ts_json_u32(value, &fence)) return TS_CODE_BAD_MESSAGE;
    if (!session->known || !session->in_use) return TS_CODE_NOT_IN_USE;
    return fence == session->fence ? NULL : TS_CODE_STALE_FENCE;
}

/* Read {"output":NAME,"on":true}. Returns false where there is no such output. */
static bool read_switch(const ts_config *config, ts_text data, uint32_t *number, bool *on) {
    ts_text output, value;

    if (!ts_json_find(data, TS_KEY_OUTPUT, &output) || !ts_json_find(data, "on", &value) || !ts_json_bool(value, on))
        return false;
    for (*number = 0; *number < config->output_count; (*number)++)
        if (ts_json_equals(output, config->outputs[*number].name)) return true;
    return false;
}

void ts_command(ts_device *device, const ts_event *event, ts_text name) {
    const char *wrong = fault_of(&device->session, event);
    ts_action action = {0};

    action.kind = TS_DO_COMMAND;
    action.fence = device->session.fence;
    action.name = name;
    action.data = event->data;
    if (wrong == NULL && ts_text_is(name, "switch") && device->config->output_count > 0) {
        action.kind = TS_DO_OUTPUT;
        action.data = ts_text_of(NULL);
        if (!read_switch(device->config, event->data, &action.number, &action.on)) wrong = TS_CODE_BAD_MESSAGE;
    }
    if (wrong != NULL)
        ts_note(device, wrong, event->topic);
    else
        ts_todo(device, action);
}
