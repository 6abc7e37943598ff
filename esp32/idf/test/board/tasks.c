/* FreeRTOS, and time. */
#include "fake.h"

#include <stdlib.h>
#include <string.h>
#include <ucontext.h>

#include "esp_sleep.h"
#include "esp_system.h"
#include "esp_task_wdt.h"
#include "esp_timer.h"
#include "freertos/FreeRTOS.h"
#include "freertos/event_groups.h"
#include "freertos/queue.h"
#include "freertos/task.h"

#define TASKS 8
#define STACK (256 * 1024)
#define FOREVER UINT32_MAX

typedef struct {
    ucontext_t context;
    void (*code)(void *);
    void *argument;
    bool over;
    bool waits;
    bool notified;
    uint32_t until;
} task;

struct QueueDefinition {
    size_t length, size, count, first;
    unsigned char *items;
};
struct EventGroupDef_t {
    EventBits_t bits;
};
struct esp_timer {
    esp_timer_create_args_t args;
    bool set;
    uint32_t at;
};

fake_chip_t fake_chip;
bool fake_no_memory;

static task tasks[TASKS];
static int task_count;
static task *current;
static ucontext_t scheduler;
static uint32_t now = 1000;
static bool progress;
static struct esp_timer timers[4];
static int timer_count;

uint32_t fake_now_ms(void) { return now; }

static void begin(void) {
    current->code(current->argument);
    fake_stop();
}

void fake_task(void (*code)(void *), void *argument) {
    task *made = &tasks[task_count++];

    made->code = code;
    made->argument = argument;
    getcontext(&made->context);
    made->context.uc_stack.ss_sp = malloc(STACK);
    made->context.uc_stack.ss_size = STACK;
    made->context.uc_link = NULL;
    makecontext(&made->context, begin, 0);
}

void fake_stop(void) {
    current->over = true;
    progress = true;
    swapcontext(&current->context, &scheduler);
    abort();
}

bool fake_wait(bool (*ready)(void *), void *argument, uint32_t ms) {
    current->until = ms == FOREVER ? FOREVER : now + ms;
    while (!ready(argument)) {
        if (current->until != FOREVER && now >= current->until) return false;
        current->waits = true;
        swapcontext(&current->context, &scheduler);
        current->waits = false;
    }
    progress = true;
    return true;
}

static void run_all(void) {
    do {
        progress = false;
        for (int i = 0; i < task_count && fake_chip.state == FAKE_RUNNING; i++) {
            current = &tasks[i];
            if (current->over) continue;
            swapcontext(&scheduler, &current->context);
        }
        current = NULL;
    } while (progress && fake_chip.state == FAKE_RUNNING);
}

static uint32_t next_time(uint32_t end) {
    uint32_t next = end;

    for (int i = 0; i < task_count; i++)
        if (!tasks[i].over && tasks[i].waits && tasks[i].until > now && tasks[i].until < next) next = tasks[i].until;
    for (int i = 0; i < timer_count; i++)
        if (timers[i].set && timers[i].at > now && timers[i].at < next) next = timers[i].at;
    return next;
}

void fake_run(uint32_t ms) {
    uint32_t end = now + ms;

    run_all();
    while (now < end && fake_chip.state == FAKE_RUNNING) {
        now = next_time(end);
        for (int i = 0; i < timer_count; i++)
            if (timers[i].set && timers[i].at <= now) {
                timers[i].set = false;
                timers[i].args.callback(timers[i].args.arg);
            }
        run_all();
    }
}

/* -- Tasks -------------------------------------------------------------------------------------------------------- */

BaseType_t xTaskCreate(void (*code)(void *), const char *name, uint32_t stack, void *argument, UBaseType_t priority,
                       TaskHandle_t *handle) {
    (void)name, (void)stack, (void)priority;
    if (handle != NULL) *handle = (TaskHandle_t)&tasks[task_count];
    fake_task(code, argument);
    return pdPASS;
}

TaskHandle_t xTaskGetCurrentTaskHandle(void) { return (TaskHandle_t)current; }

void vTaskPrioritySet(TaskHandle_t handle, UBaseType_t priority) { (void)handle, (void)priority; }

static bool never(void *unused) {
    (void)unused;
    return false;
}

void vTaskDelay(TickType_t ticks) {
    fake_wait(never, NULL, ticks);
    progress = true;
}

