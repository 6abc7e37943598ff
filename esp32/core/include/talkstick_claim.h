/* How a board comes to its credentials: they are flashed with it, or it claims them with a one-time code.
 *
 * A claim: the board logs in as `claim-<first group of the code>`, with the rest of the code as the password, and asks
 * on `provision/request/…` with its MAC and a nonce. The server answers with the device's id and a nonce of its own.
 * Both sides make the same secret of code and nonces, so that no secret ever travels in a message (see
 * ts_claim_message).
 */
#ifndef TALKSTICK_CLAIM_H
#define TALKSTICK_CLAIM_H

#include "talkstick.h"

#ifdef __cplusplus
extern "C" {
#endif

#define TS_URI_BYTES (TS_NVS_MAX_URI + 1)
#define TS_CA_BYTES (TS_NVS_MAX_CA + 1)
#define TS_SECRET_BYTES (TS_NVS_MAX_SECRET + 1)
#define TS_CODE_BYTES (TS_NVS_MAX_CODE + 1)
#define TS_NONCE_BYTES 33 /* 16 bytes as 32 hexadecimal digits, and the terminator */

/* What a board has in its flash memory. All texts are terminated; "" is absent. */
typedef struct {
    char uri[TS_URI_BYTES]; /* mqtt://host:port or mqtts://host:port */
    char ca[TS_CA_BYTES];   /* of mqtts: the certificate of the authority, PEM; "": those that the chip knows */
    char prefix[TS_PREFIX_BYTES];
    char id[TS_NAME_BYTES];
    char secret[TS_SECRET_BYTES]; /* the password */
    char code[TS_CODE_BYTES];     /* instead of id and secret: a claim code, as it was typed */
} ts_provision;

/* What is wrong with it. */
typedef enum {
    TS_PROVISION_OK,
    TS_PROVISION_MISSING, /* neither id and secret, nor a code: wait to be provisioned */
    TS_PROVISION_URI,
    TS_PROVISION_CA,
    TS_PROVISION_PREFIX,
    TS_PROVISION_ID,
    TS_PROVISION_SECRET,
    TS_PROVISION_CODE,
} ts_provision_fault;

/* Check all of it. Flash memory may hold anything. */
ts_provision_fault ts_provision_check(const ts_provision *provision);

/* Where the broker is: host (terminated, in `host`), port, and whether it is TLS. Returns false where `uri` is bad. */
bool ts_uri_read(const char *uri, char *host, size_t host_bytes, uint16_t *port, bool *tls);

/* A claim in progress. Its events are TS_EV_TICK, _CONNECTED, _REFUSED, _LOST, _SUBSCRIBED, _ACCEPTED, _NOT_SENT and
 * _MESSAGE; its actions TS_DO_CONNECT (without a last will), _SUBSCRIBE, _PUBLISH, _DISCONNECT and _NOTE. */
typedef struct ts_claim ts_claim;

typedef enum {
    TS_CLAIM_TRYING,
    TS_CLAIM_DONE,    /* see ts_claim_result */
    TS_CLAIM_REFUSED, /* the code is wrong, used, too old, or another board's: another one is needed */
} ts_claim_state;

#include "talkstick_claim_state.h" /* struct ts_claim: its memory is the caller's, its contents are not */

/* Begin. `nonce`: 32 hexadecimal digits of true randomness, stored with the code before this, and the same after a
 * restart: then an answer that was lost is told again. `mac`: 12 hexadecimal digits. Returns false where the code, the
 * prefix, the MAC or the nonce is no such thing. */
bool ts_claim_init(ts_claim *claim, const char *code, const char *prefix, const char *mac, const char *nonce,
                   uint32_t seed, uint32_t now_ms);
bool ts_claim_handle(ts_claim *claim, const ts_event *event, uint32_t now_ms);
bool ts_claim_next(ts_claim *claim, ts_action *action);
uint32_t ts_claim_due_ms(const ts_claim *claim, uint32_t now_ms);
ts_claim_state ts_claim_state_of(const ts_claim *claim);

/* The login for TS_DO_CONNECT: user name (and client id) `claim-…`, and password. */
const char *ts_claim_username(const ts_claim *claim);
const char *ts_claim_password(const ts_claim *claim);

/* After TS_CLAIM_DONE: the id of the device, and what HMAC-SHA256 is to be made of, with the normalised code as the
 * key; the secret is its value in hexadecimal digits, lower case. The caller has a library for that. */
const char *ts_claim_id(const ts_claim *claim);
const char *ts_claim_key(const ts_claim *claim);
const char *ts_claim_message(const ts_claim *claim);

#ifdef __cplusplus
}
#endif

#endif
