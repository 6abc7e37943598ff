/* What the parts of the core know of each other. */
#ifndef TS_INTERNAL_H
#define TS_INTERNAL_H

#include "talkstick_json.h"
#include "talkstick.h"
#include "text.h"

#define TS_ANSWER_MS 20000u      /* SUBACK and PUBACK take this long at most */
#define TS_ROOM_MS 200u          /* until the MQTT client may have room again */
#define TS_LONGEST_MS (1u << 30) /* of any time: half of what a signed difference can tell */
#define TS_HOUR_MS 3600000u
#define TS_FORGET_MS 10000u       /* the button is held this long for a factory reset */
#define TS_FORGET_VOICE_MS 40000u /* where holding it is speaking: 10 s more than an utterance may last */

typedef enum { TS_CHORE_IDLE, TS_CHORE_WANTED, TS_CHORE_UNDER_WAY, TS_CHORE_DONE } ts_chore_state;

/* Of the configuration 0 says that the usual value will do. */
static inline uint32_t ts_or_default(uint32_t value, uint32_t usual) { return value == 0 ? usual : value; }

/* device.c */
void ts_todo(ts_device *device, ts_action action);
void ts_note(ts_device *device, const char *code, ts_text topic);
void ts_note_about(ts_device *device, const char *code, const char *topic_template);
const char *ts_first_level(const ts_config *config, const char *topic_template);
void ts_be_safe(ts_device *device, ts_reason reason);
uint32_t ts_random_below(ts_device *device, uint32_t bound);

/* timer.c: each timer is one deadline; the table of what follows is in timer.c, too. */
void ts_timer_set(ts_device *device, ts_timer_name name, uint32_t after_ms);
void ts_timer_stop(ts_device *device, ts_timer_name name);
void ts_timers_run(ts_device *device);

/* link.c */
void ts_link_begin(ts_device *device);
void ts_link_connected(ts_device *device);
void ts_link_refused(ts_device *device, uint32_t code);
void ts_link_lost(ts_device *device);
void ts_link_close(ts_device *device);
void ts_link_open(ts_device *device);
void ts_link_overdue(ts_device *device);
void ts_link_steady(ts_device *device);
void ts_link_born(ts_device *device);      /* its birth is acknowledged */
void ts_link_introduce(ts_device *device); /* say once more that it is there, and what it is */
bool ts_link_next(ts_device *device, ts_action *action);
bool ts_link_is_open(const ts_device *device); /* connected, born, and not about to leave */

/* leave.c */
void ts_leave(ts_device *device, bool asleep, uint32_t nap_ms);
bool ts_goodbye_write(ts_device *device, ts_writer *out);

/* chores.c: what is told to the broker */
void ts_chore_want(ts_device *device, unsigned name);
void ts_chore_drop(ts_device *device, unsigned name);
void ts_chores_reset(ts_device *device);
bool ts_chore_is(const ts_device *device, unsigned name, ts_chore_state state);
bool ts_chore_next(ts_device *device, ts_action *action);
void ts_chore_subscribed(ts_device *device, uint16_t token, bool granted);
void ts_chore_accepted(ts_device *device, uint16_t token);
void ts_chore_not_sent(ts_device *device, uint16_t token);
void ts_chores_overdue(ts_device *device);
uint16_t ts_chore_begin(ts_device *device, unsigned name); /* it is under way from now on; returns its token */

void ts_said(ts_device *device); /* something was published: the next heartbeat is later */

/* info.c */
bool ts_info_write(ts_device *device, ts_writer *out);

/* session.c */
void ts_session_document(ts_device *device, const ts_event *event);
void ts_session_stop(ts_device *device, ts_reason reason);
void ts_session_lost(ts_device *device);
void ts_session_lease(ts_device *device);
void ts_session_clean(ts_device *device);
bool ts_reset_write(ts_device *device, ts_writer *out);

/* document.c: read the session document. Returns NULL, or the reason code of what is wrong with it. `session` comes
 * with what was known before. */
typedef struct {
    ts_text type;
    ts_text input;
} ts_work;
const char *ts_document_read(ts_text data, ts_session *session, ts_work *work);

/* command.c */
void ts_command(ts_device *device, const ts_event *event, ts_text name);

/* outbox.c: what waits for the broker, or for its acknowledgement */
bool ts_outbox_result(ts_device *device, const ts_event *event);
bool ts_outbox_telemetry(ts_device *device, const ts_event *event);
bool ts_outbox_sensed(ts_device *device, const ts_event *event);
void ts_outbox_open(ts_device *device);
void ts_outbox_lost(ts_device *device);
bool ts_outbox_has_end(const ts_device *device); /* of the work of this session: it is done, if not told yet */
void ts_outbox_settle(ts_device *device);
void ts_outbox_handed_over(ts_device *device, uint32_t from, uint32_t to);
void ts_outbox_accepted(ts_device *device);
void ts_outbox_wait(ts_device *device); /* for the document to show what was told */
void ts_outbox_again(ts_device *device);
bool ts_result_write(ts_device *device, ts_writer *out);
bool ts_telemetry_write(ts_device *device, ts_writer *out);
bool ts_sensed_write(ts_device *device, ts_writer *out);
bool ts_telemetry_is_retained(const ts_device *device);

/* badge.c */
bool ts_badge(ts_device *device, const ts_event *event);
void ts_badge_reply(ts_device *device, const ts_event *event);
bool ts_badge_write(ts_device *device, ts_writer *out);

/* voice.c: what is said to the board */
void ts_voice_talk(ts_device *device, bool on);
bool ts_voice_audio(ts_device *device, const ts_event *event);
bool ts_voice_next(ts_device *device, ts_action *action);
void ts_voice_stop(ts_device *device); /* the server has heard enough */
void ts_voice_end(ts_device *device);
void ts_voice_abort(ts_device *device);
void ts_voice_connected(ts_device *device);
void ts_voice_lost(ts_device *device);
bool ts_audio_end_write(ts_device *device, ts_writer *out);
ts_voice_state ts_voice_state_of(const ts_device *device);

/* speech.c: what the board says */
void ts_speech_frame(ts_device *device, const ts_event *event, ts_text turn);
void ts_speech_event(ts_device *device, const ts_event *event);
void ts_speech_hush(ts_device *device);
void ts_speech_played(ts_device *device);
void ts_speech_silent(ts_device *device);
uint32_t ts_frame_bytes(const ts_device *device);
uint32_t ts_buffer_ms(const ts_device *device);

#endif
