#include "replay.h"

#include <string.h>

#include "subject.h"

#define MAX_ACTIONS 200 /* of one event: more have no end */

/* A replay in progress. There is one at a time, and it is too large for the stack of a chip. */
static struct {
    const char *name;
    ts_text text;  /* what is left */
    uint32_t line; /* the number of the line that was taken last */
    bool prints;
    bool failed;

    subject subject;
    uint32_t now;
    uint32_t actions;
    uint32_t work; /* the number of the last one */
    tokens_due subscribes, publishes;
    line_out got;
    char data[DATA_BYTES];
} play;

static void emit_text(ts_text text) {
    char piece[64];
    while (text.size > 0) {
        size_t size = text.size < sizeof piece ? text.size : sizeof piece - 1;
        memcpy(piece, text.data, size);
        piece[size] = '\0';
        emit(piece);
        text = (ts_text){text.data + size, text.size - size};
    }
}

static void emit_number(uint32_t number) {
    static line_out text;
    text.size = 0;
    put_number(&text, number);
    emit_text((ts_text){text.data, text.size});
}

static bool differs(ts_text expected, ts_text got) {
    emit(play.name);
    emit(":");
    emit_number(play.line);
    emit(":\n  expected: ");
    emit_text(expected);
    emit("\n  got:      ");
    emit_text(got);
    emit("\n");
    play.failed = true;
    return false;
}

static ts_text word(const char *text) { return (ts_text){text, strlen(text)}; }

static bool take(ts_text *line) {
    if (!take_line(&play.text, line)) {
        return false;
    }
    play.line++;
    return true;
}

/* Tell whether a line says nothing to a board: a comment, or what happens on the side of the server. */
static bool is_aside(ts_text line) {
    size_t at = 0;
    while (at < line.size && line.data[at] == ' ') {
        at++;
    }
    return at == line.size || line.data[at] == '#' || line.data[at] == '~';
}

/* Take the next line if it is an action that is written. */
static bool take_expected(ts_text *line) {
    ts_text rest = play.text, next;
    while (take_line(&rest, &next) && (is_aside(next) || starts_with(next, "  "))) {
        take(line);
        if (!is_aside(next)) {
            *line = (ts_text){next.data + 2, next.size - 2};
            return true;
        }
    }
    return false;
}

static bool compare(void) {
    ts_text got = {play.got.data, play.got.size}, expected;
    play.actions++;
    if (play.prints) {
        emit("  ");
        emit_text(got);
        emit("\n");
        return true;
    }
    if (!take_expected(&expected)) {
        return differs(word("(nothing more)"), got);
    }
    bool same = got.size == expected.size && memcmp(got.data, expected.data, got.size) == 0;
    return same || differs(expected, got);
}

/* Keep what is to be answered, and what a restart needs. */
static void remember(const ts_action *action) {
    switch (action->kind) {
    case TS_DO_SUBSCRIBE: token_add(&play.subscribes, action->token); break;
    case TS_DO_WORK: play.work = action->number; break;
    case TS_DO_SAVE_BOOT: play.subject.board.config.boot = action->number; break;
    case TS_DO_PUBLISH:
        if (action->qos > 0) {
            token_add(&play.publishes, action->token);
        }
        break;
    default: break;
    }
}

static bool perform(void) {
    ts_action action;
    for (unsigned count = 0; count < MAX_ACTIONS; count++) {
        play.got.size = 0;
        if (!subject_next(&play.subject, &action)) {
            return !subject_news(&play.subject, &play.got) || compare();
        }
        subject_render(&play.subject, &action, play.now, &play.got);
        remember(&action);
        if (!compare()) {
            return false;
        }
    }
    return differs(word("(an end)"), word("(more and more actions)"));
}

static bool handle(const ts_event *event) {
    if (!subject_handle(&play.subject, event, play.now)) {
        play.got.size = 0;
        put(&play.got, "not_taken");
        if (!compare()) {
            return false;
        }
    }
    return perform();
}

/* Give the board the answer to what it sent first, or to all that it sent. */
static bool answer(ts_event *event, tokens_due *due, ts_text line) {
    bool all = is_word(line, "all"), any = false;
    event->on = !is_word(line, "no");
    while ((all || !any) && token_take(due, &event->token)) {
        any = true;
        if (!handle(event)) {
            return false;
        }
    }
    return any || play.prints || differs(word("(something to be answered)"), word("(nothing)"));
}

static bool start(void) {
    play.subscribes.count = play.publishes.count = 0;
    return subject_start(&play.subject, play.now)
               ? perform()
               : differs(word("(a board)"), word("(a configuration that cannot work)"));
}

static bool happen(ts_text line) {
    ts_event event;
    uint32_t ms;
    if (!read_number(take_word(&line), &ms)) {
        return differs(word("(a time)"), line);
    }
    play.now = play.subject.board.clock + ms;
    if (is_word(line, "start")) {
        return start();
    }
    if (!play.subject.started || !read_event(&event, line, play.data)) {
        return differs(word("(an event)"), line);
    }
    if (event.kind == TS_EV_RESULT) {
        event.number = starts_with(line, "late_") ? play.work - 1 : play.work;
    }
    take_word(&line);
    switch (event.kind) {
    case TS_EV_SUBSCRIBED: return answer(&event, &play.subscribes, line);
    case TS_EV_ACCEPTED:
    case TS_EV_NOT_SENT: return answer(&event, &play.publishes, line);
    case TS_EV_LOST: play.subscribes.count = play.publishes.count = 0; return handle(&event);
    default: return handle(&event);
    }
}

static bool follow(ts_text line) {
    if (starts_with(line, "device ") || starts_with(line, "claim ")) {
        return subject_read(&play.subject, line) || differs(word("(a board)"), line);
    }
    if (is_aside(line)) {
        return true;
    }
    if (!starts_with(line, "@")) {
        return differs(word("(nothing, or an event)"), line);
    }
    ts_text expected;
    if (!happen((ts_text){line.data + 1, line.size - 1})) {
        return false;
    }
    return play.prints || !take_expected(&expected) || differs(expected, word("(nothing)"));
}

static int run(const char *name, const char *text, size_t size, bool prints) {
    memset(&play, 0, sizeof play);
    play.name = name;
    play.text = (ts_text){text, size};
    play.prints = prints;
    ts_text line;
    while (!play.failed && take(&line)) {
        bool is_action = starts_with(line, "  ") && !is_aside(line);
        if (prints && !is_action) {
            emit_text(line);
            emit("\n");
        }
        if (!prints || !is_action) {
            follow(line);
        }
    }
    return play.failed ? 1 : 0;
}

int replay_text(const char *name, const char *text, size_t size) {
    if (run(name, text, size, false) != 0) {
        return 1;
    }
    if (play.actions == 0) {
        differs(word("(a transcript)"), word("(nothing happens)"));
        return 1;
    }
    emit(name);
    emit(": ");
    emit_number(play.actions);
    emit(" actions, as expected\n");
    return 0;
}

int replay_print(const char *name, const char *text, size_t size) { return run(name, text, size, true); }
