/* API Reference, System, FreeRTOS (IDF): "Task API" */
#pragma once
#include "freertos/FreeRTOS.h"
typedef struct tskTaskControlBlock *TaskHandle_t;
BaseType_t xTaskCreate(void (*code)(void *), const char *name, uint32_t stack, void *argument, UBaseType_t priority,
                       TaskHandle_t *task);
void vTaskDelete(TaskHandle_t task);
void vTaskDelay(TickType_t ticks);
void vTaskPrioritySet(TaskHandle_t task, UBaseType_t priority);
TaskHandle_t xTaskGetCurrentTaskHandle(void);
uint32_t ulTaskNotifyTake(BaseType_t clear, TickType_t wait);
BaseType_t xTaskNotifyGive(TaskHandle_t task);
void check_enter(portMUX_TYPE *lock);
void check_exit(portMUX_TYPE *lock);
#define taskENTER_CRITICAL(lock) check_enter(lock)
#define taskEXIT_CRITICAL(lock) check_exit(lock)
