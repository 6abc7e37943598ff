/* What the command line says. */
#ifndef HOST_OPTIONS_H
#define HOST_OPTIONS_H

#include "talkstick_claim.h"

#define MAX_OUTPUTS 8

typedef struct {
    char host[TS_URI_BYTES];
    uint16_t port;
    bool tls;
    const char *ca;       /* a file; NULL: the authorities that the system knows */
    const char *password; /* NULL: what the state file has */
    const char *state;    /* the file that stands for flash memory; NULL: nothing outlives the process */
    const char *code;     /* a claim code; NULL: none */
    const char *mac;
    const char *microphone;
    const char *speaker;
    bool wants_help;
    uint32_t uptime_ms; /* what the counter of milliseconds begins with */
    uint32_t work_ms;   /* how long simulated work takes; 0: what is typed is the work */
    char output_names[MAX_OUTPUTS][TS_NAME_BYTES];
    ts_output outputs[MAX_OUTPUTS];
    ts_config config; /* but for what the state file has: boot, id */
} board_options;

/* Say on standard output what there is. */
void options_explain(void);

/* Read them. Returns false, with a complaint on standard error, where they make no sense. Texts are not copied. */
bool options_read(board_options *made, int count, char **arguments);

#endif
