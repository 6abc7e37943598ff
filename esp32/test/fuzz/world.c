#include "world.h"

#include "internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MOST_ACTIONS 48 /* of one event: 3 outputs, 8 and as many frames to do, and each chore once */

static const ts_output outputs[] = {{"lamp", false}, {"lock", true}, {"pump", false}};

static void look_at_publish(world *w, const ts_action *action) {
    fuzz_expect(w->connected && !w->leaving, "nothing is said without a connection");
    fuzz_expect(strpbrk(action->topic, "+#") == NULL, "no wildcards where one publishes");
    fuzz_expect(action->data.size > 0 && action->data.size <= TS_OUT_BYTES + 2048, "a payload has a size");
    fuzz_expect((action->qos == 1) == (action->token != 0), "what is acknowledged has a token");
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

/* -- What happens -- */

/* Know of the document what the server meant, without asking the device. */
static void heed(world *w, ts_text data) {
    ts_session session;
    ts_work work;

    memset(&session, 0, sizeof session);
    if (w->device->link != TS_LINK_UP || w->device->down_for_good) return; /* it does not listen any more */
    if (data.size == 0) {
        w->in_use = false;
        return;
    }
    if (ts_document_read(data, &session, &work) != NULL) return;
    if (session.fence < w->fence) return;
    if (session.fence > w->fence || !w->told || session.in_use) w->in_use = session.in_use;
    w->fence = session.fence;
    w->told = true;
}

static void handle(world *w, const ts_event *event) {
    /* Memory of just this size: reading beyond it shows. */
    char *topic = malloc(event->topic.size + 1), *data = malloc(event->data.size + 1);
    ts_event copy = *event;

    fuzz_expect(topic != NULL && data != NULL, "there is memory");
    topic = realloc(topic, event->topic.size > 0 ? event->topic.size : 1);
    data = realloc(data, event->data.size > 0 ? event->data.size : 1);
    if (event->topic.size > 0) memcpy(topic, event->topic.data, event->topic.size);
    if (event->data.size > 0) memcpy(data, event->data.data, event->data.size);
    copy.topic.data = event->topic.data == NULL ? NULL : topic;
    copy.data.data = event->data.data == NULL ? NULL : data;
    (void)ts_handle(w->device, &copy, w->now);
    if (w->document) heed(w, copy.data);
    drain(w);
    free(topic);
    free(data);
    w->command = w->document = false;
}

static void simple(world *w, ts_event_kind kind, bool on, uint32_t number) {
    ts_event event = {.kind = kind, .on = on, .number = number};
    handle(w, &event);
}

static void connection_ends(world *w, ts_event_kind kind, uint32_t number) {
    w->connecting = w->connected = w->leaving = false;
    w->under_way = 0;
    w->told = w->in_use = false;
    simple(w, kind, false, number);
}

static void connected(world *w) {
    if (w->connecting && !w->leaving) {
        w->connecting = false;
        w->connected = true;
    }
    simple(w, TS_EV_CONNECTED, false, 0);
}

static void network(world *w, fuzz_input *input) {
    if (w->connecting) {
        uint8_t how = fuzz_byte(input) % 8;
        if (how < 6 && !w->leaving) {
            connected(w);
        } else {
            connection_ends(w, how == 6 ? TS_EV_REFUSED : TS_EV_LOST, fuzz_byte(input) % 7);
        }
    } else if (w->connected) {
        connection_ends(w, TS_EV_LOST, 0);
    }
}

static void acknowledge(world *w, fuzz_input *input) {
    uint8_t which = fuzz_byte(input);
    uint8_t how = fuzz_byte(input);
    ts_event event = {.kind = TS_EV_ACCEPTED, .on = how % 32 != 0, .token = (uint16_t)(how * 257U)};
    size_t at;

    if (w->under_way == 0 || which == 255) { /* a token that nobody waits for */
        handle(w, &event);
        return;
    }
    at = which % w->under_way;
    event.token = w->tokens[at];
    event.kind = how % 16 == 1 ? TS_EV_NOT_SENT : w->subscribes[at] ? TS_EV_SUBSCRIBED : TS_EV_ACCEPTED;
    w->under_way--;
    w->tokens[at] = w->tokens[w->under_way];
    w->subscribes[at] = w->subscribes[w->under_way];
    handle(w, &event);
}

static void message(world *w, const char *topic, size_t topic_size, const char *data, size_t size, bool retained) {
    ts_event event = {.kind = TS_EV_MESSAGE, .on = retained};
    event.topic = (ts_text){topic, topic_size};
    event.data = (ts_text){size == 0 ? NULL : data, size};
    if (w->connected) handle(w, &event);
    w->command = w->document = false;
}

static void document(world *w, fuzz_input *input) {
    static const char *const states[] = {"active",  "free",    "resetting", "grace",
                                         "offered", "cooling", "\\u0061",   "new"};
    char text[1024];
    uint8_t flags = fuzz_byte(input);
    uint32_t fence = fuzz_number(input), revision = fuzz_number(input), job = fuzz_number(input);
    uint8_t more = fuzz_byte(input);
    int size =
        snprintf(text, sizeof text,
                 "{\"state\":\"%s\",\"in_use\":%s,\"session\":\"s-%u\",\"type\":\"a\",\"holder\":\"%s\",\"fence\":%u,"
                 "\"revision\":%u,\"job\":%u,\"expires_in_s\":%s,\"complete\":%s,\"input\":{\"a\":[%u]},"
                 "\"queue\":[1,2]}",
                 states[more % 8], flags % 4 == 3 ? "false" : "true", more % 16 < 4 ? 1 : (unsigned)fence,
                 more % 2 == 0 ? "alice" : "bob", (unsigned)fence, (unsigned)revision, (unsigned)job,
                 more % 32 == 0   ? "null"
                 : more % 32 == 1 ? "0.5"
                                  : "60.25",
                 flags % 8 == 5 ? "true" : "false", (unsigned)more);
    w->document = true;
    message(w, "devices/d-1/session", strlen("devices/d-1/session"), text, (size_t)size, flags >= 128);
}

static void command(world *w, fuzz_input *input) {
    char text[128], topic[64];
    uint8_t kind = fuzz_byte(input);
    uint32_t fence = kind % 2 == 0 ? w->fence : fuzz_number(input);
    int size = snprintf(text, sizeof text, "{\"fence\":%u,\"output\":\"%s\",\"on\":%s}", (unsigned)fence,
                        kind % 8 < 6 ? "lamp" : "lock", kind % 3 == 0 ? "false" : "true");
    (void)snprintf(topic, sizeof topic, "devices/d-1/command/%s", kind % 4 < 3 ? "switch" : "tare");
    w->command = true;
    w->command_fence = fence;
    message(w, topic, strlen(topic), text, (size_t)size, kind > 240);
}

static void speech(world *w, fuzz_input *input) {
    char frame[64] = {0}, topic[64];
    uint8_t kind = fuzz_byte(input);

    (void)snprintf(topic, sizeof topic, "devices/d-1/speech/%u", (unsigned)fuzz_number(input));
    frame[1] = (char)fuzz_byte(input);
    frame[2] = (char)(kind & 7U);
    frame[3] = (char)(kind > 250 ? 3 : w->config.speech_codec);
    message(w, topic, strlen(topic), frame, kind % 64 < 2 ? kind % 8 : kind % 3 == 0 ? 4 : 40, false);
}

static void conversation(world *w, fuzz_input *input) {
    static const char *const events[] = {"final", "error", "partial", "spoken"};
    char text[128];
    uint8_t kind = fuzz_byte(input);
    int size = snprintf(text, sizeof text, "{\"event\":\"%s\",\"turn\":%u,\"code\":\"no_speech\"}", events[kind % 4],
                        (unsigned)(kind < 128 ? w->device->voice.said_turn : fuzz_number(input)));
    message(w, "devices/d-1/conversation", strlen("devices/d-1/conversation"), text, (size_t)size, false);
}

/* Any bytes, on a topic of ours or on any. */
static void garbage(world *w, fuzz_input *input) {
    static const char *const topics[] = {"devices/d-1/session",      "devices/d-1/command/switch",
                                         "devices/d-1/command/go",   "devices/d-1/speech/1",
                                         "devices/d-1/conversation", "devices/d-1/session/reply/d-1"};
    char topic[300], data[2048];
    uint8_t which = fuzz_byte(input);
    size_t topic_size = which < 7 * 6 ? 0 : fuzz_bytes(input, topic, sizeof topic);
    size_t size = fuzz_bytes(input, data, sizeof data);

    if (which < 7 * 6) {
        topic_size = strlen(topics[which % 6]);
        memcpy(topic, topics[which % 6], topic_size);
        w->document = which % 6 == 0;
        if (which % 6 == 1 || which % 6 == 2) {
            ts_text fence;
            w->command = ts_json_is_object((ts_text){data, size}) &&
                         ts_json_find((ts_text){data, size}, "fence", &fence) && ts_json_u32(fence, &w->command_fence);
        }
    }
    message(w, topic, topic_size, data, size, which % 2 == 1);
}

static void board(world *w, fuzz_input *input) {
    static const ts_event_kind kinds[] = {TS_EV_BUTTON,    TS_EV_AUDIO,  TS_EV_PLAYED, TS_EV_RESULT,
                                          TS_EV_TELEMETRY, TS_EV_SENSED, TS_EV_CLEAN,  TS_EV_BADGE};
    static const char *const objects[] = {"{}", "", "{\"weight_kg\":70.5}", "alice", "no", "{\"a\":\"\\u00e4\"}"};
    char data[2048];
    uint8_t kind = fuzz_byte(input);
    uint8_t what = fuzz_byte(input);
    ts_event event = {.kind = kinds[kind % 8], .on = what % 2 == 1, .number = what % 4};

    event.data = (ts_text){data, 0};
    if (what < 160) {
        event.data.data = objects[what % 6];
        event.data.size = strlen(objects[what % 6]);
    } else if (what < 200) { /* a large object */
        size_t size = (size_t)what * 10;
        memset(data, ' ', size);
        data[0] = '{';
        data[size - 1] = '}';
        event.data.size = size;
    } else {
        event.data.size = fuzz_bytes(input, data, sizeof data);
    }
    handle(w, &event);
}

static void pass_time(world *w, fuzz_input *input) {
    uint8_t kind = fuzz_byte(input);
    uint32_t due = ts_due_ms(w->device, w->now);

    if (kind < 128)
        w->now += due;
    else if (kind < 250)
        w->now += (uint32_t)(kind - 128) * 100;
    else
        w->now += 3600000;
    simple(w, TS_EV_TICK, false, 0);
    fuzz_expect(ts_due_ms(w->device, w->now) > 0, "a tick does all that is due");
}

void world_event(world *w, fuzz_input *input) {
    static void (*const happenings[])(world *, fuzz_input *) = {
        pass_time,    acknowledge, acknowledge, document, command, speech,
        conversation, board,       board,       garbage,  network, acknowledge,
    };
    uint8_t which = fuzz_byte(input);

    if (which >= 252 && w->connected)
        simple(w, which % 2 == 0 ? TS_EV_SLEEP : TS_EV_GOODBYE, false, fuzz_number(input));
    else if (which >= 250)
        connection_ends(w, which % 2 == 0 ? TS_EV_LOST : TS_EV_REFUSED, fuzz_byte(input) % 7);
    else if (which >= 248)
        connected(w); /* whether or not one was tried */
    else if (w->connecting && which % 2 == 0)
        network(w, input);
    else
        happenings[which % (sizeof happenings / sizeof *happenings)](w, input);
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
