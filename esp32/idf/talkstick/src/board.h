/* The device: the core, and what performs its actions. */
#ifndef TS_BOARD_H
#define TS_BOARD_H

#include "talkstick_app.h"
#include "talkstick_claim.h"

/* Drive the device; does not return. */
void ts_board_run(const ts_app *app, const ts_provision *provision);

/* To be told each event while there is no device yet: the button, held for long, means a factory reset. */
void ts_board_watch_button(const ts_event *event, uint32_t now_ms);

/* Show that somebody has to do something about this board, and wait for that. Does not return. */
void ts_board_wait_for_people(const char *why) __attribute__((noreturn));

/* Erase what was provisioned, and restart. */
void ts_board_forget(void) __attribute__((noreturn));

#endif
