/* A board without hardware. */
#include <mosquitto.h>
#include <stdio.h>

#include "board.h"
#include "claiming.h"
#include "clock.h"
#include "loop.h"

static exit_status run(const board_options *options, flash_memory *flash) {
    bool has_login = (options->config.id != NULL && options->password != NULL) || flash->secret[0] != '\0';
    if (!has_login && options->code == NULL) {
        fputs("talkstick-device: who is this? --id with --password-env or --password-file, or --code\n", stderr);
        return STATUS_CANNOT;
    }
    exit_status claimed = has_login ? STATUS_RUNS : claim_credentials(options, flash);
    return claimed == STATUS_RUNS ? board_run(options, flash) : claimed;
}

int main(int count, char **arguments) {
    static board_options made;
    flash_memory kept;
    if (!options_read(&made, count, arguments)) {
        return STATUS_CANNOT;
    }
    if (made.wants_help) {
        options_explain();
        return STATUS_LEFT;
    }
    if (!flash_read(&kept, made.state)) {
        fprintf(stderr, "talkstick-device: cannot read %s\n", made.state);
        return STATUS_CANNOT;
    }
    loop_catch_signals();
    clock_begin(made.uptime_ms);
    mosquitto_lib_init();
    exit_status status = run(&made, &kept);
    mosquitto_lib_cleanup();
    return status;
}
