/* What a device remembers. It is here so that its memory can be the caller's; nobody but the core looks into it. */
#ifndef TALKSTICK_DEVICE_H
#define TALKSTICK_DEVICE_H

#define TS_SESSION_BYTES 40 /* the id of a session: a UUID */
#define TS_TODO 8           /* actions that one event may lead to, besides those of other kinds */

typedef enum {
    TS_TIMER_RETRY,     /* connect again */
    TS_TIMER_LINK,      /* it should have been connected, or disconnected, by now */
    TS_TIMER_STEADY,    /* the connection has lasted: the next failure is the first one again */
    TS_TIMER_GIVE_UP,   /* ask for a reboot */
    TS_TIMER_AGAIN,     /* it introduces itself once more */
    TS_TIMER_ANSWER,    /* something has been under way for too long, perhaps */
    TS_TIMER_ROOM,      /* the MQTT client may have room again */
    TS_TIMER_CONFIRM,   /* the document should have shown by now what was told */
    TS_TIMER_HEARTBEAT, /* nothing was said for long */
    TS_TIMER_LEASE,     /* the session is over, as far as we know */
    TS_TIMER_GRACE,     /* the outputs may not stay on without a connection any longer */
    TS_TIMER_LEAVE,     /* the goodbye was not acknowledged */
    TS_TIMER_BUTTON,    /* it was held for long: a factory reset */
    TS_TIMER_UTTERANCE, /* whoever speaks, speaks for too long */
    TS_TIMER_SPEECH,    /* nothing more was heard of what it is to say */
    TS_TIMERS
} ts_timer_name;

typedef struct {
    bool set;
    uint32_t at;
} ts_timer;

/* What is to be told to the broker; in this order, if several are. */
typedef enum {
    TS_CHORE_SUB_SESSION,
    TS_CHORE_SUB_COMMAND,
    TS_CHORE_SUB_SPEECH,
    TS_CHORE_SUB_CONVERSATION,
    TS_CHORE_SUB_REPLY,
    TS_CHORE_BIRTH,
    TS_CHORE_INFO,
    TS_CHORE_BIRTH_AGAIN,
    TS_CHORE_INFO_AGAIN,
    TS_CHORE_SENSED,
    TS_CHORE_RESET,
    TS_CHORE_RESULT,
    TS_CHORE_TELEMETRY,
    TS_CHORE_BADGE,
    TS_CHORE_AUDIO_END,
    TS_CHORE_GOODBYE,
    TS_CHORE_HEARTBEAT,
    TS_CHORE_AUDIO, /* and the next ones: frames that are under way */
    TS_CHORES = TS_CHORE_AUDIO + TS_AUDIO_WINDOW
} ts_chore_name;

typedef struct {
    uint8_t state;
    uint16_t token;
    uint32_t since;
} ts_chore;

/* The session, as the last document that was believed has it. */
typedef struct {
    bool known;    /* on this connection */
    bool believed; /* ever since the start */
    bool in_use;   /* and nothing has made the board stop since */
    bool complete;
    uint8_t state;
    uint32_t fence;
    uint32_t job;
    uint32_t revision;
    uint32_t told_job;      /* of the last TS_DO_WORK */
    uint32_t work;          /* its number */
    uint32_t cleaned_fence; /* of the last TS_DO_CLEAN */
    bool cleaned;           /* there was one */
    bool clean;             /* and it is confirmed */
    bool lease;             /* it ends by itself, at `lease_at` */
    uint32_t lease_at;
    uint32_t lease_ms; /* how long it was when we heard of it */
    uint16_t waiting;
    char id[TS_SESSION_BYTES];
    char holder[TS_NAME_BYTES];
    char holder_name[TS_NAME_BYTES];
} ts_session;

typedef struct {
    uint32_t turn;       /* the highest that was seen, begun here or by the server */
    uint32_t least;      /* speech of a lower one is not to be played any more */
    uint32_t said_turn;  /* of the utterance that is being sent, or was last */
    uint16_t said_seq;   /* the next frame's */
    uint16_t frame_size; /* of the frame in `out` that is to be sent next; 0: none is */
    uint8_t end_flags;   /* of the last frame */
    bool said;           /* it has a first frame */
    bool recording;
    bool draining; /* the microphone is off, but what it has heard is not yet sent */
    bool refused;  /* the last audio had to wait */
    bool thinking; /* the server is */

    bool streaming; /* speech is coming */
    bool heard;     /* some has, of `heard_turn` */
    uint32_t heard_turn;
    uint16_t heard_seq;
    uint32_t gap; /* frames that were lost before the next one to be played */
    bool playing; /* the loudspeaker is */
} ts_voice;

struct ts_device {
    const ts_config *config;
    uint32_t now;
    uint32_t random;

    uint8_t link;             /* a ts_link */
    bool connect, disconnect; /* wanted */
    bool closing;             /* TS_EV_LOST is to come */
    bool down_for_good;       /* it sleeps, or is switched off */
    bool removed;
    bool reboot, forget, show;
    uint8_t attempt;
    uint32_t boot;     /* of this connection */
    uint32_t reserved; /* up to here numbers need not be saved */
    uint16_t token;    /* the last one */

    bool safe; /* outputs are to be made safe, from `safe_next` on, for `safe_reason` */
    uint8_t safe_reason;
    size_t safe_next;

    ts_timer timers[TS_TIMERS];
    ts_chore chores[TS_CHORES];
    ts_action todo[TS_TODO];
    uint8_t todo_next, todo_count;

    ts_session session;
    ts_voice voice;
    bool button;

    bool leaving_asleep;
    uint32_t nap_ms;
    uint32_t asked; /* how often the badge reader did */
    bool badge_releases;
    char badge[TS_NAME_BYTES];

    uint8_t told_again; /* how often */
    size_t queue_size;  /* of what waits in `queue` */
    char topic[TS_TOPIC_BYTES];
    char out[TS_OUT_BYTES];
    char queue[TS_QUEUE_BYTES];
};
typedef struct ts_device ts_device;

#endif
