/* A test bench: it has a device on it, plays the board and the broker, and writes down what the device wants done. */
#ifndef BENCH_H
#define BENCH_H

/* CMocka wants these before it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "talkstick.h"

#define BENCH_SHOTS 64

/* One action, with all that it pointed to. */
typedef struct {
    ts_action action;
    char topic[TS_TOPIC_BYTES];
    char name[128];
    char type[512];
    char data[TS_OUT_BYTES + 1];
    size_t size;
} shot;

typedef struct {
    ts_config config;
    ts_device device;
    uint32_t now;
    shot shots[BENCH_SHOTS]; /* what the last event led to */
    size_t count;
    bool taken;    /* whether it was */
    uint32_t work; /* the number of the last one that was told: results name it */
} bench;

/* A board `scale-1` with two outputs, lamp (safe: off) and lock (safe: on). Change `config`, then switch it on. */
void bench_prepare(bench *b);
void bench_switch_on(bench *b);

/* All of it, up to where the session document is expected. */
void bench_online(bench *b);

/* The same with the trigger `hall`, and work of the session with fence 5. */
void bench_at_work(bench *b);

/* Events */
void bench_event(bench *b, ts_event event);
void bench_plain(bench *b, ts_event_kind kind, bool on);
void bench_data(bench *b, ts_event_kind kind, const char *data, bool on);
void bench_bytes(bench *b, const char *topic, const char *data, size_t size, bool retained);
void bench_message(bench *b, const char *topic, const char *data);
void bench_retained(bench *b, const char *topic, const char *data);
void bench_wait(bench *b, uint32_t ms); /* let time pass, then tick */

/* Acknowledge one publish. */
void bench_accept(bench *b, const shot *one);

/* Acknowledge whatever the last event led to, and what that leads to, until nothing is under way. */
void bench_acknowledge(bench *b);

/* Grant all subscriptions that the last event asked for; then the last event is the one that let it be born. */
void bench_grant(bench *b);

/* A session document; more keys may follow, such as ",\"job\":2". */
void bench_session(bench *b, uint32_t fence, bool in_use, const char *more);

/* What the last event led to */
const shot *bench_find(const bench *b, ts_action_kind kind); /* the first of its kind, or NULL */
const shot *bench_published(const bench *b, const char *topic);
size_t bench_count(const bench *b, ts_action_kind kind);
const shot *expect(const bench *b, ts_action_kind kind); /* the same, but it must be there */
const shot *expect_published(const bench *b, const char *topic, const char *data);
void expect_note(const bench *b, const char *code);
void expect_safe(const bench *b, ts_reason reason); /* both outputs first, then the reason */
void expect_nothing_but_show(const bench *b);

ts_view bench_view(const bench *b);

#endif
