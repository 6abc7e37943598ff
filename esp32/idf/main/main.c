/* The simplest board: its outputs are switched by the command `switch`, and are safe when nobody may use them. */
#include "talkstick_app.h"

void app_main(void) {
    static const ts_app board = {.model = "relay"};

    ts_app_run(&board);
}
