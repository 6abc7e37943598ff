/* The board: the core, and what stands for the hardware around it. */
#ifndef HOST_BOARD_H
#define HOST_BOARD_H

#include "audio.h"
#include "client.h"
#include "flash.h"
#include "work.h"

typedef enum {
    STATUS_RUNS = -1,
    STATUS_LEFT = 0,
    STATUS_CANNOT = 2,
    STATUS_REFUSED = 3,
    STATUS_REBOOT = 4,
    STATUS_FORGOT = 5,
} exit_status;

typedef struct {
    const board_options *options;
    flash_memory *flash;
    const char *password;
    ts_config config;
    ts_device device;
    events events;
    client client;
    work work;
    microphone microphone;
    speaker speaker;
    bool is_leaving;
    uint32_t leave_ms; /* at the latest */
    exit_status status;
} board;

/* Run until it is over; return how it ended. */
exit_status board_run(const board_options *options, flash_memory *flash);

/* Do all that the core wants done. */
void perform(board *self);

/* Do what a person typed. */
void input_line(board *self, char *line);

#endif
