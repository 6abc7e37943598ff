#include "client.h"

#include <mosquitto.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>

#define KEEP_ALIVE_S 15
#define AUTHORITIES "/etc/ssl/certs"

static void tell(client *self, ts_event_kind kind, uint32_t number) {
    const ts_event event = {.kind = kind, .number = number};
    events_push(self->events, &event);
}

/* Tell once that it is over. `code`: of the CONNACK, or of libmosquitto's error. */
static void tell_end(client *self, ts_event_kind kind, int code) {
    if (!self->is_told) {
        self->is_told = true;
        tell(self, kind, (uint32_t)code);
    }
}

static void on_connect(struct mosquitto *mqtt, void *object, int code) {
    (void)mqtt;
    if (code == 0) {
        tell(object, TS_EV_CONNECTED, 0);
    } else {
        tell_end(object, TS_EV_REFUSED, code);
    }
}

static void on_disconnect(struct mosquitto *mqtt, void *object, int code) {
    (void)mqtt;
    tell_end(object, TS_EV_LOST, code);
}

/* What exactly is wrong with a certificate stands here only. */
static void on_log(struct mosquitto *mqtt, void *object, int level, const char *text) {
    (void)mqtt;
    (void)object;
    if (level == MOSQ_LOG_ERR || level == MOSQ_LOG_WARNING) {
        fprintf(stderr, "talkstick-device: %s\n", text);
    }
}

static void on_message(struct mosquitto *mqtt, void *object, const struct mosquitto_message *message) {
    client *self = object;
    (void)mqtt;
    const ts_event event = {
        .kind = TS_EV_MESSAGE,
        .on = message->retain,
        .topic = {message->topic, strlen(message->topic)},
        .data = {message->payload, (size_t)message->payloadlen},
    };
    events_push(self->events, &event);
}

static void acknowledge(client *self, int packet, ts_event_kind kind, bool granted) {
    for (size_t at = 0; at < MAX_UNDER_WAY; at++) {
        under_way *each = &self->waiting[at];
        if (each->token != 0 && each->packet == packet && each->kind == kind) {
            const ts_event event = {.kind = kind, .token = each->token, .on = granted};
            events_push(self->events, &event);
            each->token = 0;
            return;
        }
    }
}

static void on_subscribe(struct mosquitto *mqtt, void *object, int packet, int count, const int *granted) {
    (void)mqtt;
    acknowledge(object, packet, TS_EV_SUBSCRIBED, count == 1 && granted[0] < 0x80);
}

/* Of QoS 0 it says only that it was sent, which nobody waits for. */
static void on_publish(struct mosquitto *mqtt, void *object, int packet) {
    (void)mqtt;
    acknowledge(object, packet, TS_EV_ACCEPTED, true);
}

static under_way *free_place(client *self) {
    for (size_t at = 0; at < MAX_UNDER_WAY; at++) {
        if (self->waiting[at].token == 0) {
            return &self->waiting[at];
        }
    }
    return NULL;
}

static int set_up(client *self, const ts_action *action, const char *name, const char *password) {
    struct mosquitto *mqtt = self->mqtt;
    mosquitto_connect_callback_set(mqtt, on_connect);
    mosquitto_disconnect_callback_set(mqtt, on_disconnect);
    mosquitto_message_callback_set(mqtt, on_message);
    mosquitto_log_callback_set(mqtt, on_log);
    mosquitto_subscribe_callback_set(mqtt, on_subscribe);
    mosquitto_publish_callback_set(mqtt, on_publish);
    int failed = mosquitto_username_pw_set(mqtt, name, password);
    if (failed == 0 && action->topic != NULL) {
        failed = mosquitto_will_set(mqtt, action->topic, (int)action->data.size, action->data.data, 1, true);
    }
    if (failed == 0 && self->options->tls) {
        const char *folder = self->options->ca == NULL ? AUTHORITIES : NULL;
        failed = mosquitto_tls_set(mqtt, self->options->ca, folder, NULL, NULL, NULL);
    }
    return failed;
}

void client_connect(client *self, const ts_action *action, const char *name, const char *password) {
    /* A client that was connected before would send again what was not acknowledged then: a birth of an old boot, a
     * result of an old fence. Whether and what is sent again is for the core to say. So each connection gets a client
     * of its own. */
    client_drop(self);
    memset(self->waiting, 0, sizeof self->waiting);
    self->is_told = false;
    self->is_dialling = true;
    self->mqtt = mosquitto_new(name, true, self);
    int failed = self->mqtt == NULL ? MOSQ_ERR_NOMEM : set_up(self, action, name, password);
    if (failed == 0) {
        failed = mosquitto_connect_async(self->mqtt, self->options->host, self->options->port, KEEP_ALIVE_S);
    }
    if (failed != 0) {
        tell_end(self, TS_EV_LOST, failed);
        client_drop(self);
    }
}

void client_drop(client *self) {
    if (self->mqtt != NULL) {
        self->is_told = true; /* whoever drops it knows */
        mosquitto_destroy(self->mqtt);
        self->mqtt = NULL;
    }
}

void client_disconnect(client *self) {
    int failed = self->mqtt == NULL ? MOSQ_ERR_NO_CONN : mosquitto_disconnect(self->mqtt);
    if (failed != 0) {
        tell_end(self, TS_EV_LOST, failed);
        client_drop(self);
    }
}

void client_subscribe(client *self, const ts_action *action) {
    under_way *place = free_place(self);
    int packet = 0;
    if (self->mqtt != NULL && place != NULL &&
        mosquitto_subscribe(self->mqtt, &packet, action->topic, action->qos) == 0) {
        *place = (under_way){packet, action->token, TS_EV_SUBSCRIBED};
    }
}

void client_publish(client *self, const ts_action *action) {
    under_way *place = free_place(self);
    int packet = 0, size = (int)action->data.size;
    bool is_sent =
        self->mqtt != NULL && place != NULL &&
        mosquitto_publish(self->mqtt, &packet, action->topic, size, action->data.data, action->qos, action->on) == 0;
    if (action->qos == 0) {
        return;
    }
    if (is_sent) {
        *place = (under_way){packet, action->token, TS_EV_ACCEPTED};
    } else {
        const ts_event event = {.kind = TS_EV_NOT_SENT, .token = action->token};
        events_push(self->events, &event);
    }
}

int client_socket(const client *self) { return self->mqtt == NULL ? -1 : mosquitto_socket(self->mqtt); }

short client_waits_for(const client *self) {
    bool wants_to_write = self->is_dialling || mosquitto_want_write(self->mqtt);
    return (short)(POLLIN | (wants_to_write ? POLLOUT : 0));
}

void client_step(client *self, short ready) {
    int failed = 0;
    if (self->mqtt == NULL) {
        return;
    }
    if (ready & POLLOUT) {
        self->is_dialling = false;
        failed = mosquitto_loop_write(self->mqtt, 1);
    }
    if (failed == 0 && ready != 0) { /* TLS may have to read where it wants to write */
        failed = mosquitto_loop_read(self->mqtt, 1);
    }
    if (failed == 0) {
        failed = mosquitto_loop_misc(self->mqtt);
    }
    bool is_broken = (ready & POLLERR) != 0; /* with TLS, libmosquitto waits for a connection that was refused */
    if (failed != 0 || is_broken || mosquitto_socket(self->mqtt) < 0) {
        tell_end(self, TS_EV_LOST, failed != 0 ? failed : MOSQ_ERR_CONN_LOST);
        client_drop(self);
    }
}
