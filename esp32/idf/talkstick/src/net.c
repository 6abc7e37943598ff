#include "net.h"

#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "esp_log.h"
#include "freertos/FreeRTOS.h"
#include "freertos/queue.h"
#include "freertos/task.h"
#include "mqtt.h"
#include "wifi.h"

#define JOBS 24 /* all that the core has under way at once */
#define STACK_BYTES 6144
#define PRIORITY 5
#define WAIT_FOR_WIFI_MS 30000 /* the core waits a minute for a connection; this, and all the rest, is shorter */
#define WAIT_FOR_CLOCK_MS 10000

static const char *const TAG = "net";

/* An action, with texts of its own behind it. */
typedef struct {
    ts_action_kind kind;
    bool retained;
    uint8_t qos;
    uint16_t token;
    uint16_t life;
    size_t size;
    const char *data;
    char topic[]; /* terminated; then the data, terminated, too, though it may hold anything */
} job;

static QueueHandle_t queue;
static ts_login login;

bool ts_net_submit(const ts_action *action, uint16_t life) {
    size_t topic = action->topic == NULL ? 0 : strlen(action->topic);
    job *made = malloc(sizeof *made + topic + 1 + action->data.size + 1);
    char *data;

    if (made == NULL) return false;
    *made = (job){action->kind, action->on, action->qos, action->token, life, action->data.size, NULL};
    if (topic > 0) memcpy(made->topic, action->topic, topic);
    made->topic[topic] = '\0';
    data = made->topic + topic + 1;
    if (made->size > 0) memcpy(data, action->data.data, made->size);
    data[made->size] = '\0';
    made->data = data;
    if (xQueueSend(queue, &made, 0) == pdTRUE) return true;
    free(made);
    return false;
}

static void open_connection(const job *what) {
    ts_mqtt_will will = {what->topic, what->data, what->size};
    bool tls = strncmp(login.uri, "mqtts:", strlen("mqtts:")) == 0;

    ts_mqtt_close();
    if (!ts_wifi_wait(WAIT_FOR_WIFI_MS)) {
        ESP_LOGW(TAG, "no Wi-Fi");
        ts_mqtt_tell_lost(what->life);
        return;
    }
    if (!ts_clock_wait(tls ? WAIT_FOR_CLOCK_MS : 0) && tls)
        ESP_LOGW(TAG, "nobody tells the time: certificates are checked against the last known one");
    /* Meanwhile something else may be wanted: to sleep, or to try anew. esp-mqtt destroys a client whose task has not
     * run yet under its feet. */
    if (uxQueueMessagesWaiting(queue) > 0 || !ts_mqtt_open(&login, what->topic[0] == '\0' ? NULL : &will, what->life))
        ts_mqtt_tell_lost(what->life);
}

static void publish(const job *what) {
    ts_mqtt_message message = {what->topic, what->data, what->size, what->qos, what->retained, what->token};

    ts_mqtt_publish(&message, what->life);
}

static void perform(const job *what) {
    switch (what->kind) {
    case TS_DO_CONNECT: open_connection(what); break;
    case TS_DO_SUBSCRIBE: ts_mqtt_subscribe(what->topic, what->qos, what->token, what->life); break;
    case TS_DO_PUBLISH: publish(what); break;
    default:
        ts_mqtt_close();
        ts_mqtt_tell_lost(what->life);
        break;
    }
}

static void run(void *unused) {
    job *next;

    (void)unused;
    for (;;) {
        if (xQueueReceive(queue, &next, portMAX_DELAY) != pdTRUE) continue;
        perform(next);
        free(next);
    }
}

void ts_net_init(const ts_login *who) {
    login = *who;
    ts_mqtt_init();
    queue = xQueueCreate(JOBS, sizeof(job *));
    if (queue == NULL || xTaskCreate(run, "net", STACK_BYTES, NULL, PRIORITY, NULL) != pdPASS) abort();
}
