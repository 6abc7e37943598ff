/* The network task: it connects, subscribes and publishes, and waits for all that, so that nobody else has to.
 *
 * esp-mqtt offers esp_mqtt_client_enqueue() as its way not to wait. We do not use it: what is enqueued leaves one
 * message at a time, whenever the client has read something or its poll of a second is over, and even enqueueing waits
 * for a lock that the client holds while it writes. */
#ifndef TS_NET_H
#define TS_NET_H

#include "talkstick.h"

/* Who logs in. The texts outlive the connection. */
typedef struct {
    const char *uri;
    const char *ca; /* PEM; "": those that the chip knows */
    const char *user;
    const char *password;
} ts_login;

/* Begin. */
void ts_net_init(const ts_login *login);

/* Take over an action that is for the network; its texts are copied. What comes of it are events of `life`. Returns
 * false where there is no room. */
bool ts_net_submit(const ts_action *action, uint16_t life);

#endif
