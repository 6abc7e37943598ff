/* Cards by ISO/IEC 14443-3, type A, and whose they are. Nothing here knows the SDK. */
#ifndef CARD_H
#define CARD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CARD_UID_MOST 7
#define CARD_TEXT_BYTES (2 * CARD_UID_MOST + 1)

typedef struct {
    uint8_t bytes[CARD_UID_MOST];
    uint8_t size; /* 4 or 7 */
} card_uid;

/* Return the CRC_A of some bytes; its lower byte is sent first. */
uint16_t card_crc(const uint8_t *bytes, size_t size);

/* Tell whether four bytes of a UID agree with the check byte that follows them. */
bool card_checked(const uint8_t answer[5]);

/* Write a UID in hexadecimal digits, upper case. */
void card_text(const card_uid *uid, char text[CARD_TEXT_BYTES]);

/* Find the principal of a UID in a table "UID=name,UID=name". Returns false where there is none, or it is too long. */
bool card_owner(const char *table, const char *uid, char *name, size_t size);

#endif
