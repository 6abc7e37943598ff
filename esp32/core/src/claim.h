/* What the parts of a claim know of each other. */
#ifndef TS_CLAIM_H
#define TS_CLAIM_H

#include "talkstick_json.h"
#include "provision.h"
#include "text.h"

#ifndef TS_TOPIC_PROVISION_REQUEST_PRINCIPAL
#define TS_TOPIC_PROVISION_REQUEST_PRINCIPAL "provision/request/{principal}"
#define TS_TOPIC_PROVISION_REPLY_PRINCIPAL "provision/reply/{principal}"
#endif

typedef enum { CLAIM_DOWN, CLAIM_CONNECTING, CLAIM_SUBSCRIBING, CLAIM_ASKING, CLAIM_CLOSING, CLAIM_OVER } ts_claim_step;

typedef enum { WANT_NOTHING, WANT_CONNECT, WANT_SUBSCRIBE, WANT_PUBLISH, WANT_DISCONNECT } ts_claim_wish;

/* Go to a step, and do something first. When the time is over, what follows depends on the step. */
void ts_claim_go(ts_claim *claim, ts_claim_step next, ts_claim_wish want, uint32_t within_ms);
void ts_claim_close(ts_claim *claim);
void ts_claim_note(ts_claim *claim, const char *code);
void ts_claim_reply(ts_claim *claim, const ts_event *event);

#endif
