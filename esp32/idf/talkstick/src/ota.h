/* New firmware over the air. */
#ifndef TS_OTA_H
#define TS_OTA_H

#include "talkstick.h"

/* Take the command `ota` {"fence":F,"url":"https://…"}, if this is one and the build allows it. Returns whether it
 * is. */
bool ts_ota_command(ts_text name, ts_text data);

/* This firmware has reached the server: keep it. One that never does is rolled back with the next restart. */
void ts_ota_confirm(void);

#endif
