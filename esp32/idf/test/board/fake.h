/* A chip that is not there: as much of ESP-IDF as the component uses, in virtual time, one task at a time. Tasks are
 * coroutines; a test is what runs when all of them wait. */
#ifndef FAKE_H
#define FAKE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* -- Time and tasks ----------------------------------------------------------------------------------------------- */

/* Begin a task, and let all of them run until `ms` have passed. */
void fake_task(void (*code)(void *), void *argument);
void fake_run(uint32_t ms);

/* Called by a task: wait until `ready`, at most `ms` (UINT32_MAX: for ever). */
bool fake_wait(bool (*ready)(void *), void *argument, uint32_t ms);

/* Called by a task: it ends here. */
void fake_stop(void) __attribute__((noreturn));

uint32_t fake_now_ms(void);

/* -- What a test sees and sets ------------------------------------------------------------------------------------ */

typedef enum { FAKE_RUNNING, FAKE_RESTARTED, FAKE_ASLEEP } fake_chip_state;

typedef struct {
    fake_chip_state state;
    uint64_t sleep_us;
    uint32_t levels[49];
    bool driven[49]; /* was it ever made an output? */
    bool confirmed;  /* the firmware */
    uint32_t fed;    /* how often the watchdog was */
} fake_chip_t;

extern fake_chip_t fake_chip;

/* Flash memory: texts and numbers of one namespace. NULL: not there. */
void fake_flash(const char *key, const char *value);
const char *fake_flash_text(const char *key);

/* What becomes of the next attempt to open it; 0: nothing. */
extern int fake_flash_error;

/* The last thing that the MQTT client was asked for, as text, and not looked at yet; "" where there is nothing. */
const char *fake_asked(void);

/* How many clients there are, and what the newest logged in with. */
int fake_clients(void);
const char *fake_login(void);

/* The broker answers. */
void fake_connected(void);
void fake_refused(int code);
void fake_lost(void);
void fake_granted(bool granted);                                      /* the oldest subscription that waits for it */
void fake_puback(void);                                               /* the oldest publish that waits for it */
void fake_message(const char *topic, const char *data, size_t piece); /* in pieces of this size */

void fake_bytes(const char *topic, const char *data, size_t size, size_t piece);

/* How the next publishes go: acknowledged before they return; refused for want of room; hanging for so long. */
extern bool fake_puback_first;
extern bool fake_outbox_full;
extern uint32_t fake_hang_ms;

/* The Wi-Fi is not there until fake_wifi(); there is no memory for what events take along. */
extern bool fake_no_wifi;
void fake_wifi(void);
extern bool fake_no_memory;

/* The microphone hears this; the loudspeaker was given so many samples, and this is the last one. */
extern int16_t fake_heard;
extern uint32_t fake_played;
extern int16_t fake_said;

#endif
