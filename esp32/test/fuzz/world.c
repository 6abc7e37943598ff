#include "world.h"

#include "internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MOST_ACTIONS 48 /* of one event: 3 outputs, 8 and as many frames to do, and each chore once */

static const ts_output outputs[] = {{"lamp", false}, {"lock", true}, {"pump", false}};

/* A birth tells the highest fence there was, so that the server can go on above it. */
static void look_at_birth(const world *w, ts_text data) {
    ts_text state, value;
    uint32_t fence = 0;

    if (!ts_json_find(data, "state", &state) || !ts_json_equals(state, "online")) return;
    if (ts_json_find(data, "fence", &value)) fuzz_expect(ts_json_u32(value, &fence), "a fence is a number");
    fuzz_expect(fence == w->fence, "the highest fence is told");
}

static void look_at_publish(world *w, const ts_action *action) {
    fuzz_expect(w->connected && !w->leaving, "nothing is said without a connection");
    fuzz_expect(strpbrk(action->topic, "+#") == NULL, "no wildcards where one publishes");
    fuzz_expect(action->data.size > 0 && action->data.size <= TS_OUT_BYTES + 2048, "a payload has a size");
    fuzz_expect((action->qos == 1) == (action->token != 0), "what is acknowledged has a token");
    if (strstr(action->topic, "/status") != NULL) look_at_birth(w, action->data);
    if (strstr(action->topic, "/audio/") == NULL)
        fuzz_expect(ts_json_is_object(action->data), "what is said is JSON");
    else
        fuzz_expect(w->config.voice && action->data.size >= TS_FRAME_HEADER, "a frame has a header");
}

static void look_at_token(world *w, const ts_action *action) {
    if (action->token == 0) return;
    for (size_t i = 0; i < w->under_way; i++)
        fuzz_expect(w->tokens[i] != action->token, "a token is used once at a time");
    fuzz_expect(w->under_way < WORLD_TOKENS, "what is under way is bounded");
    w->subscribes[w->under_way] = action->kind == TS_DO_SUBSCRIBE;
    w->tokens[w->under_way++] = action->token;
}

static void look_at_connect(world *w, const ts_action *action) {
    ts_text boot;
    uint32_t number = 0;

    fuzz_expect(w->leaving || (!w->connecting && !w->connected), "one connection at a time");
    w->connected = w->leaving = false; /* nobody said that the last one is over; the device did not wait for it */
    w->told = w->in_use = false;
    w->under_way = 0;
    fuzz_expect(ts_json_find(action->data, "boot", &boot) && ts_json_u32(boot, &number), "the last will has a number");
    fuzz_expect(number > w->boot || number == UINT32_MAX, "boot numbers rise with each connection");
    fuzz_expect(number <= w->saved, "a boot number is saved before it is used");
    w->boot = number;
    w->connecting = true;
}

static void look_at_deed(world *w, const ts_action *action, bool safe_follows) {
    if (action->kind == TS_DO_OUTPUT) {
        fuzz_expect(action->number < w->config.output_count, "there is such an output");
        w->outputs[action->number] = action->on;
        if (safe_follows) return;
    }
    if (action->kind == TS_DO_OUTPUT || action->kind == TS_DO_COMMAND) {
        fuzz_expect(w->command && w->connected, "only a command commands");
        fuzz_expect(w->told && w->in_use, "nothing is commanded that nobody holds");
        fuzz_expect(action->fence == w->fence && w->command_fence == w->fence, "a command has the newest fence");
    }
    if (action->kind == TS_DO_WORK) {
        fuzz_expect(w->told && w->in_use && action->fence == w->fence, "work is that of the session");
        fuzz_expect(ts_json_is_object(action->data), "an input is an object");
        fuzz_expect(action->number > w->work, "each work has a number of its own");
        w->work = action->number;
    }
}

static void perform(world *w, const ts_action *action, bool safe_follows) {
    fuzz_expect(action->topic == NULL || strlen(action->topic) < TS_TOPIC_BYTES, "a topic is bounded");
    look_at_token(w, action);
    look_at_deed(w, action, safe_follows);
    switch (action->kind) {
    case TS_DO_CONNECT: look_at_connect(w, action); break;
    case TS_DO_DISCONNECT: w->leaving = true; break;
    case TS_DO_SUBSCRIBE: fuzz_expect(w->connected && !w->leaving, "subscriptions need a connection"); break;
    case TS_DO_PUBLISH: look_at_publish(w, action); break;
    case TS_DO_SAVE_BOOT: w->saved = action->number; break;
    case TS_DO_RECORD:
        fuzz_expect(w->recording != action->on, "the microphone is switched, not told again");
        w->recording = action->on;
        break;
    case TS_DO_PLAY: fuzz_expect(action->data.size > 0, "there is something to play"); break;
    case TS_DO_NOTE: fuzz_expect(action->name.size > 0 && action->topic != NULL, "a note says what and where"); break;
    default: break;
    }
}

