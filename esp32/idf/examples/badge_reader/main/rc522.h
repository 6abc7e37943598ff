/* The MFRC522, by its data sheet (NXP), at SPI: as much of it as reads a UID. */
#ifndef RC522_H
#define RC522_H

#include "card.h"

/* Begin. Returns false where no such chip answers. */
bool rc522_init(void);

/* Read the UID of a card in the field. Returns false where there is none. */
bool rc522_read(card_uid *uid);

#endif
