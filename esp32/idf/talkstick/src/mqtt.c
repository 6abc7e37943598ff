#include "mqtt.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "assembly.h"
#include "esp_crt_bundle.h"
#include "esp_log.h"
#include "freertos/FreeRTOS.h"
#include "freertos/task.h"
#include "mqtt_client.h"
#include "port.h"
#include "sdkconfig.h"
#include "tickets.h"

#define KEEPALIVE_S 30 /* esp-mqtt pings after half of it */
#define NETWORK_TIMEOUT_MS 8000
#define RESEND_AFTER_MS 15000 /* longer than a slow acknowledgement of audio takes */
#define POLL_MS 200           /* how soon a client that has lost its connection can be stopped */
#define BUFFER_BYTES 2048
#define OUTBOX_BYTES (24 * 1024)
#define MEMORY_BYTES (CONFIG_TALKSTICK_MAX_MESSAGE + TS_TOPIC_BYTES)

static const char *const TAG = "mqtt";

static esp_mqtt_client_handle_t client;
static ts_assembly assembly;
static ts_tickets tickets;
static portMUX_TYPE lock = portMUX_INITIALIZER_UNLOCKED; /* of the tickets */
static _Atomic uint32_t told;                            /* the life whose end was told */

static bool post(const ts_event *event, uint16_t life) { return ts_port_post(event, life, TS_POST_WAIT); }

/* The end of a connection is told once: a refusal is its end, too. */
static void post_end(const ts_event *event, uint16_t life) {
    if (atomic_exchange(&told, life) != life) post(event, life);
}

void ts_mqtt_tell_lost(uint16_t life) { post_end(&(ts_event){.kind = TS_EV_LOST}, life); }

static void failed(const esp_mqtt_event_t *event, uint16_t life) {
    const esp_mqtt_error_codes_t *error = event->error_handle;

    if (error == NULL) return;
    if (error->error_type == MQTT_ERROR_TYPE_CONNECTION_REFUSED)
        post_end(&(ts_event){.kind = TS_EV_REFUSED, .number = (uint32_t)error->connect_return_code}, life);
    else if (error->error_type == MQTT_ERROR_TYPE_TCP_TRANSPORT)
        ESP_LOGW(TAG, "transport: errno %d, TLS -0x%x, certificate flags 0x%x", error->esp_transport_sock_errno,
                 (unsigned)-error->esp_tls_stack_err, (unsigned)error->esp_tls_cert_verify_flags);
}

static void acknowledged(const esp_mqtt_event_t *event, ts_event_kind kind, bool granted, uint16_t life) {
    ts_event told_event = {.kind = kind, .on = granted};
    bool known;

    taskENTER_CRITICAL(&lock);
    known = ts_tickets_acked(&tickets, (uint16_t)event->msg_id, granted, &told_event.token);
    taskEXIT_CRITICAL(&lock);
    if (known) post(&told_event, life);
}

static void received(const esp_mqtt_event_t *event, uint16_t life) {
    ts_piece piece = {event->topic,
                      (size_t)event->topic_len,
                      event->data,
                      (size_t)event->data_len,
                      (size_t)event->current_data_offset,
                      (size_t)event->total_data_len};
    ts_event whole = {.kind = TS_EV_MESSAGE, .on = event->retain};

    switch (ts_assembly_add(&assembly, &piece)) {
    case TS_PIECE_LAST:
        whole.topic = (ts_text){assembly.memory, assembly.topic_size};
        whole.data = (ts_text){assembly.memory + assembly.topic_size, assembly.size};
        /* There was no memory for it, and it may have been the session document: a new connection brings that again. */
        if (!post(&whole, life)) esp_mqtt_client_disconnect(event->client);
        break;
    case TS_PIECE_DROPPED: ESP_LOGW(TAG, "dropped a message of %d bytes", event->total_data_len); break;
    default: break;
    }
}

/* Called by the client's task, or by ours where a write has failed. The SUBACK says 0x80 and more for no. */
static void on_event(void *argument, esp_event_base_t base, int32_t id, void *data) {
    const esp_mqtt_event_t *event = data;
    uint16_t life = (uint16_t)(uintptr_t)argument;

    (void)base;
    switch ((esp_mqtt_event_id_t)id) {
    case MQTT_EVENT_CONNECTED: post(&(ts_event){.kind = TS_EV_CONNECTED}, life); break;
    case MQTT_EVENT_DISCONNECTED: ts_mqtt_tell_lost(life); break;
    case MQTT_EVENT_ERROR: failed(event, life); break;
    case MQTT_EVENT_SUBSCRIBED:
        acknowledged(event, TS_EV_SUBSCRIBED, event->data_len > 0 && (uint8_t)event->data[0] < 0x80, life);
        break;
    case MQTT_EVENT_PUBLISHED: acknowledged(event, TS_EV_ACCEPTED, true, life); break;
    case MQTT_EVENT_DATA: received(event, life); break;
    default: break;
    }
}

