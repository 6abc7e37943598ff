/* Microphone and loudspeaker. Without CONFIG_TALKSTICK_VOICE all of this does nothing. */
#ifndef TS_AUDIO_H
#define TS_AUDIO_H

#include "talkstick.h"

#define TS_AUDIO_RETRY_MS 20 /* after which audio that was not taken is offered again */

/* Say what the board can hear and play. */
void ts_audio_configure(ts_config *config);

/* Begin. */
void ts_audio_init(void);

/* Return what was heard and not taken yet, as an event; NULL: nothing. */
const ts_event *ts_audio_heard(void);
void ts_audio_taken(void);

/* Tell whether something was heard and not taken yet. */
bool ts_audio_waiting(void);

void ts_audio_record(bool on);
void ts_audio_play(ts_text data, uint32_t lost);
void ts_audio_hush(void);

#endif
