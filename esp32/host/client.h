/* The network: libmosquitto, told what the core wants, and telling what came of it. */
#ifndef HOST_CLIENT_H
#define HOST_CLIENT_H

#include "events.h"
#include "options.h"

#define MAX_UNDER_WAY 64

struct mosquitto;

/* A packet whose acknowledgement is awaited. */
typedef struct {
    int packet;
    uint16_t token; /* 0: this place is free */
    ts_event_kind kind;
} under_way;

typedef struct {
    const board_options *options;
    events *events;
    struct mosquitto *mqtt; /* a new one for each connection; NULL: there is none */
    bool is_told;           /* that the connection, or the attempt, has ended */
    bool is_dialling;       /* TCP is not through yet */
    under_way waiting[MAX_UNDER_WAY];
} client;

/* Begin to connect, with the last will of a TS_DO_CONNECT; its `topic` may be NULL. */
void client_connect(client *self, const ts_action *action, const char *name, const char *password);
void client_disconnect(client *self);
void client_subscribe(client *self, const ts_action *action);
void client_publish(client *self, const ts_action *action);

/* Drop the connection as a power cut would: the last will is due. */
void client_drop(client *self);

/* Return the socket to wait for, or -1; and for what, as poll() calls it. */
int client_socket(const client *self);
short client_waits_for(const client *self);

/* Read and write what can be, as poll() says; look after the keep-alive. */
void client_step(client *self, short ready);

#endif
