#include "options.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char USAGE[] =
    "talkstick-device --uri mqtt[s]://HOST:PORT (--id ID (--password-env VAR | --password-file FILE)\n"
    "                                           | --code CODE --mac MAC [--state FILE])\n"
    "\n"
    "A board without hardware: the firmware's core, on a PC. It says what it gets and does as lines of JSON, and "
    "takes\n"
    "what a person would do at it from standard input, one a line. SIGTERM is a polite goodbye.\n"
    "\n"
    "  --ca FILE               the certificate of the authority, for mqtts\n"
    "  --prefix PREFIX         of the whole topic tree, such as lab/\n"
    "  --state FILE            stands for flash memory: the boot number, and the credentials of a claim\n"
    "  --mac MAC               12 hexadecimal digits, for a claim\n"
    "  --output NAME:on|off    something that is switched, and how it is safe; up to 8 times\n"
    "  --work MS               do simulated work of this length\n"
    "  --clean-step            confirm after each session that the board is clean\n"
    "  --badges                there is a badge reader\n"
    "  --trigger ID            there is a sensor for this trigger\n"
    "  --voice                 there are microphone and loudspeaker\n"
    "  --microphone FILE       what it hears: WAV or raw, PCM of 16 bits at 16 kHz\n"
    "  --speaker FILE          where goes what is played, without any header\n"
    "  --speech CODEC          of what is played: pcm16_16k, pcm16_8k, mulaw_8k, mp3, wav\n"
    "  --model, --firmware, --heartbeat-ms, --link-grace-ms, --backoff-min-ms, --backoff-max-ms, --give-up-ms,\n"
    "  --seed, --uptime-ms     as in talkstick.h\n"
    "\n"
    "Input: result JSON, final JSON, telemetry JSON, button down|up, talk [FILE], badge PRINCIPAL, sense on|off "
    "[JSON],\n"
    "clean, sleep MS, goodbye.\n"
    "Exit status: 0 goodbye or sleep, 2 it cannot start, 3 the claim was refused, 4 reboot wanted, 5 factory reset.\n";

enum { FLAG = 256 };

typedef enum {
    URI = FLAG,
    ID,
    PASSWORD_ENV,
    PASSWORD_FILE,
    CA,
    PREFIX,
    STATE,
    CODE,
    MAC,
    OUTPUT,
    WORK,
    CLEAN_STEP,
    BADGES,
    TRIGGER,
    VOICE,
    MICROPHONE,
    SPEAKER,
    SPEECH,
    MODEL,
    FIRMWARE,
    HEARTBEAT,
    LINK_GRACE,
    BACKOFF_MIN,
    BACKOFF_MAX,
    GIVE_UP,
    SEED,
    UPTIME,
    HELP,
} option_code;

static const struct option OPTIONS[] = {
    {"uri", required_argument, NULL, URI},
    {"id", required_argument, NULL, ID},
    {"password-env", required_argument, NULL, PASSWORD_ENV},
    {"password-file", required_argument, NULL, PASSWORD_FILE},
    {"ca", required_argument, NULL, CA},
    {"prefix", required_argument, NULL, PREFIX},
    {"state", required_argument, NULL, STATE},
    {"code", required_argument, NULL, CODE},
    {"mac", required_argument, NULL, MAC},
    {"output", required_argument, NULL, OUTPUT},
    {"work", required_argument, NULL, WORK},
    {"clean-step", no_argument, NULL, CLEAN_STEP},
    {"badges", no_argument, NULL, BADGES},
    {"trigger", required_argument, NULL, TRIGGER},
    {"voice", no_argument, NULL, VOICE},
    {"microphone", required_argument, NULL, MICROPHONE},
    {"speaker", required_argument, NULL, SPEAKER},
    {"speech", required_argument, NULL, SPEECH},
    {"model", required_argument, NULL, MODEL},
    {"firmware", required_argument, NULL, FIRMWARE},
    {"heartbeat-ms", required_argument, NULL, HEARTBEAT},
    {"link-grace-ms", required_argument, NULL, LINK_GRACE},
    {"backoff-min-ms", required_argument, NULL, BACKOFF_MIN},
    {"backoff-max-ms", required_argument, NULL, BACKOFF_MAX},
    {"give-up-ms", required_argument, NULL, GIVE_UP},
    {"seed", required_argument, NULL, SEED},
    {"uptime-ms", required_argument, NULL, UPTIME},
    {"help", no_argument, NULL, HELP},
    {NULL, 0, NULL, 0},
};

static bool complain(const char *what, const char *value) {
    fprintf(stderr, "talkstick-device: %s%s\n", what, value);
    return false;
}

/* Read a secret from a file that is not for all eyes: its first line. */
static const char *first_line(const char *path) {
    static char line[TS_SECRET_BYTES];
    FILE *file = fopen(path, "r");
    if (file == NULL || fgets(line, sizeof line, file) == NULL) {
        line[0] = '\0';
    }
    if (file != NULL) {
        fclose(file);
    }
    line[strcspn(line, "\r\n")] = '\0';
    return line[0] == '\0' ? NULL : line;
}