void ts_mqtt_init(void) {
    char *memory = malloc(MEMORY_BYTES);

    if (memory == NULL) abort();
    ts_assembly_init(&assembly, memory, MEMORY_BYTES);
}

static esp_mqtt_client_config_t config_of(const ts_login *login, const ts_mqtt_will *will) {
    bool tls = login->uri[4] == 's';
    esp_mqtt_client_config_t config = {
        .broker.address.uri = login->uri,
        .broker.verification.certificate = tls && login->ca[0] != '\0' ? login->ca : NULL,
        .broker.verification.crt_bundle_attach = tls && login->ca[0] == '\0' ? esp_crt_bundle_attach : NULL,
        .credentials.username = login->user,
        .credentials.client_id = login->user,
        .credentials.authentication.password = login->password,
        .session.keepalive = KEEPALIVE_S,
        .session.protocol_ver = MQTT_PROTOCOL_V_3_1_1,
        .session.message_retransmit_timeout = RESEND_AFTER_MS,
        .network.timeout_ms = NETWORK_TIMEOUT_MS,
        .network.reconnect_timeout_ms = POLL_MS,
        .network.disable_auto_reconnect = true,
        .buffer.size = BUFFER_BYTES,
        .outbox.limit = OUTBOX_BYTES,
    };

    if (will != NULL) {
        config.session.last_will.topic = will->topic;
        config.session.last_will.msg = will->data;
        config.session.last_will.msg_len = (int)will->size;
        config.session.last_will.qos = 1;
        config.session.last_will.retain = 1;
    }
    return config;
}

bool ts_mqtt_open(const ts_login *login, const ts_mqtt_will *will, uint16_t life) {
    esp_mqtt_client_config_t config = config_of(login, will);

    ts_tickets_clear(&tickets); /* no client runs: nobody else looks at them, nor at the assembly */
    ts_assembly_init(&assembly, assembly.memory, assembly.capacity);
    client = esp_mqtt_client_init(&config);
    if (client == NULL) return false;
    if (esp_mqtt_client_register_event(client, MQTT_EVENT_ANY, on_event, (void *)(uintptr_t)life) == ESP_OK &&
        esp_mqtt_client_start(client) == ESP_OK)
        return true;
    ts_mqtt_close();
    return false;
}

/* Destroying a client stops it first, which says goodbye and waits for its task to end. */
void ts_mqtt_close(void) {
    if (client != NULL) esp_mqtt_client_destroy(client);
    client = NULL;
}

static void sent(int packet, uint16_t token, ts_event_kind kind, uint16_t life) {
    ts_event event = {.kind = kind, .token = token};
    bool already;

    taskENTER_CRITICAL(&lock);
    already = ts_tickets_sent(&tickets, (uint16_t)packet, token, &event.on);
    taskEXIT_CRITICAL(&lock);
    if (already) post(&event, life);
}

void ts_mqtt_subscribe(const char *topic, uint8_t qos, uint16_t token, uint16_t life) {
    int packet = client == NULL ? -1 : esp_mqtt_client_subscribe_single(client, topic, qos);

    if (packet > 0) {
        sent(packet, token, TS_EV_SUBSCRIBED, life);
        return;
    }
    ts_mqtt_close();
    ts_mqtt_tell_lost(life);
}

/* -1: it could not be written, and the connection is aborted; -2: the outbox is full. Where there is no data the client
 * wants NULL: it takes a pointer with length 0 for a string, and measures it. */
void ts_mqtt_publish(const ts_mqtt_message *message, uint16_t life) {
    const char *data = message->size > 0 ? message->data : NULL;
    int packet = client == NULL ? -1
                                : esp_mqtt_client_publish(client, message->topic, data, (int)message->size,
                                                          message->qos, message->retained);

    if (message->qos == 0) return;
    if (packet > 0)
        sent(packet, message->token, TS_EV_ACCEPTED, life);
    else
        post(&(ts_event){.kind = TS_EV_NOT_SENT, .token = message->token}, life);
}
