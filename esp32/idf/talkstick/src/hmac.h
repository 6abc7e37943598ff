/* HMAC-SHA256, by the chip's library. */
#ifndef TS_HMAC_H
#define TS_HMAC_H

#include <stdbool.h>

#define TS_HMAC_BYTES 65 /* 64 hexadecimal digits and the terminator */

/* Write the HMAC of two texts in hexadecimal digits, lower case. Returns false where the library refuses. */
bool ts_hmac(const char *key, const char *message, char digits[TS_HMAC_BYTES]);

#endif
