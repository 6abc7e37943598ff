/* esp-mqtt, and the broker behind it, which is the test. */
#include "fake.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "freertos/FreeRTOS.h"
#include "mqtt_client.h"

#define ASKED 256
#define TEXT 2048

struct esp_mqtt_client {
    esp_event_handler_t handler;
    void *argument;
    bool started;
};

bool fake_puback_first;
bool fake_outbox_full;
uint32_t fake_hang_ms;

static struct esp_mqtt_client *client;
static char asked[ASKED][TEXT];
static unsigned asked_first, asked_count;
static char login[256];
static int clients;
static int next_id = 100;

/* What was sent and not acknowledged yet, the oldest first. */
typedef struct {
    int ids[ASKED];
    unsigned first, count;
} unanswered;
static unanswered subscriptions, publishes;

static int sent(unanswered *list) {
    list->ids[(list->first + list->count++) % ASKED] = next_id;
    return next_id++;
}

static int answered(unanswered *list) {
    if (list->count == 0) abort();
    list->count--;
    return list->ids[list->first++ % ASKED];
}

static void note(const char *text) {
    if (asked_count == ASKED) abort();
    snprintf(asked[(asked_first + asked_count++) % ASKED], TEXT, "%s", text);
}

const char *fake_asked(void) {
    if (asked_count == 0) return "";
    asked_count--;
    return asked[asked_first++ % ASKED];
}

int fake_clients(void) { return clients; }
const char *fake_login(void) { return login; }

static void tell(esp_mqtt_event_t *event) {
    if (client == NULL || !client->started) abort();
    event->client = client;
    client->handler(client->argument, "MQTT_EVENTS", event->event_id, event);
}

void fake_connected(void) { tell(&(esp_mqtt_event_t){.event_id = MQTT_EVENT_CONNECTED}); }
void fake_lost(void) { tell(&(esp_mqtt_event_t){.event_id = MQTT_EVENT_DISCONNECTED}); }

void fake_refused(int code) {
    esp_mqtt_error_codes_t error = {.error_type = MQTT_ERROR_TYPE_CONNECTION_REFUSED,
                                    .connect_return_code = (esp_mqtt_connect_return_code_t)code};

    tell(&(esp_mqtt_event_t){.event_id = MQTT_EVENT_ERROR, .error_handle = &error});
    fake_lost();
}

void fake_granted(bool granted) {
    char answer = granted ? 1 : (char)0x80;

    tell(&(esp_mqtt_event_t){
        .event_id = MQTT_EVENT_SUBSCRIBED, .msg_id = answered(&subscriptions), .data = &answer, .data_len = 1});
}

void fake_puback(void) { tell(&(esp_mqtt_event_t){.event_id = MQTT_EVENT_PUBLISHED, .msg_id = answered(&publishes)}); }

void fake_message(const char *topic, const char *data, size_t piece) { fake_bytes(topic, data, strlen(data), piece); }

void fake_bytes(const char *topic, const char *data, size_t total, size_t piece) {
    char head[256];
    char body[2 * TEXT];
    size_t at = 0;

    memcpy(head, topic, strlen(topic)); /* not terminated, as with the real one */
    memcpy(body, data, total);
    do {
        size_t size = total - at < piece ? total - at : piece;
        esp_mqtt_event_t event = {.event_id = MQTT_EVENT_DATA, .total_data_len = (int)total, .data_len = (int)size};
        event.current_data_offset = (int)at;
        event.data = size > 0 ? body + at : NULL;
        event.topic = at == 0 ? head : NULL;
        event.topic_len = at == 0 ? (int)strlen(topic) : 0;
        tell(&event);
        at += size;
    } while (at < total);
}

/* -- The client --------------------------------------------------------------------------------------------------- */

esp_mqtt_client_handle_t esp_mqtt_client_init(const esp_mqtt_client_config_t *config) {
    const char *will = config->session.last_will.msg;
    char text[TEXT];

    if (client != NULL || !config->network.disable_auto_reconnect || config->session.disable_clean_session) abort();
    client = calloc(1, sizeof *client);
    subscriptions = publishes = (unanswered){0};
    clients++;
    snprintf(login, sizeof login, "%s %s:%s%s", config->broker.address.uri, config->credentials.client_id,
             config->credentials.authentication.password,
             config->broker.verification.certificate != NULL         ? " ca"
             : config->broker.verification.crt_bundle_attach != NULL ? " bundle"
                                                                     : "");
    snprintf(text, sizeof text, "connect %.*s", will == NULL ? 0 : config->session.last_will.msg_len,
             will == NULL ? "" : will);
    note(text);
    return client;
}

esp_err_t esp_mqtt_client_register_event(struct esp_mqtt_client *of, esp_mqtt_event_id_t event,
                                         esp_event_handler_t handler, void *argument) {
    (void)event;
    of->handler = handler;
    of->argument = argument;
    return ESP_OK;
}

esp_err_t esp_mqtt_client_start(struct esp_mqtt_client *of) {
    of->started = true;
    return ESP_OK;
}

esp_err_t esp_mqtt_client_destroy(struct esp_mqtt_client *of) {
    if (of != client) abort();
    free(client);
    client = NULL;
    note("close");
    return ESP_OK;
}

/* cppcheck-suppress constParameter ; the prototype is the SDK's */
esp_err_t esp_mqtt_client_disconnect(struct esp_mqtt_client *of) {
    if (of != client) abort();
    note("disconnect");
    fake_lost();
    return ESP_OK;
}

/* cppcheck-suppress constParameter ; the prototype is the SDK's */
int esp_mqtt_client_subscribe_single(struct esp_mqtt_client *of, const char *topic, int qos) {
    char text[TEXT];

    if (of != client) abort();
    snprintf(text, sizeof text, "subscribe %s %d", topic, qos);
    note(text);
    return sent(&subscriptions);
}

static bool never(void *unused) {
    (void)unused;
    return false;
}

/* An audio frame: its header, and how much audio follows. */
static const char *frame(const char *data, int len) {
    static char text[48];
    const unsigned char *head = (const unsigned char *)data;

    snprintf(text, sizeof text, "%u flags %u codec %u +%d", (unsigned)(head[0] << 8 | head[1]), head[2], head[3],
             len - 4);
    return text;
}

/* cppcheck-suppress constParameter ; the prototype is the SDK's */
int esp_mqtt_client_publish(struct esp_mqtt_client *of, const char *topic, const char *data, int len, int qos,
                            int retain) {
    char text[TEXT];
    int id;

    if (of != client || (data != NULL && len == 0)) abort();
    if (strstr(topic, "/audio/") != NULL)
        snprintf(text, sizeof text, "publish %s %s", topic, frame(data, len));
    else
        snprintf(text, sizeof text, "publish%s %s %.*s", retain ? " retained" : "", topic, len,
                 data == NULL ? "" : data);
    note(text);
    if (fake_hang_ms > 0) fake_wait(never, NULL, fake_hang_ms);
    if (fake_outbox_full && qos > 0) return -2;
    if (qos == 0) return 0;
    id = sent(&publishes);
    if (fake_puback_first) fake_puback();
    return id;
}
