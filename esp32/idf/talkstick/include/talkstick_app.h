/* What an application implements, and what it may call: a board is this, and nothing more.
 *
 *     static const ts_app scale = {.model = "scale", .start = start, .command = command};
 *
 *     void app_main(void)
 *     {
 *         ts_app_run(&scale);
 *     }
 *
 * The functions of a ts_app are called by one task, which also watches the lease: they return at once. What takes time
 * is done by a task of the application's own. What is left out (NULL) is not told. Texts and views live until the
 * function returns; JSON is checked already, ts_app_number() and ts_app_string() read it.
 */
#ifndef TALKSTICK_APP_H
#define TALKSTICK_APP_H

#include "talkstick.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct {
    const char *model;   /* told in `info` */
    const char *trigger; /* the trigger that ts_app_sensed() speaks of; NULL: CONFIG_TALKSTICK_TRIGGER */
    bool pulse;          /* that trigger has no state: a bell, a badge */
    bool clean_step;     /* `clean` is called after each session; nobody gets the board before ts_app_cleaned() */
    bool badges;         /* ts_app_badge() is used */

    void (*start)(void); /* once, before the first connection: set up the hardware, begin tasks */
    void (*work)(ts_text type, ts_text input, uint32_t fence, uint32_t job); /* begin the work of a session */
    void (*command)(ts_text name, ts_text data); /* the holder commands; `switch` for a configured output is not told */
    void (*output)(size_t index, bool on);       /* an output was switched; its GPIO was, too */
    void (*safe)(ts_reason reason);              /* stop; all outputs are safe already */
    void (*clean)(void);                         /* empty the tray, park the head; then ts_app_cleaned() */
    void (*button)(bool down);                   /* the button went down, or up; held for long it is a factory reset */
    void (*show)(const ts_view *view);           /* how things stand has changed; the LED shows it, too */
    void (*answer)(ts_text code, bool granted, ts_text message); /* to the badge that was shown */
} ts_app;

/* Run the board; does not return. */
void ts_app_run(const ts_app *app);

/* These may be called by any task, not by interrupts. They return false where there is no room: try again later. */

/* Return the number of the work that was told last, also when it is done; 0: the board was told to be safe since. It is
 * there before `work` is called. */
uint32_t ts_app_work(void);

/* Report what the work of this number has found, a JSON object; `done`: that was all of it. Ask for the number before
 * you measure: what was found for one session is nothing to the next one, and is dropped. */
bool ts_app_report(uint32_t work, const char *json, bool done);

/* Publish readings, a JSON object. */
bool ts_app_telemetry(const char *json, bool retained);

/* Say that the trigger is active, or is no longer; `json`: an object with what was sensed, or NULL. */
bool ts_app_sensed(bool active, const char *json);

/* Claim for this principal, or give back what it has. */
bool ts_app_badge(const char *principal);

/* The clean step is done. */
bool ts_app_cleaned(void);

/* Read what a command or an input says: a whole number, or a text, terminated and cut where it is too long. They return
 * false where there is no such key, or the value is of another kind. */
bool ts_app_number(ts_text object, const char *key, uint32_t *number);
bool ts_app_string(ts_text object, const char *key, char *text, size_t size);

/* Keep a number in flash memory (a calibration), and recall it; `key` has at most 15 characters. Flash memory wears
 * out: keep what changes once a day, not once a second. */
bool ts_app_keep(const char *key, int32_t value);
bool ts_app_recall(const char *key, int32_t *value);

/* Say goodbye and sleep deeply; the board starts anew afterwards. For no time at all nobody sleeps: false. */
bool ts_app_sleep(uint32_t ms);

#ifdef __cplusplus
}
#endif

#endif
