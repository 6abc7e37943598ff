/* Which packet of the MQTT client is which token of the core. An acknowledgement may come before the call that sent the
 * packet has returned and told its number: then it waits here. The caller holds a lock around each call. */
#ifndef TS_TICKETS_H
#define TS_TICKETS_H

#include <stdbool.h>
#include <stdint.h>

#define TS_TICKETS 24 /* more than the core ever has under way at once */

typedef struct {
    uint16_t packet; /* 0: this place is free */
    uint16_t token;
    bool early; /* the acknowledgement came first */
    bool granted;
} ts_ticket;

typedef struct {
    ts_ticket places[TS_TICKETS];
    uint8_t next; /* which place is given up when all are taken */
} ts_tickets;

void ts_tickets_clear(ts_tickets *tickets);

/* `packet` was sent for `token`. Return whether it was acknowledged already, and whether with a yes. */
bool ts_tickets_sent(ts_tickets *tickets, uint16_t packet, uint16_t token, bool *granted);

/* `packet` was acknowledged. Return whether its token is known, and which it is. */
bool ts_tickets_acked(ts_tickets *tickets, uint16_t packet, bool granted, uint16_t *token);

#endif
