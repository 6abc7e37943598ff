#include "card.h"

#include <string.h>

uint16_t card_crc(const uint8_t *bytes, size_t size) {
    unsigned crc = 0x6363;

    for (size_t i = 0; i < size; i++) {
        crc ^= bytes[i];
        for (int bit = 0; bit < 8; bit++) crc = crc & 1u ? crc >> 1 ^ 0x8408u : crc >> 1;
    }
    return (uint16_t)crc;
}

bool card_checked(const uint8_t answer[5]) { return (answer[0] ^ answer[1] ^ answer[2] ^ answer[3]) == answer[4]; }

void card_text(const card_uid *uid, char text[CARD_TEXT_BYTES]) {
    static const char digits[] = "0123456789ABCDEF";
    size_t size = uid->size == CARD_UID_MOST ? CARD_UID_MOST : 4;

    for (size_t i = 0; i < size; i++) {
        text[2 * i] = digits[uid->bytes[i] >> 4];
        text[2 * i + 1] = digits[uid->bytes[i] & 15];
    }
    text[2 * size] = '\0';
}

bool card_owner(const char *table, const char *uid, char *name, size_t size) {
    size_t length = strlen(uid);

    while (*table != '\0') {
        size_t entry = strcspn(table, ",");
        if (entry > length + 1 && table[length] == '=' && strncmp(table, uid, length) == 0) {
            size_t owner = entry - length - 1;
            if (owner >= size) return false;
            memcpy(name, table + length + 1, owner);
            name[owner] = '\0';
            return true;
        }
        table += entry + (table[entry] == ',');
    }
    return false;
}
