/* A file that stands for the flash memory of a board: written whole, and never half. */
#ifndef HOST_FLASH_H
#define HOST_FLASH_H

#include "talkstick_claim.h"

typedef struct {
    const char *path; /* NULL: it is forgotten with the process */
    uint32_t boot;
    char id[TS_NAME_BYTES];
    char secret[TS_SECRET_BYTES];
    char code[TS_CODE_BYTES]; /* of the claim that `nonce` belongs to */
    char nonce[TS_NONCE_BYTES];
} flash_memory;

/* Read it; what is not there is empty. Returns false where the file is no such file. */
bool flash_read(flash_memory *made, const char *path);

/* Write it; it is on the disk when this returns. Returns false where that failed. */
bool flash_write(const flash_memory *kept);

/* Erase all but the boot number, which never falls. Returns false where that failed. */
bool flash_erase(flash_memory *kept);

#endif
