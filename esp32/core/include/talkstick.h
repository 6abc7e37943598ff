/* The device side of Talkstick: what a board decides, and nothing else.
 *
 * Events go in, actions come out. There is no I/O, no clock, no memory allocation and no global in here: whoever calls
 * owns the memory, tells the time, and does what it is told. So the code that a chip runs is the code that is tested on
 * a PC.
 *
 *     ts_init(&device, &config, now_ms);
 *     for (;;) {
 *         ts_handle(&device, &event, now_ms);                      // something happened
 *         while (ts_next(&device, &action)) perform(&action);      // this is to be done about it, in this order
 *         wait_for_an_event_at_most(ts_due_ms(&device, now_ms));   // then a tick
 *     }
 *
 * Rules for the caller: one task calls. All actions are taken before the next event; what one points to lives until
 * the next is taken (some of it is in the memory of the event, which has to last as long). Performing an action never
 * calls back in here: what comes of it is an event of its own. Times are milliseconds of a counter of 32 bits that may
 * wrap (every 49 days); a tick comes at least every hour.
 */
#ifndef TALKSTICK_H
#define TALKSTICK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "talkstick_contract.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Sizes, in bytes; a build may choose others (-DTS_…). */
#ifndef TS_TOPIC_BYTES
#define TS_TOPIC_BYTES 224 /* a topic with its prefix and the terminator */
#endif
#ifndef TS_OUT_BYTES
#define TS_OUT_BYTES 1400 /* the largest message that is made here: JSON, or an audio frame with its header */
#endif
#ifndef TS_QUEUE_BYTES
#define TS_QUEUE_BYTES 2048 /* results that wait for a connection, or for the broker's acknowledgement */
#endif
#ifndef TS_SENSED_BYTES
#define TS_SENSED_BYTES 640 /* the largest data of what is sensed; the queue always has room for them */
#endif
#ifndef TS_AUDIO_WINDOW
#define TS_AUDIO_WINDOW 8 /* audio frames under way at once */
#endif
#define TS_NAME_BYTES (TS_MAX_ID + 1)
#define TS_PREFIX_BYTES (TS_NVS_MAX_PREFIX + 1)

/* A piece of text or of bytes; it has no terminator. */
typedef struct {
    const char *data;
    size_t size;
} ts_text;

/* What is switched by the command `switch` {"fence":F,"output":NAME,"on":true}, and is `safe` when nobody may use it.
 */
typedef struct {
    const char *name;
    bool safe;
} ts_output;

/* What a board is. All that it points to outlives the device. */
typedef struct {
    const char *id;       /* the id that the device was provisioned with: its client id and its user name */
    const char *prefix;   /* of the whole topic tree, such as "lab/"; NULL: none */
    const char *model;    /* told in `info`; NULL: not told */
    const char *firmware; /* likewise */
    const ts_output *outputs;
    size_t output_count;
    const char *trigger; /* the trigger that this board senses for; NULL: none */
    bool pulse;          /* it has no state: TS_EV_SENSED is a badge, a bell, each time; lost without a connection */
    bool clean_step;     /* TS_DO_CLEAN follows each session, and TS_EV_CLEAN confirms it */
    bool voice;          /* it has a microphone, and perhaps a loudspeaker */
    bool badges;         /* it claims for people: listen to the answers */

    uint8_t heard_codec;  /* TS_CODEC_… of what comes with TS_EV_AUDIO */
    uint8_t speech_codec; /* TS_CODEC_… of what it plays */
    uint16_t frame_bytes; /* the largest audio frame in either direction, header included; 0: TS_USUAL_FRAME */
    uint32_t buffer_ms;   /* how much audio it can hold; 0: TS_USUAL_BUFFER_MS */
    uint32_t max_payload; /* the largest message that the MQTT client takes; told in `info`; 0: not told */

    uint32_t heartbeat_ms;   /* the longest silence; 0: 30 s */
    uint32_t link_grace_ms;  /* without a connection outputs stay as they are for this long at most; the lease may end
                               sooner. 0: for as long as the lease lasts */
    uint32_t backoff_min_ms; /* before the second attempt to connect; 0: 1 s. Doubled each time, with jitter */
    uint32_t backoff_max_ms; /* 0: 60 s */
    uint32_t give_up_ms;     /* without a connection, and a lease, for this long a reboot may help; 0: never */

    uint32_t boot; /* the number that TS_DO_SAVE_BOOT saved last; 0 on a new board */
    uint32_t seed; /* of the jitter: any number that differs from board to board */
} ts_config;

