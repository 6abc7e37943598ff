/* What may happen in the world of a device: as the input wants it. */
#include "internal.h"
#include "world.h"

#include <stdio.h>
#include <string.h>

static void simple(world *w, ts_event_kind kind, bool on, uint32_t number) {
    ts_event event = {.kind = kind, .on = on, .number = number};
    world_handle(w, &event);
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
        world_handle(w, &event);
        return;
    }
    at = which % w->under_way;
    event.token = w->tokens[at];
    event.kind = how % 16 == 1 ? TS_EV_NOT_SENT : w->subscribes[at] ? TS_EV_SUBSCRIBED : TS_EV_ACCEPTED;
    w->under_way--;
    w->tokens[at] = w->tokens[w->under_way];
    w->subscribes[at] = w->subscribes[w->under_way];
    world_handle(w, &event);
}

static void message(world *w, const char *topic, size_t topic_size, const char *data, size_t size, bool retained) {
    ts_event event = {.kind = TS_EV_MESSAGE, .on = retained};
    event.topic = (ts_text){topic, topic_size};
    event.data = (ts_text){size == 0 ? NULL : data, size};
    if (w->connected) world_handle(w, &event);
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

    if (event.kind == TS_EV_RESULT && what % 16 > 1) event.number = w->work;
    event.data = (ts_text){data, 0};
    if (what < 160) {
        event.data.data = objects[what % 6];
        event.data.size = strlen(objects[what % 6]);
    } else if (what < 200) { /* a large object */
        event.data.size = (size_t)what * 10;
        (void)snprintf(data, sizeof data, "{%*c", (int)event.data.size - 1, '}');
    } else {
        event.data.size = fuzz_bytes(input, data, sizeof data);
    }
    world_handle(w, &event);
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
