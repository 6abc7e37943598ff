/* Checks of what a board is provisioned with. */
#ifndef TS_PROVISION_H
#define TS_PROVISION_H

#include "talkstick_claim.h"

/* Write the 20 characters of a claim code as the server has them: Crockford's base 32, lower case. Dashes and spaces
 * are ignored, an i or l is a 1, an o is a 0. Returns false where it is no code. */
bool ts_code_normalise(const char *code, char key[TS_CLAIM_KEY_BYTES]);

/* Tell whether a text is so many hexadecimal digits. */
bool ts_text_is_hex(ts_text text, size_t digits);

#endif
