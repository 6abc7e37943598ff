#include "port.h"

#include <stdlib.h>
#include <string.h>

#include "esp_log.h"
#include "esp_task_wdt.h"
#include "esp_timer.h"
#include "freertos/FreeRTOS.h"
#include "freertos/queue.h"
#include "freertos/task.h"
#include "net.h"

#define QUEUE_LENGTH 32
#define PRIORITY 6           /* above the network, below what the hardware drives */
#define LONGEST_WAIT_MS 1000 /* the watchdog wants to hear of us */

static const char *const TAG = "port";

/* An event under way. Its texts lie in one block behind it. */
typedef struct {
    ts_event event;
    uint16_t life;
    char *texts;
} item;

static QueueHandle_t queue;
static TaskHandle_t owner;
static uint16_t life; /* of the connection that we asked for last */
static ts_machine const *running;

uint32_t ts_port_now_ms(void) { return (uint32_t)(esp_timer_get_time() / 1000); }

void ts_port_init(void) {
    owner = xTaskGetCurrentTaskHandle(); /* the main task, which begins with the lowest priority */
    vTaskPrioritySet(NULL, PRIORITY);
    queue = xQueueCreate(QUEUE_LENGTH, sizeof(item));
    if (queue == NULL) abort();
    ESP_ERROR_CHECK(esp_task_wdt_add(NULL));
}

static bool copy_texts(item *copy) {
    size_t topic = copy->event.topic.size;
    size_t data = copy->event.data.size;

    copy->texts = NULL;
    if (topic + data == 0) return true;
    copy->texts = malloc(topic + data);
    if (copy->texts == NULL) return false;
    if (topic > 0) memcpy(copy->texts, copy->event.topic.data, topic);
    if (data > 0) memcpy(copy->texts + topic, copy->event.data.data, data);
    copy->event.topic.data = copy->texts;
    copy->event.data.data = data > 0 ? copy->texts + topic : NULL;
    return true;
}

bool ts_port_post(const ts_event *event, uint16_t of_life, ts_patience patience) {
    item copy = {.event = *event, .life = of_life};
    bool wait = patience == TS_POST_WAIT && xTaskGetCurrentTaskHandle() != owner;

    if (!copy_texts(&copy)) {
        ESP_LOGE(TAG, "no memory for an event of kind %d", (int)event->kind);
        return false;
    }
    if (xQueueSend(queue, &copy, wait ? portMAX_DELAY : 0) == pdTRUE) return true;
    free(copy.texts);
    ESP_LOGW(TAG, "no room for an event of kind %d", (int)event->kind);
    return false;
}

/* What cannot be handed to the network is an event, as if the network had said so. */
static void not_taken(const ts_action *action) {
    ts_event event = {.token = action->token};

    if (action->kind == TS_DO_CONNECT || action->kind == TS_DO_DISCONNECT)
        event.kind = TS_EV_LOST;
    else if (action->kind == TS_DO_PUBLISH && action->qos > 0)
        event.kind = TS_EV_NOT_SENT;
    else
        return; /* the core notices that no SUBACK comes */
    ts_port_post(&event, life, TS_POST_NOW);
}

bool ts_port_network(const ts_action *action) {
    switch (action->kind) {
    case TS_DO_CONNECT:
        if (++life == TS_ANY_LIFE) life++;
        break;
    case TS_DO_DISCONNECT:
    case TS_DO_SUBSCRIBE:
    case TS_DO_PUBLISH: break;
    default: return false;
    }
    if (!ts_net_submit(action, life)) not_taken(action);
    return true;
}

static void handle(const item *taken) {
    if (taken->life != TS_ANY_LIFE && taken->life != life) return; /* of a connection that is over */
    if (!running->handle(&taken->event, ts_port_now_ms()))
        ESP_LOGW(TAG, "no room for what the application said (%d)", (int)taken->event.kind);
}

static void perform_all(void) {
    ts_action action;

    while (running->next(&action)) running->perform(&action);
}

void ts_port_step(const ts_machine *machine) {
    static const ts_event tick = {.kind = TS_EV_TICK};
    item taken;
    uint32_t wait;

    running = machine;
    perform_all();
    wait = machine->due_ms(ts_port_now_ms());
    if (wait > LONGEST_WAIT_MS) wait = LONGEST_WAIT_MS;
    esp_task_wdt_reset();
    if (xQueueReceive(queue, &taken, pdMS_TO_TICKS(wait)) == pdTRUE) {
        handle(&taken);
        perform_all(); /* before the texts go */
        free(taken.texts);
    } else {
        machine->handle(&tick, ts_port_now_ms());
    }
}
