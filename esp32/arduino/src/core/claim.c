/* A claim: log in with the code, ask, and make a secret of the answer. One step after the other. */
#include "claim.h"

#include <string.h>

#define BACKOFF_MIN_MS 1000u
#define BACKOFF_MAX_MS 60000u
#define CONNECTING_MS 60000u
#define CLOSING_MS 20000u
#define SUBSCRIBED_MS 20000u
#define ANSWERED_MS 30000u
#define ROOM_MS 200u
#define HOUR_MS 3600000u

void ts_claim_go(ts_claim *claim, ts_claim_step next, ts_claim_wish want, uint32_t within_ms) {
    claim->step = (uint8_t)next;
    claim->want = (uint8_t)want;
    claim->timed = true;
    claim->at = claim->now + (within_ms < HOUR_MS ? within_ms : HOUR_MS);
}

void ts_claim_note(ts_claim *claim, const char *code) {
    ts_text_copy(ts_text_of(code), claim->why, sizeof claim->why);
    claim->noted = true;
}

bool ts_claim_init(ts_claim *claim, const char *code, const char *prefix, const char *mac, const char *nonce,
                   uint32_t seed, uint32_t now_ms) {
    memset(claim, 0, sizeof *claim);
    claim->step = CLAIM_OVER;
    claim->state = TS_CLAIM_REFUSED;
    if (prefix == NULL) prefix = "";
    if (!ts_code_normalise(code, claim->key) || !ts_text_is_prefix(prefix) ||
        !ts_text_is_hex(ts_text_of(mac), TS_MAC_BYTES - 1) || !ts_text_is_hex(ts_text_of(nonce), TS_NONCE_BYTES - 1))
        return false;
    memcpy(claim->user, "claim-", 6);
    memcpy(claim->user + 6, claim->key, 5);
    memcpy(claim->prefix, prefix, strlen(prefix) + 1);
    memcpy(claim->mac, mac, sizeof claim->mac);
    memcpy(claim->nonce, nonce, sizeof claim->nonce);
    claim->random = seed == 0 ? 1 : seed;
    claim->now = now_ms;
    claim->state = TS_CLAIM_TRYING;
    ts_claim_go(claim, CLAIM_CONNECTING, WANT_CONNECT, CONNECTING_MS);
    return true;
}

static uint32_t random_below(ts_claim *claim, uint32_t bound) {
    claim->random = claim->random * 1664525u + 1013904223u;
    return (claim->random >> 8) % bound;
}

static void lost(ts_claim *claim) {
    uint32_t delay = BACKOFF_MIN_MS;

    if (claim->step == CLAIM_DOWN || claim->step == CLAIM_OVER) return;
    if (claim->state != TS_CLAIM_TRYING) {
        claim->step = CLAIM_OVER;
        claim->want = WANT_NOTHING;
        claim->timed = false;
        return;
    }
    for (unsigned i = 0; i < claim->attempt && delay < BACKOFF_MAX_MS; i++) delay *= 2;
    if (delay > BACKOFF_MAX_MS) delay = BACKOFF_MAX_MS;
    if (claim->attempt < 32) claim->attempt++;
    ts_claim_go(claim, CLAIM_DOWN, WANT_NOTHING, delay - random_below(claim, delay / 2));
}

void ts_claim_close(ts_claim *claim) { ts_claim_go(claim, CLAIM_CLOSING, WANT_DISCONNECT, CLOSING_MS); }

static void overdue(ts_claim *claim) {
    claim->timed = false;
    switch (claim->step) {
    case CLAIM_DOWN: ts_claim_go(claim, CLAIM_CONNECTING, WANT_CONNECT, CONNECTING_MS); break;
    case CLAIM_ASKING:
        ts_claim_go(claim, CLAIM_ASKING, WANT_PUBLISH, ANSWERED_MS); /* the request or the answer was lost */
        break;
    case CLAIM_CLOSING: lost(claim); break;
    default:
        ts_claim_note(claim, TS_CODE_TIMED_OUT);
        ts_claim_close(claim);
        break;
    }
}

static void refused(ts_claim *claim, uint32_t code) {
    ts_claim_note(claim, code == 3 ? TS_CODE_UNREACHABLE : TS_CODE_FORBIDDEN);
    if (code == 4 || code == 5) claim->state = TS_CLAIM_REFUSED;
    lost(claim);
}

