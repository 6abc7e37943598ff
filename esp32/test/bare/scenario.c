/* One session from beginning to end, told as it goes: locked, worked, commanded, measured, unlocked. Commands of a
 * session that is over, or of none, do nothing. */
#include <string.h>

#include "bare.h"
#include "talkstick.h"

#define SESSION "devices/scale-1/session"
#define TARE "devices/scale-1/command/tare"
#define SWITCH "devices/scale-1/command/switch"
#define HELD                                                                                                           \
    "{\"state\":\"active\",\"in_use\":true,\"session\":\"5b2c1f6e-0d3a-5f1e-9c47-8a1b2c3d4e5f\",\"type\":"             \
    "\"weighing\","                                                                                                    \
    "\"holder\":\"alice\",\"holder_name\":\"Alice\",\"fence\":7,\"expires_in_s\":58.2,\"input\":{\"unit\":\"g\"},"     \
    "\"job\":1,\"complete\":false,\"queue\":[],\"revision\":9}"
#define FREE "{\"state\":\"free\",\"in_use\":false,\"session\":null,\"fence\":7,\"complete\":false,\"revision\":10}"

#define TEXT(literal) {(literal), sizeof(literal) - 1}
#define MESSAGE(to, payload) {.kind = TS_EV_MESSAGE, .topic = TEXT(to), .data = TEXT(payload)}
#define DOES(action) (1u << (action))
#define ACTS (DOES(TS_DO_WORK) | DOES(TS_DO_COMMAND) | DOES(TS_DO_OUTPUT))

/* What happens, and what the board does about it, or must not do. */
typedef struct {
    const char *title;
    ts_event event;
    uint32_t must, must_not;
} step;

static const step steps[] = {
    {"connected", {.kind = TS_EV_CONNECTED}, DOES(TS_DO_SUBSCRIBE) | DOES(TS_DO_PUBLISH), ACTS},
    {"a command before it is known who holds it", MESSAGE(TARE, "{\"fence\":7}"), DOES(TS_DO_NOTE), ACTS},
    {"locked by alice", MESSAGE(SESSION, HELD), DOES(TS_DO_WORK) | DOES(TS_DO_SHOW), DOES(TS_DO_SAFE)},
    {"her command", MESSAGE(TARE, "{\"fence\":7,\"times\":2}"), DOES(TS_DO_COMMAND), DOES(TS_DO_NOTE)},
    {"her switch", MESSAGE(SWITCH, "{\"fence\":7,\"output\":\"lamp\",\"on\":true}"), DOES(TS_DO_OUTPUT),
     DOES(TS_DO_NOTE)},
    {"a command of the session before", MESSAGE(TARE, "{\"fence\":6}"), DOES(TS_DO_NOTE), ACTS},
    {"a switch of the session before", MESSAGE(SWITCH, "{\"fence\":6,\"output\":\"lamp\",\"on\":false}"),
     DOES(TS_DO_NOTE), ACTS},
    {"a result",
     {.kind = TS_EV_RESULT, .number = 1, .data = TEXT("{\"weight_g\":181}"), .on = true},
     DOES(TS_DO_PUBLISH),
     ACTS},
    {"unlocked", MESSAGE(SESSION, FREE), DOES(TS_DO_OUTPUT) | DOES(TS_DO_SAFE), DOES(TS_DO_WORK) | DOES(TS_DO_COMMAND)},
    {"her command, too late", MESSAGE(TARE, "{\"fence\":7}"), DOES(TS_DO_NOTE), ACTS},
};

static const char *const names[] = {
    [TS_DO_CONNECT] = "connect",     [TS_DO_DISCONNECT] = "disconnect",
    [TS_DO_SUBSCRIBE] = "subscribe", [TS_DO_PUBLISH] = "publish",
    [TS_DO_SAVE_BOOT] = "save_boot", [TS_DO_WORK] = "work",
    [TS_DO_COMMAND] = "command",     [TS_DO_OUTPUT] = "output",
    [TS_DO_SAFE] = "safe",           [TS_DO_CLEAN] = "clean",
    [TS_DO_SHOW] = "show",           [TS_DO_ANSWER] = "answer",
    [TS_DO_RECORD] = "record",       [TS_DO_PLAY] = "play",
    [TS_DO_HUSH] = "hush",           [TS_DO_REBOOT] = "reboot",
    [TS_DO_FORGET] = "forget",       [TS_DO_NOTE] = "note",
};

static void emit_text(ts_text text) {
    char piece[2] = "";
    emit(" ");
    for (size_t i = 0; i < text.size; i++) {
        piece[0] = text.data[i];
        emit(piece);
    }
}

static void tell(const ts_action *action) {
    emit("    ");
    emit(names[action->kind]);
    if (action->topic != NULL) {
        emit(" ");
        emit(action->topic);
    }
    if (action->type.size > 0) emit_text(action->type);
    if (action->name.size > 0) emit_text(action->name);
    if (action->data.size > 0) emit_text(action->data);
    if (action->kind == TS_DO_OUTPUT) emit(action->on ? " on" : " off");
    emit("\n");
}

/* Take all actions, tell them, and write the broker's answers to `answers`; return which kinds there were. */
static uint32_t perform(ts_device *device, ts_event *answers, size_t room, size_t *count) {
    uint32_t done = 0;
    ts_action action;
    while (ts_next(device, &action)) {
        tell(&action);
        done |= DOES(action.kind);
        bool asks = action.kind == TS_DO_SUBSCRIBE || (action.kind == TS_DO_PUBLISH && action.qos == 1);
        if (asks && *count < room) {
            ts_event_kind kind = action.kind == TS_DO_SUBSCRIBE ? TS_EV_SUBSCRIBED : TS_EV_ACCEPTED;
            answers[(*count)++] = (ts_event){.kind = kind, .token = action.token, .on = true};
        }
    }
    return done;
}

/* Let it happen; the broker grants and acknowledges all that is asked of it. */
static uint32_t happen(ts_device *device, const ts_event *event, uint32_t now) {
    static ts_event answers[16]; /* not on the stack, which is measured */
    size_t count = 0;
    (void)ts_handle(device, event, now);
    uint32_t done = perform(device, answers, 16, &count);
    for (size_t i = 0; i < count; i++) {
        (void)ts_handle(device, &answers[i], now);
        done |= perform(device, answers, 16, &count);
    }
    return done;
}

static int judge(const char *title, uint32_t done, uint32_t must, uint32_t must_not) {
    if ((done & must) == must && (done & must_not) == 0) return 0;
    emit("WRONG: ");
    emit(title);
    emit("\n");
    return 1;
}

int scenario(void) {
    static ts_device device;
    static const ts_output outputs[] = {{"lamp", false}};
    static const ts_config config = {
        .id = "scale-1", .model = "bare", .outputs = outputs, .output_count = 1, .boot = 16, .seed = 1};
    size_t count = 0;
    emit("switched on\n");
    int wrong = !ts_init(&device, &config, 0);
    uint32_t done = perform(&device, NULL, 0, &count);
    wrong += judge("switched on", done, DOES(TS_DO_SAFE) | DOES(TS_DO_SAVE_BOOT) | DOES(TS_DO_CONNECT), 0);
    for (uint32_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
        emit(steps[i].title);
        emit("\n");
        done = happen(&device, &steps[i].event, (i + 1) * 100u);
        wrong += judge(steps[i].title, done, steps[i].must, steps[i].must_not);
    }
    return wrong;
}