/* -- Events ------------------------------------------------------------------------------------------------------- */

typedef enum {
    TS_EV_TICK,      /* time has passed */
    TS_EV_CONNECTED, /* the broker let us in (CONNACK 0), with a clean session */
    TS_EV_REFUSED,   /* the broker did not: `number` is the code of the CONNACK (4 or 5: the secret is void) */
    TS_EV_LOST,      /* the connection, or the attempt to make one, has ended */

    TS_EV_SUBSCRIBED, /* a SUBACK for TS_DO_SUBSCRIBE `token`: `on` tells whether the broker granted it */
    TS_EV_ACCEPTED,   /* a PUBACK for TS_DO_PUBLISH `token` */
    TS_EV_NOT_SENT,   /* the MQTT client has no room for TS_DO_PUBLISH `token`, or gave it up: it is to come again */
    TS_EV_MESSAGE,    /* `topic` and `data` of a message that came whole; `on`: it was retained */

    TS_EV_BUTTON,    /* the button went down (`on`), or up again */
    TS_EV_AUDIO,     /* `data` of the microphone, encoded: at most frame_bytes - TS_FRAME_HEADER. `number` frames before
                        it were dropped, for want of room */
    TS_EV_PLAYED,    /* the loudspeaker has played all that it was given */
    TS_EV_RESULT,    /* of the work `number`, as TS_DO_WORK had it: `data` is a JSON object, merged into the output;
                        `on`: the work is done. Of any other work it is not taken for this one: TS_CODE_STALE_JOB. For
                        the end of the work there always is room */
    TS_EV_TELEMETRY, /* `data` is a JSON object of readings; `on`: retained */
    TS_EV_SENSED,    /* the trigger is active (`on`) or not; `data`: a JSON object, or empty */
    TS_EV_CLEAN,     /* the clean step is done */
    TS_EV_BADGE,     /* `data` is the principal whose badge was shown: it claims, or gives back what is its own */
    TS_EV_SLEEP,     /* a nap begins, of `number` ms: be safe, say so, then TS_DO_DISCONNECT. What follows is ts_init */
    TS_EV_GOODBYE,   /* it is switched off: likewise */
} ts_event_kind;

typedef struct {
    ts_event_kind kind;
    bool on;
    uint32_t number;
    uint16_t token;
    ts_text topic;
    ts_text data;
} ts_event;

/* -- Actions ------------------------------------------------------------------------------------------------------ */

typedef enum {
    TS_DO_CONNECT,    /* connect with a clean session; the last will: `topic`, `data`, QoS 1, retained. It ends in
                         TS_EV_CONNECTED, TS_EV_REFUSED or TS_EV_LOST; do not try again by yourself */
    TS_DO_DISCONNECT, /* say goodbye to the broker once all was sent; TS_EV_LOST follows */
    TS_DO_SUBSCRIBE,  /* to `topic` at `qos`; TS_EV_SUBSCRIBED with `token` follows */
    TS_DO_PUBLISH,    /* `data` to `topic` at `qos`, retained if `on`. At QoS 1 TS_EV_ACCEPTED or TS_EV_NOT_SENT with
                         `token` follows; at QoS 0 nothing (token 0) */
    TS_DO_SAVE_BOOT,  /* store `number`, as the `boot` of the next ts_init, before the next action is taken */

    TS_DO_WORK,    /* the work of a session begins, or its input has changed: `type`, `data` (its input: a JSON
                      object), and `number`, which its results name. It comes again, with another number, where the
                      session goes on after the board had to stop */
    TS_DO_COMMAND, /* the holder commands: `name`, `data` (a JSON object) */
    TS_DO_OUTPUT,  /* switch output `number` of the configuration `on` or off */
    TS_DO_SAFE,    /* stop, and be safe, for the reason `number`: a ts_reason. All outputs have been told before */
    TS_DO_CLEAN,   /* empty the tray, park the head; then TS_EV_CLEAN */
    TS_DO_SHOW,    /* how things stand has changed: see ts_view() */
    TS_DO_ANSWER, /* to the badge: `name` is the code, `on` that it was granted or released, `data` a text for people */

    TS_DO_RECORD, /* the microphone: `on` or off. What it heard before it went off still comes as TS_EV_AUDIO if that is
                     not taken yet; one without data says that it was all */
    TS_DO_PLAY,   /* play `data`; `number` frames were lost before it (play silence for them) */
    TS_DO_HUSH,   /* stop playing, and forget what is left */

    TS_DO_REBOOT, /* a restart may help: nothing else did for `give_up_ms` */
    TS_DO_FORGET, /* factory reset: erase what was provisioned, then restart. The button was held for 10 s, or, where
                     holding it is speaking, for 40 s */
    TS_DO_NOTE,   /* for the log: `name` is a reason code of the contract, `topic` where it happened */
} ts_action_kind;