static void take_subscribed(ts_claim *claim, const ts_event *event) {
    if (claim->step != CLAIM_SUBSCRIBING || event->token != claim->token) return;
    if (event->on) {
        ts_claim_go(claim, CLAIM_ASKING, WANT_PUBLISH, ANSWERED_MS);
        return;
    }
    ts_claim_note(claim, TS_CODE_FORBIDDEN);
    ts_claim_close(claim);
}

bool ts_claim_handle(ts_claim *claim, const ts_event *event, uint32_t now_ms) {
    claim->now = now_ms;
    if (claim->timed && (int32_t)(now_ms - claim->at) >= 0) overdue(claim);
    switch (event->kind) {
    case TS_EV_CONNECTED:
        if (claim->step == CLAIM_CONNECTING) ts_claim_go(claim, CLAIM_SUBSCRIBING, WANT_SUBSCRIBE, SUBSCRIBED_MS);
        break;
    case TS_EV_REFUSED: refused(claim, event->number); break;
    case TS_EV_LOST: lost(claim); break;
    case TS_EV_SUBSCRIBED: take_subscribed(claim, event); break;
    case TS_EV_NOT_SENT:
        if (claim->step == CLAIM_ASKING && event->token == claim->token)
            ts_claim_go(claim, CLAIM_ASKING, WANT_NOTHING, ROOM_MS);
        break;
    case TS_EV_MESSAGE: ts_claim_reply(claim, event); break;
    default: break;
    }
    return true;
}

static void write_request(ts_claim *claim, ts_action *action) {
    ts_writer out = ts_writer_on(claim->out, sizeof claim->out);

    ts_put(&out, "{\"id\":\"1\",\"action\":\"claim\",\"mac\":");
    ts_put_string(&out, claim->mac);
    ts_put_key(&out, "nonce");
    ts_put_string(&out, claim->nonce);
    ts_put(&out, "}");
    action->kind = TS_DO_PUBLISH;
    action->data = ts_writer_text(&out);
}

static void tell(ts_claim *claim, ts_action *action, const char *topic) {
    (void)ts_topic_fill(claim->topic, sizeof claim->topic, claim->prefix, topic, claim->user, "");
    if (++claim->token == 0) claim->token = 1;
    action->token = claim->token;
    action->topic = claim->topic;
    action->qos = 1;
}

static void write_note(ts_claim *claim, ts_action *action) {
    claim->noted = false;
    tell(claim, action, TS_TOPIC_PROVISION_REQUEST_PRINCIPAL);
    action->kind = TS_DO_NOTE;
    action->token = 0;
    action->qos = 0;
    action->name = ts_text_of(claim->why);
}

bool ts_claim_next(ts_claim *claim, ts_action *action) {
    ts_claim_wish want = (ts_claim_wish)claim->want;

    memset(action, 0, sizeof *action);
    if (claim->noted) {
        write_note(claim, action);
        return true;
    }
    claim->want = WANT_NOTHING;
    switch (want) {
    case WANT_CONNECT: action->kind = TS_DO_CONNECT; return true;
    case WANT_SUBSCRIBE:
        tell(claim, action, TS_TOPIC_PROVISION_REPLY_PRINCIPAL);
        action->kind = TS_DO_SUBSCRIBE;
        return true;
    case WANT_PUBLISH:
        tell(claim, action, TS_TOPIC_PROVISION_REQUEST_PRINCIPAL);
        write_request(claim, action);
        return true;
    case WANT_DISCONNECT: action->kind = TS_DO_DISCONNECT; return true;
    default: return false;
    }
}

uint32_t ts_claim_due_ms(const ts_claim *claim, uint32_t now_ms) {
    if (!claim->timed) return HOUR_MS;
    return (int32_t)(claim->at - now_ms) > 0 ? claim->at - now_ms : 0;
}

ts_claim_state ts_claim_state_of(const ts_claim *claim) { return (ts_claim_state)claim->state; }

const char *ts_claim_username(const ts_claim *claim) { return claim->user; }

const char *ts_claim_password(const ts_claim *claim) { return claim->key + 5; }

const char *ts_claim_id(const ts_claim *claim) { return claim->id; }

const char *ts_claim_key(const ts_claim *claim) { return claim->key; }

const char *ts_claim_message(const ts_claim *claim) { return claim->message; }