static bool read_secret(board_options *made, const char *secret) {
    made->password = secret;
    return secret != NULL || complain("there is no password where one was to be", "");
}

static bool read_output(board_options *made, const char *text) {
    size_t at = made->config.output_count;
    const char *colon = strrchr(text, ':');
    bool is_on = colon != NULL && strcmp(colon, ":on") == 0;
    if (at == MAX_OUTPUTS || colon == NULL || colon - text >= TS_NAME_BYTES || (!is_on && strcmp(colon, ":off") != 0)) {
        return complain("an output is NAME:on or NAME:off, not ", text);
    }
    memcpy(made->output_names[at], text, (size_t)(colon - text));
    made->outputs[at] = (ts_output){made->output_names[at], is_on};
    made->config.output_count++;
    return true;
}

static bool read_speech(board_options *made, const char *name) {
#define CODEC(NAME, WORD)                                                                                              \
    if (strcmp(name, WORD) == 0) {                                                                                     \
        made->config.speech_codec = TS_CODEC_##NAME;                                                                   \
        return true;                                                                                                   \
    }
    TS_CODECS(CODEC)
#undef CODEC
    return complain("there is no codec ", name);
}

static bool read_number(uint32_t *number, const char *text) {
    char *end = NULL;
    unsigned long value = strtoul(text, &end, 10);
    *number = (uint32_t)value;
    return (*text != '\0' && *end == '\0' && value <= UINT32_MAX) || complain("no number of 32 bits: ", text);
}

static bool read_uri(board_options *made, const char *uri) {
    return ts_uri_read(uri, made->host, sizeof made->host, &made->port, &made->tls) || complain("no URI: ", uri);
}

/* Where an option that is a text goes; NULL: it is none. */
static const char **place_of_text(board_options *made, int code) {
    switch (code) {
    case ID: return &made->config.id;
    case CA: return &made->ca;
    case PREFIX: return &made->config.prefix;
    case STATE: return &made->state;
    case CODE: return &made->code;
    case MAC: return &made->mac;
    case TRIGGER: return &made->config.trigger;
    case MICROPHONE: return &made->microphone;
    case SPEAKER: return &made->speaker;
    case MODEL: return &made->config.model;
    case FIRMWARE: return &made->config.firmware;
    default: return NULL;
    }
}

static uint32_t *place_of_number(board_options *made, int code) {
    switch (code) {
    case WORK: return &made->work_ms;
    case HEARTBEAT: return &made->config.heartbeat_ms;
    case LINK_GRACE: return &made->config.link_grace_ms;
    case BACKOFF_MIN: return &made->config.backoff_min_ms;
    case BACKOFF_MAX: return &made->config.backoff_max_ms;
    case GIVE_UP: return &made->config.give_up_ms;
    case SEED: return &made->config.seed;
    case UPTIME: return &made->uptime_ms;
    default: return NULL;
    }
}

static bool *place_of_flag(board_options *made, int code) {
    switch (code) {
    case CLEAN_STEP: return &made->config.clean_step;
    case BADGES: return &made->config.badges;
    case VOICE: return &made->config.voice;
    case HELP: return &made->wants_help;
    default: return NULL;
    }
}

static bool read_one(board_options *made, int code, const char *value) {
    const char **text = place_of_text(made, code);
    uint32_t *number = place_of_number(made, code);
    bool *flag = place_of_flag(made, code);
    if (text != NULL) {
        *text = value;
        return true;
    }
    if (number != NULL) {
        return read_number(number, value);
    }
    if (flag != NULL) {
        *flag = true;
        return true;
    }
    switch (code) {
    case URI: return read_uri(made, value);
    case PASSWORD_ENV: return read_secret(made, getenv(value));
    case PASSWORD_FILE: return read_secret(made, first_line(value));
    case OUTPUT: return read_output(made, value);
    case SPEECH: return read_speech(made, value);
    default: return complain("try --help", "");
    }
}

void options_explain(void) { fputs(USAGE, stdout); }

bool options_read(board_options *made, int count, char **arguments) {
    memset(made, 0, sizeof *made);
    made->config.model = "virtual";
    made->config.firmware = "talkstick-device";
    made->config.outputs = made->outputs;
    made->config.heard_codec = TS_CODEC_PCM16_16K;
    made->config.speech_codec = TS_CODEC_PCM16_16K;
    made->config.seed = (uint32_t)getpid();
    for (int code = 0; (code = getopt_long(count, arguments, "", OPTIONS, NULL)) != -1;) {
        if (!read_one(made, code, optarg)) {
            return false;
        }
    }
    if (made->wants_help) {
        return true;
    }
    if (optind < count) {
        return complain("what is ", arguments[optind]);
    }
    if (made->host[0] == '\0') {
        return complain("where is the broker? --uri mqtt://HOST:PORT", "");
    }
    if (made->ca != NULL && access(made->ca, R_OK) != 0) {
        return complain("cannot read the certificate ", made->ca);
    }
    return made->code == NULL || made->mac != NULL || complain("a claim needs --mac", "");
}