static bool notified(void *unused) {
    (void)unused;
    return current->notified;
}

uint32_t ulTaskNotifyTake(BaseType_t clear, TickType_t wait) {
    bool was = fake_wait(notified, NULL, wait);

    (void)clear;
    current->notified = false;
    return was ? 1 : 0;
}

BaseType_t xTaskNotifyGive(TaskHandle_t handle) {
    ((task *)handle)->notified = true;
    return pdPASS;
}

void check_enter(portMUX_TYPE *lock) {
    if (lock->owner++ != 0) abort(); /* whoever holds it may not give up the processor */
}

void check_exit(portMUX_TYPE *lock) { lock->owner--; }

esp_err_t esp_task_wdt_add(TaskHandle_t handle) {
    (void)handle;
    return ESP_OK;
}

esp_err_t esp_task_wdt_reset(void) {
    fake_chip.fed++;
    return ESP_OK;
}

void esp_restart(void) {
    fake_chip.state = FAKE_RESTARTED;
    fake_stop();
}

void esp_deep_sleep(uint64_t us) {
    fake_chip.state = FAKE_ASLEEP;
    fake_chip.sleep_us = us;
    fake_stop();
}

void *fake_malloc(size_t size);
void *fake_malloc(size_t size) { return fake_no_memory ? NULL : malloc(size); }

/* -- Queues ------------------------------------------------------------------------------------------------------- */

QueueHandle_t xQueueCreate(UBaseType_t length, UBaseType_t size) {
    struct QueueDefinition *queue = calloc(1, sizeof *queue);

    queue->length = length;
    queue->size = size;
    queue->items = calloc(length, size);
    return queue;
}

static bool has_item(void *queue) { return ((struct QueueDefinition *)queue)->count > 0; }

static bool has_room(void *queue) {
    return ((struct QueueDefinition *)queue)->count < ((struct QueueDefinition *)queue)->length;
}

/* The client's own task is the test here: it may not have to wait. */
BaseType_t xQueueSend(struct QueueDefinition *queue, const void *item, TickType_t wait) {
    if (!has_room(queue) && (current == NULL || !fake_wait(has_room, queue, wait))) return pdFALSE;
    memcpy(queue->items + (queue->first + queue->count++) % queue->length * queue->size, item, queue->size);
    progress = true;
    return pdTRUE;
}

BaseType_t xQueueReceive(struct QueueDefinition *queue, void *item, TickType_t wait) {
    if (!fake_wait(has_item, queue, wait)) return pdFALSE;
    memcpy(item, queue->items + queue->first * queue->size, queue->size);
    queue->first = (queue->first + 1) % queue->length;
    queue->count--;
    return pdTRUE;
}

UBaseType_t uxQueueMessagesWaiting(struct QueueDefinition *queue) { return (UBaseType_t)queue->count; }

/* -- Event groups ------------------------------------------------------------------------------------------------- */

EventGroupHandle_t xEventGroupCreate(void) { return calloc(1, sizeof(struct EventGroupDef_t)); }

EventBits_t xEventGroupSetBits(struct EventGroupDef_t *group, EventBits_t bits) { return group->bits |= bits; }

EventBits_t xEventGroupClearBits(struct EventGroupDef_t *group, EventBits_t bits) { return group->bits &= ~bits; }

static bool any_bit(void *group) { return ((struct EventGroupDef_t *)group)->bits != 0; }

EventBits_t xEventGroupWaitBits(struct EventGroupDef_t *group, EventBits_t bits, BaseType_t clear, BaseType_t all,
                                TickType_t wait) {
    (void)clear, (void)all;
    fake_wait(any_bit, group, wait);
    return group->bits & bits;
}

/* -- Timers ------------------------------------------------------------------------------------------------------- */

int64_t esp_timer_get_time(void) { return (int64_t)now * 1000; }

esp_err_t esp_timer_create(const esp_timer_create_args_t *args, esp_timer_handle_t *timer) {
    *timer = &timers[timer_count++];
    (*timer)->args = *args;
    return ESP_OK;
}

esp_err_t esp_timer_start_once(esp_timer_handle_t timer, uint64_t us) {
    timer->set = true;
    timer->at = now + (uint32_t)(us / 1000);
    return ESP_OK;
}
