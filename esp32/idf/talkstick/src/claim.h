/* The way to an identity: a claim code. */
#ifndef TS_IDF_CLAIM_H
#define TS_IDF_CLAIM_H

#include "talkstick_claim.h"

/* Claim with the code of `provision`, store what it gives, and restart. Does not return. */
void ts_claim_run(const ts_provision *provision);

#endif
