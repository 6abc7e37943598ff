#include "board.h"
#include "clock.h"
#include "report.h"

static const char *const REASONS[] = {
    [TS_SAFE_START] = "start", [TS_SAFE_ENDED] = "ended",     [TS_SAFE_LEASE] = "lease",
    [TS_SAFE_LINK] = "link",   [TS_SAFE_REMOVED] = "removed",
};
static const char *const LINKS[] = {[TS_LINK_DOWN] = "down", [TS_LINK_CONNECTING] = "connecting", [TS_LINK_UP] = "up"};
static const char *const VOICES[] = {
    [TS_QUIET] = "quiet", [TS_RECORDING] = "recording", [TS_THINKING] = "thinking", [TS_SPEAKING] = "speaking"};

static void connect_again(board *self, const ts_action *action) {
    report_begin("did", "connect");
    report_json("will", action->data);
    report_end();
    client_connect(&self->client, action, self->config.id, self->password);
}

static void publish(board *self, const ts_action *action) {
    report_begin("did", "publish");
    report_word("topic", action->topic);
    report_payload(action->data);
    report_number("qos", action->qos);
    report_bool("retained", action->on);
    report_end();
    client_publish(&self->client, action);
}

static void save_boot(board *self, const ts_action *action) {
    self->flash->boot = action->number;
    report_begin("did", "save_boot");
    report_number("boot", action->number);
    report_bool("saved", flash_write(self->flash));
    report_end();
}

static void begin_work(board *self, const ts_action *action) {
    report_begin("did", "work");
    report_text("type", action->type);
    report_json("data", action->data);
    report_number("fence", action->fence);
    report_number("job", action->job);
    report_end();
    work_begin(&self->work, action->number, clock_ms());
}

static void obey(board *self, const ts_action *action) {
    report_begin("did", "command");
    report_text("name", action->name);
    report_json("data", action->data);
    report_number("fence", action->fence);
    report_end();
    work_obey(&self->work, action, &self->events);
}

static void switch_output(board *self, const ts_action *action) {
    report_begin("did", "output");
    report_word("name", self->options->outputs[action->number].name);
    report_bool("on", action->on);
    report_bool("safe", action->on == self->options->outputs[action->number].safe);
    report_number("fence", action->fence);
    report_end();
}

static void be_safe(board *self, const ts_action *action) {
    report_begin("did", "safe");
    report_word("reason", REASONS[action->number]);
    report_end();
    work_stop(&self->work);
}

static void clean(board *self) {
    report_begin("did", "clean");
    report_end();
    if (self->work.length_ms > 0) {
        events_push_kind(&self->events, TS_EV_CLEAN, true);
    }
}

static void show(board *self) {
    ts_view view = ts_view_of(&self->device, clock_ms());
    report_begin("did", "show");
    report_word("link", LINKS[view.link]);
    report_bool("known", view.known);
    report_bool("in_use", view.in_use);
    report_word("holder", view.holder);
    report_word("holder_name", view.holder_name);
    report_number("fence", view.fence);
    report_number("lease_ms", view.lease_ms);
    report_number("waiting", view.waiting);
    report_word("voice", VOICES[view.voice]);
    report_end();
}

static void answer(const ts_action *action) {
    report_begin("did", "answer");
    report_text("code", action->name);
    report_bool("ok", action->on);
    report_text("text", action->data);
    report_end();
}

static void record(board *self, const ts_action *action) {
    report_begin("did", "record");
    report_bool("on", action->on);
    report_end();
    microphone_switch(&self->microphone, action->on, clock_ms());
}

static void play(board *self, const ts_action *action) {
    report_begin("did", "play");
    report_number("bytes", (uint32_t)action->data.size);
    report_number("lost", action->number);
    report_end();
    speaker_play(&self->speaker, action->data, action->number, clock_ms());
}

static void note(const ts_action *action) {
    report_begin("did", "note");
    report_text("code", action->name);
    report_word("topic", action->topic == NULL ? "" : action->topic);
    report_end();
}

static void say(const char *word) {
    report_begin("did", word);
    report_end();
}

static void end(board *self, const char *word, exit_status status) {
    say(word);
    self->status = status;
}

/* What has to do with voice. Returns whether it had. */
static bool perform_voice(board *self, const ts_action *action) {
    switch (action->kind) {
    case TS_DO_RECORD: record(self, action); return true;
    case TS_DO_PLAY: play(self, action); return true;
    case TS_DO_HUSH:
        say("hush");
        speaker_hush(&self->speaker);
        return true;
    default: return false;
    }
}

/* What has to do with the connection. Returns whether it had. */
static bool perform_link(board *self, const ts_action *action) {
    switch (action->kind) {
    case TS_DO_CONNECT: connect_again(self, action); return true;
    case TS_DO_DISCONNECT:
        say("disconnect");
        client_disconnect(&self->client);
        return true;
    case TS_DO_SUBSCRIBE: client_subscribe(&self->client, action); return true;
    case TS_DO_PUBLISH: publish(self, action); return true;
    default: return false;
    }
}

static void perform_other(board *self, const ts_action *action) {
    switch (action->kind) {
    case TS_DO_SAVE_BOOT: save_boot(self, action); break;
    case TS_DO_WORK: begin_work(self, action); break;
    case TS_DO_COMMAND: obey(self, action); break;
    case TS_DO_OUTPUT: switch_output(self, action); break;
    case TS_DO_SAFE: be_safe(self, action); break;
    case TS_DO_CLEAN: clean(self); break;
    case TS_DO_SHOW: show(self); break;
    case TS_DO_ANSWER: answer(action); break;
    case TS_DO_NOTE: note(action); break;
    case TS_DO_REBOOT: end(self, "reboot", STATUS_REBOOT); break;
    case TS_DO_FORGET: end(self, "forget", flash_erase(self->flash) ? STATUS_FORGOT : STATUS_CANNOT); break;
    default: break;
    }
}

void perform(board *self) {
    ts_action action;
    while (self->status == STATUS_RUNS && ts_next(&self->device, &action)) {
        if (!perform_voice(self, &action) && !perform_link(self, &action)) {
            perform_other(self, &action);
        }
    }
}
