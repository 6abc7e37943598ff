#include "bench.h"

#include <stdio.h>
#include <string.h>

static const ts_output outputs[] = {{"lamp", false}, {"lock", true}};

void bench_prepare(bench *b) {
    memset(b, 0, sizeof *b);
    b->now = 1000;
    b->config.id = "scale-1";
    b->config.outputs = outputs;
    b->config.output_count = 2;
    b->config.seed = 7;
}

static void copy(char *to, size_t size, ts_text text) {
    assert_true(text.size < size);
    if (text.size > 0) memcpy(to, text.data, text.size);
    to[text.size] = '\0';
}

static void collect(bench *b) {
    ts_action action;

    while (ts_next(&b->device, &action)) {
        shot *one = &b->shots[b->count++];
        assert_true(b->count < BENCH_SHOTS);
        one->action = action;
        if (action.kind == TS_DO_WORK) b->work = action.number;
        copy(one->topic, sizeof one->topic, (ts_text){action.topic, action.topic == NULL ? 0 : strlen(action.topic)});
        copy(one->name, sizeof one->name, action.name);
        copy(one->type, sizeof one->type, action.type);
        copy(one->data, sizeof one->data, action.data);
        one->size = action.data.size;
    }
}

void bench_switch_on(bench *b) {
    b->count = 0;
    assert_true(ts_init(&b->device, &b->config, b->now));
    collect(b);
}

void bench_event(bench *b, ts_event event) {
    b->count = 0;
    b->taken = ts_handle(&b->device, &event, b->now);
    collect(b);
}

void bench_plain(bench *b, ts_event_kind kind, bool on) {
    ts_event event = {0};
    event.kind = kind;
    event.on = on;
    bench_event(b, event);
}

void bench_data(bench *b, ts_event_kind kind, const char *data, bool on) {
    ts_event event = {0};
    event.kind = kind;
    event.on = on;
    event.number = kind == TS_EV_RESULT ? b->work : 0;
    event.data = (ts_text){data, strlen(data)};
    bench_event(b, event);
}

void bench_bytes(bench *b, const char *topic, const char *data, size_t size, bool retained) {
    ts_event event = {0};
    event.kind = TS_EV_MESSAGE;
    event.on = retained;
    event.topic = (ts_text){topic, strlen(topic)};
    event.data = (ts_text){data, size};
    bench_event(b, event);
}

void bench_message(bench *b, const char *topic, const char *data) { bench_bytes(b, topic, data, strlen(data), false); }

void bench_retained(bench *b, const char *topic, const char *data) { bench_bytes(b, topic, data, strlen(data), true); }

void bench_wait(bench *b, uint32_t ms) {
    b->now += ms;
    bench_plain(b, TS_EV_TICK, false);
}

void bench_accept(bench *b, const shot *one) {
    bench_event(b, (ts_event){.kind = TS_EV_ACCEPTED, .token = one->action.token});
}

void bench_acknowledge(bench *b) {
    struct {
        ts_event_kind kind;
        uint16_t token;
    } waiting[256];
    size_t first = 0, last = 0;

    for (;;) {
        for (size_t i = 0; i < b->count; i++) {
            if (b->shots[i].action.token == 0) continue;
            assert_true(last < 256);
            waiting[last].kind = b->shots[i].action.kind == TS_DO_SUBSCRIBE ? TS_EV_SUBSCRIBED : TS_EV_ACCEPTED;
            waiting[last++].token = b->shots[i].action.token;
        }
        if (first == last) return;
        bench_event(b, (ts_event){.kind = waiting[first].kind, .on = true, .token = waiting[first].token});
        first++;
    }
}

void bench_grant(bench *b) {
    uint16_t tokens[BENCH_SHOTS];
    size_t count = 0;

    for (size_t i = 0; i < b->count; i++)
        if (b->shots[i].action.kind == TS_DO_SUBSCRIBE) tokens[count++] = b->shots[i].action.token;
    for (size_t i = 0; i < count; i++)
        bench_event(b, (ts_event){.kind = TS_EV_SUBSCRIBED, .on = true, .token = tokens[i]});
}

void bench_online(bench *b) {
    bench_switch_on(b);
    bench_plain(b, TS_EV_CONNECTED, false);
    bench_acknowledge(b);
}

void bench_session(bench *b, uint32_t fence, bool in_use, const char *more) {
    char text[1024];
    static uint32_t revision;

    (void)snprintf(text, sizeof text,
                   "{\"state\":\"%s\",\"in_use\":%s,\"session\":\"uuid-%u\",\"type\":\"weighing\",\"holder\":\"alice\","
                   "\"holder_name\":\"Alice\",\"fence\":%u,\"expires_in_s\":60,\"input\":{\"unit\":\"g\"},\"job\":1,"
                   "\"revision\":%u,\"queue\":[]%s}",
                   in_use ? "active" : "free", in_use ? "true" : "false", fence, fence, ++revision, more);
    bench_retained(b, "devices/scale-1/session", text);
}

void bench_at_work(bench *b) {
    bench_prepare(b);
    b->config.trigger = "hall";
    bench_online(b);
    bench_session(b, 5, true, "");
}

const shot *bench_find(const bench *b, ts_action_kind kind) {
    for (size_t i = 0; i < b->count; i++)
        if (b->shots[i].action.kind == kind) return &b->shots[i];
    return NULL;
}

const shot *bench_published(const bench *b, const char *topic) {
    for (size_t i = 0; i < b->count; i++)
        if (b->shots[i].action.kind == TS_DO_PUBLISH && strcmp(b->shots[i].topic, topic) == 0) return &b->shots[i];
    return NULL;
}

size_t bench_count(const bench *b, ts_action_kind kind) {
    size_t count = 0;
    for (size_t i = 0; i < b->count; i++) count += b->shots[i].action.kind == kind ? 1 : 0;
    return count;
}

const shot *expect(const bench *b, ts_action_kind kind) {
    const shot *found = bench_find(b, kind);
    assert_non_null(found);
    return found;
}

const shot *expect_published(const bench *b, const char *topic, const char *data) {
    const shot *found = bench_published(b, topic);
    assert_non_null(found);
    assert_string_equal(found->data, data);
    return found;
}

void expect_note(const bench *b, const char *code) { assert_string_equal(expect(b, TS_DO_NOTE)->name, code); }

void expect_safe(const bench *b, ts_reason reason) {
    const shot *safe = expect(b, TS_DO_SAFE);
    assert_int_equal(safe->action.number, reason);
    assert_true(safe - b->shots >= 2);
    for (uint32_t i = 0; i < 2; i++) {
        assert_int_equal(safe[-2 + (int)i].action.kind, TS_DO_OUTPUT);
        assert_int_equal(safe[-2 + (int)i].action.number, i);
        assert_int_equal(safe[-2 + (int)i].action.on, outputs[i].safe);
    }
}

void expect_nothing_but_show(const bench *b) {
    for (size_t i = 0; i < b->count; i++) assert_int_equal(b->shots[i].action.kind, TS_DO_SHOW);
}

ts_view bench_view(const bench *b) { return ts_view_of(&b->device, b->now); }