typedef struct {
    ts_action_kind kind;
    bool on;
    uint8_t qos;
    uint16_t token;
    uint32_t number;
    uint32_t fence;    /* of TS_DO_WORK, TS_DO_COMMAND, TS_DO_OUTPUT: that of the session */
    uint32_t job;      /* of TS_DO_WORK */
    const char *topic; /* terminated */
    ts_text name;
    ts_text type;
    ts_text data;
} ts_action;

/* Why it became safe. */
typedef enum {
    TS_SAFE_START,   /* it has just been switched on */
    TS_SAFE_ENDED,   /* the session is over, or another one has begun */
    TS_SAFE_LEASE,   /* the lease is over, and nobody said that it was renewed */
    TS_SAFE_LINK,    /* without a connection for longer than `link_grace_ms` */
    TS_SAFE_REMOVED, /* the device was removed, or its secret is void */
} ts_reason;

/* -- What is to be shown ------------------------------------------------------------------------------------------ */

#define TS_STATE_NAME(NAME, WORD) TS_STATE_##NAME,
typedef enum { TS_SESSION_DOCUMENT_STATE_WORDS(TS_STATE_NAME) TS_STATES } ts_state;
#undef TS_STATE_NAME
typedef enum { TS_LINK_DOWN, TS_LINK_CONNECTING, TS_LINK_UP } ts_link;
typedef enum { TS_QUIET, TS_RECORDING, TS_THINKING, TS_SPEAKING } ts_voice_state;

typedef struct {
    ts_link link;
    bool known;    /* the session document of this connection has come; else what follows is as it was */
    uint8_t state; /* a TS_STATE_… of the session document */
    bool in_use;
    const char *holder;      /* "" where nobody holds it */
    const char *holder_name; /* as people call it; may be cut */
    uint32_t fence;
    uint32_t lease_ms; /* what is left of the lease as far as we know; UINT32_MAX: no end is known */
    uint16_t waiting;  /* how many */
    ts_voice_state voice;
} ts_view;

/* -- The device --------------------------------------------------------------------------------------------------- */

#include "talkstick_device.h" /* struct ts_device: its memory is the caller's, its contents are not */

/* Begin. The first actions are to be safe, and to connect. Returns false where the configuration cannot work: the id,
 * the prefix, the trigger, an output or what it says of its voice is no such thing, or too long. */
bool ts_init(ts_device *device, const ts_config *config, uint32_t now_ms);

/* Take one event. It is not looked at again after the actions that follow were taken. Returns whether it was taken: one
 * that there is no room for now (audio with a full window; progress or readings with a full queue, or a second end of
 * the same work, which TS_DO_NOTE tells: TS_CODE_TOO_MANY) is not, and may come again. What can never be taken counts
 * as taken; TS_DO_NOTE says why. */
bool ts_handle(ts_device *device, const ts_event *event, uint32_t now_ms);

/* Write the next thing to do; return whether there is one. */
bool ts_next(ts_device *device, ts_action *action);

/* Return after how many milliseconds a tick is due at the latest. */
uint32_t ts_due_ms(const ts_device *device, uint32_t now_ms);

/* Return how things stand. The texts live until the next event. */
ts_view ts_view_of(const ts_device *device, uint32_t now_ms);

#ifdef __cplusplus
}
#endif

#endif
