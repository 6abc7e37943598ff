/* esp-mqtt. A client lives as long as one connection: what its outbox holds of an old one would come before the birth
 * of the next, with an old boot number and old fences. All of this is called by the network task. */
#ifndef TS_MQTT_H
#define TS_MQTT_H

#include "net.h"

typedef struct {
    const char *topic;
    const char *data;
    size_t size;
} ts_mqtt_will;

typedef struct {
    const char *topic;
    const char *data;
    size_t size;
    uint8_t qos;
    bool retained;
    uint16_t token;
} ts_mqtt_message;

void ts_mqtt_init(void);

/* Begin to connect; `will` may be NULL. What happens then is told with `life`. */
bool ts_mqtt_open(const ts_login *login, const ts_mqtt_will *will, uint16_t life);

/* Say goodbye, if there is a connection, and forget it. Waits; tells nothing. */
void ts_mqtt_close(void);

/* Tell that this connection is over, unless that was told. */
void ts_mqtt_tell_lost(uint16_t life);

void ts_mqtt_subscribe(const char *topic, uint8_t qos, uint16_t token, uint16_t life);
void ts_mqtt_publish(const ts_mqtt_message *message, uint16_t life);

#endif