static void look_around(const world *w) {
    ts_view view = ts_view_of(w->device, w->now);
    uint32_t due = ts_due_ms(w->device, w->now);

    for (size_t i = 0; i < w->config.output_count; i++)
        fuzz_expect(view.in_use || w->outputs[i] == outputs[i].safe, "what nobody holds is safe");
    fuzz_expect(!w->recording || (w->connected && view.voice == TS_RECORDING), "nobody listens without a connection");
    fuzz_expect(due <= 3600000, "a tick comes every hour");
    fuzz_expect(strlen(view.holder) < TS_NAME_BYTES && strlen(view.holder_name) < TS_NAME_BYTES, "names are bounded");
    fuzz_expect(w->device->queue_size <= TS_QUEUE_BYTES, "the queue is bounded");
}

static void drain(world *w) {
    ts_action actions[MOST_ACTIONS], action;
    bool safe = w->device->safe; /* its outputs come first */
    size_t count = 0;

    while (ts_next(w->device, &action)) {
        fuzz_expect(count < MOST_ACTIONS, "an event leads to so much and no more");
        actions[count++] = action;
        perform(w, &action, safe);
        if (action.kind == TS_DO_SAFE) safe = false;
    }
    (void)actions;
    look_around(w);
}

static bool is_over(const ts_session *session) {
    return session->state != TS_STATE_ACTIVE && session->state != TS_STATE_OFFERED && session->state != TS_STATE_GRACE;
}

/* A fence that another session had, or that is over, is good for none: only a higher one is, from now on. */
static bool is_given_again(world *w, const ts_session *session) {
    bool another = session->id[0] != '\0' && w->id[0] != '\0' && strcmp(session->id, w->id) != 0;
    bool again = w->told && w->over && !is_over(session) && session->revision < w->revision;

    if (session->fence != w->fence || !(another || again)) return false;
    w->fence += w->fence < UINT32_MAX ? 1 : 0;
    w->id[0] = '\0';
    w->told = w->in_use = false;
    return true;
}

/* Know of the document what the server meant, without asking the device. */
static void heed(world *w, ts_text data) {
    ts_session session;
    ts_work work;

    memset(&session, 0, sizeof session);
    session.revision = w->revision;
    if (w->device->link != TS_LINK_UP || w->device->down_for_good) return; /* it does not listen any more */
    if (data.size == 0) {
        w->in_use = false;
        w->over = true;
        return;
    }
    if (ts_document_read(data, &session, &work) != NULL) return;
    if (session.fence < w->fence || is_given_again(w, &session)) return;
    if (w->told && session.fence == w->fence && session.revision < w->revision && (w->over || !is_over(&session)))
        return;
    if (session.fence != w->fence || session.id[0] != '\0') memcpy(w->id, session.id, sizeof w->id);
    w->fence = session.fence;
    w->revision = session.revision;
    w->in_use = session.in_use;
    w->over = is_over(&session);
    w->told = true;
}

/* Memory of just this size: reading beyond it shows. */
static char *copy_of(ts_text text) {
    char *copy = malloc(text.size > 0 ? text.size : 1);

    fuzz_expect(copy != NULL, "there is memory");
    if (copy != NULL && text.size > 0) memcpy(copy, text.data, text.size);
    return copy;
}

static void look_at_refusal(const ts_event *event, bool ended, bool taken) {
    if (taken) return;
    fuzz_expect(event->kind != TS_EV_SENSED, "there is room for what is sensed");
    fuzz_expect(event->kind != TS_EV_RESULT || !event->on || ended, "there is room for the end of the work");
}

void world_handle(world *w, const ts_event *event) {
    ts_event copy = *event;
    char *topic = copy_of(event->topic), *data = copy_of(event->data);
    bool ended = ts_outbox_has_end(w->device);

    copy.topic.data = event->topic.data == NULL ? NULL : topic;
    copy.data.data = event->data.data == NULL ? NULL : data;
    look_at_refusal(event, ended, ts_handle(w->device, &copy, w->now));
    fuzz_expect(w->device->todo_count < TS_TODO, "there is room for what is to be done");
    if (w->document) heed(w, copy.data);
    drain(w);
    free(topic);
    free(data);
    w->command = w->document = false;
}

void world_begin(world *w, fuzz_input *input) {
    uint8_t flags = fuzz_byte(input);
    uint8_t more = fuzz_byte(input);

    memset(w, 0, sizeof *w);
    w->device = malloc(sizeof *w->device);
    fuzz_expect(w->device != NULL, "there is memory");
    w->now = more % 4 == 0 ? UINT32_MAX - 5000 : more;
    w->config.id = "d-1";
    w->config.outputs = outputs;
    w->config.output_count = flags % 4;
    w->config.trigger = (flags & 4U) != 0 ? "hall" : NULL;
    w->config.clean_step = (flags & 8U) != 0;
    w->config.voice = (flags & 16U) != 0;
    w->config.badges = (flags & 32U) != 0;
    w->config.pulse = (flags & 64U) != 0;
    w->config.speech_codec = TS_CODEC_MULAW_8K;
    w->config.link_grace_ms = (more & 4U) != 0 ? 5000 : 0;
    w->config.give_up_ms = (more & 8U) != 0 ? 60000 : 0;
    w->config.boot = fuzz_number(input);
    w->config.seed = more;
    w->boot = w->config.boot;
    w->saved = w->config.boot;
    for (size_t i = 0; i < 3; i++) w->outputs[i] = !outputs[i].safe; /* who knows, at power-on */
    fuzz_expect(ts_init(w->device, &w->config, w->now), "it can begin");
    drain(w);
}

void world_end(world *w) { free(w->device); }
