/* What a claim remembers. It is here so that its memory can be the caller's; nobody but the core looks into it. */
#ifndef TALKSTICK_CLAIM_STATE_H
#define TALKSTICK_CLAIM_STATE_H

#define TS_CLAIM_USER_BYTES 12 /* claim- and five characters */
#define TS_CLAIM_KEY_BYTES 21  /* the normalised code */
#define TS_MAC_BYTES 13
#define TS_CLAIM_MESSAGE_BYTES (sizeof "talkstick:::" + TS_MAX_ID + 2 * (TS_NONCE_BYTES - 1))
#define TS_CLAIM_OUT_BYTES 160

struct ts_claim {
    uint8_t state; /* a ts_claim_state */
    uint8_t step;
    uint8_t want; /* the next action */
    bool noted;   /* `why` is to be told */
    bool timed;   /* until `at` */
    uint32_t at;
    uint32_t now;
    uint32_t random;
    uint8_t attempt;
    uint16_t token;
    char user[TS_CLAIM_USER_BYTES];
    char key[TS_CLAIM_KEY_BYTES];
    char prefix[TS_PREFIX_BYTES];
    char mac[TS_MAC_BYTES];
    char nonce[TS_NONCE_BYTES];
    char id[TS_NAME_BYTES];
    char message[TS_CLAIM_MESSAGE_BYTES];
    char why[TS_NAME_BYTES];
    char topic[TS_TOPIC_BYTES];
    char out[TS_CLAIM_OUT_BYTES];
};

#endif
