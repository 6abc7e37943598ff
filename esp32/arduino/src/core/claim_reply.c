/* What the server says to a claim. */
#include "claim.h"

#include <string.h>

#define REFUSED_MS 5000u /* until it is worth asking again, if the server does not say */

static bool is_text(ts_text object, const char *key, char *buffer, size_t size) {
    ts_text value;
    return ts_json_find(object, key, &value) && ts_json_string(value, buffer, size);
}

static void make_message(ts_claim *claim, const char *nonce) {
    ts_writer out = ts_writer_on(claim->message, sizeof claim->message - 1);

    ts_put(&out, "talkstick:");
    ts_put(&out, claim->id);
    ts_put(&out, ":");
    ts_put(&out, claim->nonce);
    ts_put(&out, ":");
    ts_put(&out, nonce);
    claim->message[out.used] = '\0';
}

static void claimed(ts_claim *claim, ts_text reply) {
    char nonce[TS_NONCE_BYTES + 1]; /* so that one that is too long shows */
    char id[TS_NAME_BYTES + 1];

    if (!is_text(reply, "device", id, sizeof id) || !ts_text_is_id(ts_text_of(id)) ||
        !is_text(reply, "nonce", nonce, sizeof nonce) || !ts_text_is_hex(ts_text_of(nonce), TS_NONCE_BYTES - 1)) {
        ts_claim_note(claim, TS_CODE_BAD_MESSAGE);
        return;
    }
    memcpy(claim->id, id, sizeof claim->id);
    make_message(claim, nonce);
    claim->state = TS_CLAIM_DONE;
    ts_claim_close(claim);
}

/* Tell whether it is the server's matter, and not the code's. A code that is new is not known everywhere at once. */
static bool may_change(const char *code) {
    ts_text text = ts_text_of(code);
    return ts_text_is(text, TS_CODE_RATE_LIMITED) || ts_text_is(text, TS_CODE_NOT_STORED) ||
           ts_text_is(text, TS_CODE_UNKNOWN_PRINCIPAL);
}

static void turned_down(ts_claim *claim, ts_text reply, const char *code) {
    uint32_t delay = REFUSED_MS;
    ts_text value;

    ts_claim_note(claim, code);
    if (!may_change(code)) {
        claim->state = TS_CLAIM_REFUSED;
        ts_claim_close(claim);
        return;
    }
    if (ts_json_find(reply, TS_KEY_RETRY_IN_S, &value) && !ts_json_is_null(value)) (void)ts_json_millis(value, &delay);
    ts_claim_go(claim, CLAIM_ASKING, WANT_NOTHING, delay);
}

void ts_claim_reply(ts_claim *claim, const ts_event *event) {
    char code[TS_NAME_BYTES];
    ts_text value;
    bool ok;

    if (claim->step != CLAIM_ASKING ||
        !ts_topic_is(event->topic, claim->prefix, TS_TOPIC_PROVISION_REPLY_PRINCIPAL, claim->user, NULL))
        return;
    if (!ts_json_is_object(event->data)) {
        ts_claim_note(claim, TS_CODE_BAD_JSON);
        return;
    }
    if (!ts_json_find(event->data, TS_KEY_OK, &value) || !ts_json_bool(value, &ok) ||
        !is_text(event->data, TS_KEY_CODE, code, sizeof code)) {
        ts_claim_note(claim, TS_CODE_BAD_MESSAGE);
        return;
    }
    if (ok)
        claimed(claim, event->data);
    else
        turned_down(claim, event->data, code);
}
