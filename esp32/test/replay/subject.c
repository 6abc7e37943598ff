#include "subject.h"

#include <string.h>

#include "render.h"

bool subject_read(subject *it, ts_text line) {
    memset(it, 0, sizeof *it);
    it->claims = take_if(&line, "claim");
    return (it->claims || take_if(&line, "device")) && read_board(&it->board, line);
}

bool subject_start(subject *it, uint32_t now) {
    const script_board *board = &it->board;
    const ts_config *config = &board->config;

    if (it->claims) {
        it->told = TS_CLAIM_TRYING;
        it->started =
            board->mac != NULL && board->nonce != NULL &&
            ts_claim_init(&it->claim, config->id, config->prefix, board->mac, board->nonce, config->seed, now);
    } else {
        it->started = ts_init(&it->device, config, now);
    }
    return it->started;
}

bool subject_handle(subject *it, const ts_event *event, uint32_t now) {
    return it->claims ? ts_claim_handle(&it->claim, event, now) : ts_handle(&it->device, event, now);
}

bool subject_next(subject *it, ts_action *action) {
    memset(action, 0, sizeof *action);
    return it->claims ? ts_claim_next(&it->claim, action) : ts_next(&it->device, action);
}

void subject_render(const subject *it, const ts_action *action, uint32_t now, line_out *out) {
    if (!it->claims) {
        ts_view view = ts_view_of(&it->device, now);
        render(out, action, &it->board.config, &view);
        return;
    }
    ts_view none = {0};
    render(out, action, &it->board.config, &none);
    if (action->kind == TS_DO_CONNECT) {
        put_words(out, ts_claim_username(&it->claim), ts_claim_password(&it->claim));
    }
}

bool subject_news(subject *it, line_out *out) {
    ts_claim_state state = it->claims && it->started ? ts_claim_state_of(&it->claim) : it->told;
    if (state == it->told) {
        return false;
    }
    it->told = state;
    if (state != TS_CLAIM_DONE) {
        put(out, "void");
        return true;
    }
    put(out, "claimed");
    put_words(out, ts_claim_id(&it->claim), ts_claim_key(&it->claim));
    put_words(out, ts_claim_message(&it->claim), "");
    return true;
}
