#include "render.h"

#include <string.h>

#define WORD(name, word) word,
static const char *const states[] = {TS_SESSION_DOCUMENT_STATE_WORDS(WORD)};
static const char *const reasons[] = {"start", "ended", "lease", "link", "removed"};
static const char *const links[] = {"down", "connecting", "up"};
static const char *const voices[] = {"quiet", "recording", "thinking", "speaking"};
static const char *const names[] = {
    "connect", "disconnect", "subscribe", "publish", "save_boot", "work", "command", "output", "safe",
    "clean",   "show",       "answer",    "record",  "play",      "hush", "reboot",  "forget", "note",
};

#define WORD_OF(words, at) ((at) < sizeof(words) / sizeof((words)[0]) ? (words)[at] : "?")

static void put_more(line_out *out, const char *text) {
    put(out, " ");
    put(out, text);
}

void put_words(line_out *out, const char *first, const char *second) {
    put_more(out, first);
    if (second[0] != '\0') {
        put_more(out, second);
    }
}

static void put_more_text(line_out *out, ts_text text) {
    put(out, " ");
    put_payload(out, text);
}

static void put_more_number(line_out *out, const char *name, uint32_t number) {
    put(out, " ");
    put(out, name);
    put_number(out, number);
}

static void put_view(line_out *out, const ts_view *view) {
    put_more(out, WORD_OF(links, (size_t)view->link));
    put_more(out, WORD_OF(states, (size_t)view->state));
    put(out, view->known ? "" : "?");
    if (view->in_use) {
        put_more(out, view->holder);
        put(out, " \"");
        put(out, view->holder_name);
        put(out, "\"");
        put_more_number(out, "fence=", view->fence);
    }
    if (view->lease_ms != UINT32_MAX) {
        put_more_number(out, "lease=", view->lease_ms);
    }
    if (view->waiting > 0) {
        put_more_number(out, "waiting=", view->waiting);
    }
    if (view->voice != TS_QUIET) {
        put_more(out, WORD_OF(voices, (size_t)view->voice));
    }
}

static void put_sent(line_out *out, const ts_action *action) {
    if (action->kind != TS_DO_CONNECT) {
        put_more_number(out, "", action->qos);
        put(out, action->on ? " retained" : "");
    }
    put_more(out, action->topic);
    if (action->kind != TS_DO_SUBSCRIBE) {
        put_more_text(out, action->data);
    }
}

static void put_audio(line_out *out, const ts_action *action) {
    put_more_number(out, "lost=", action->number);
    put_more_text(out, action->data);
}

static void put_work(line_out *out, const ts_action *action) {
    if (action->kind == TS_DO_COMMAND) put_more_text(out, action->name);
    put_more_number(out, "fence=", action->fence);
    if (action->kind == TS_DO_WORK) {
        put_more_number(out, "job=", action->job);
        put(out, " \"");
        put_payload(out, action->type);
        put(out, "\"");
    }
    put_more_text(out, action->data);
}

static void put_output(line_out *out, const ts_action *action, const ts_config *config) {
    put_more(out, action->number < config->output_count ? config->outputs[action->number].name : "?");
    put(out, action->on ? " on" : " off");
}

static void put_answer(line_out *out, const ts_action *action) {
    put_more_text(out, action->name);
    put(out, action->on ? " yes" : " no");
    if (action->data.size > 0) {
        put_more_text(out, action->data);
    }
}

static void put_note(line_out *out, const ts_action *action) {
    put_more_text(out, action->name);
    if (action->topic != NULL && action->topic[0] != '\0') {
        put_more(out, action->topic);
    }
}

void render(line_out *out, const ts_action *action, const ts_config *config, const ts_view *view) {
    put(out, WORD_OF(names, (size_t)action->kind));
    switch (action->kind) {
    case TS_DO_CONNECT:
        if (action->topic != NULL) { /* there is a last will */
            put_sent(out, action);
        }
        break;
    case TS_DO_SUBSCRIBE:
    case TS_DO_PUBLISH: put_sent(out, action); break;
    case TS_DO_COMMAND:
    case TS_DO_WORK: put_work(out, action); break;
    case TS_DO_SAVE_BOOT: put_more_number(out, "", action->number); break;
    case TS_DO_OUTPUT: put_output(out, action, config); break;
    case TS_DO_SAFE: put_more(out, WORD_OF(reasons, (size_t)action->number)); break;
    case TS_DO_SHOW: put_view(out, view); break;
    case TS_DO_ANSWER: put_answer(out, action); break;
    case TS_DO_RECORD: put(out, action->on ? " on" : " off"); break;
    case TS_DO_PLAY: put_audio(out, action); break;
    case TS_DO_NOTE: put_note(out, action); break;
    default: break;
    }
}
