#include "tickets.h"

#include <string.h>

void ts_tickets_clear(ts_tickets *tickets) { memset(tickets, 0, sizeof *tickets); }

static ts_ticket *find(ts_tickets *tickets, uint16_t packet) {
    for (int i = 0; i < TS_TICKETS; i++)
        if (tickets->places[i].packet == packet) return &tickets->places[i];
    return NULL;
}

static ts_ticket *new_place(ts_tickets *tickets) {
    ts_ticket *place = find(tickets, 0);

    if (place == NULL) {
        place = &tickets->places[tickets->next];
        tickets->next = (uint8_t)((tickets->next + 1) % TS_TICKETS);
    }
    return place;
}

bool ts_tickets_sent(ts_tickets *tickets, uint16_t packet, uint16_t token, bool *granted) {
    ts_ticket *place = find(tickets, packet);

    if (place != NULL && place->early) {
        *granted = place->granted;
        memset(place, 0, sizeof *place);
        return true;
    }
    if (place == NULL) place = new_place(tickets);
    *place = (ts_ticket){.packet = packet, .token = token};
    return false;
}

bool ts_tickets_acked(ts_tickets *tickets, uint16_t packet, bool granted, uint16_t *token) {
    ts_ticket *place = find(tickets, packet);

    if (packet == 0) return false;
    if (place == NULL || place->early) {
        if (place == NULL) place = new_place(tickets);
        *place = (ts_ticket){.packet = packet, .early = true, .granted = granted};
        return false;
    }
    *token = place->token;
    memset(place, 0, sizeof *place);
    return true;
}
