/* LED, button and outputs. */
#ifndef TS_IO_H
#define TS_IO_H

#include "light.h"
#include "talkstick.h"

/* The outputs that were configured. */
extern const ts_output ts_io_outputs[];
extern const size_t ts_io_output_count;

/* Make all outputs safe. The very first thing that is done. */
void ts_io_safe(void);

/* Begin: the button tells TS_EV_BUTTON from now on. After ts_port_init(). */
void ts_io_init(void);

/* Switch an output of the configuration. */
void ts_io_switch(size_t index, bool on);

/* Choose what the LED shows. */
void ts_io_show(ts_light light);

#endif
