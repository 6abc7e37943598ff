#include "loop.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LONGEST_WAIT_MS 1000 /* libmosquitto looks after its keep-alive that often */
#define LINE_BYTES 65536

enum { SIGNALS, INPUT, NETWORK, PLACES };

static int signal_pipe[2] = {-1, -1};
static char typed[LINE_BYTES];
static size_t typed_size;
static bool input_has_ended;

static void on_signal(int number) {
    char byte = (char)number;
    if (write(signal_pipe[1], &byte, 1) < 0) {
        return; /* it is full: the loop knows already */
    }
}

void loop_catch_signals(void) {
    struct sigaction action = {.sa_handler = on_signal};
    if (pipe(signal_pipe) != 0) {
        return;
    }
    for (int end = 0; end < 2; end++) {
        fcntl(signal_pipe[end], F_SETFL, O_NONBLOCK);
    }
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGINT, &action, NULL);
}

static void take_lines(const loop *self) {
    char *start = typed;
    for (char *end = NULL; (end = memchr(start, '\n', typed_size - (size_t)(start - typed))) != NULL; start = end + 1) {
        *end = '\0';
        self->line(self->self, start);
    }
    typed_size -= (size_t)(start - typed);
    memmove(typed, start, typed_size);
}

static void read_input(const loop *self) {
    ssize_t got = read(STDIN_FILENO, typed + typed_size, sizeof typed - typed_size);
    if (got <= 0) {
        input_has_ended = true;
        return;
    }
    typed_size += (size_t)got;
    take_lines(self);
    if (typed_size == sizeof typed) typed_size = 0; /* nobody types such a line */
}

static void wait(const loop *self) {
    uint32_t due = self->due_ms(self->self);
    int socket = client_socket(self->client);
    bool reads = self->line != NULL && !input_has_ended;
    struct pollfd places[PLACES] = {
        [SIGNALS] = {.fd = signal_pipe[0], .events = POLLIN},
        [INPUT] = {.fd = reads ? STDIN_FILENO : -1, .events = POLLIN},
        [NETWORK] = {.fd = socket, .events = socket < 0 ? (short)0 : client_waits_for(self->client)},
    };
    if (poll(places, PLACES, (int)(due < LONGEST_WAIT_MS ? due : LONGEST_WAIT_MS)) < 0) {
        return; /* a signal came: the pipe has it */
    }
    char byte;
    if (places[SIGNALS].revents != 0 && read(signal_pipe[0], &byte, 1) == 1) {
        events_push_kind(self->events, TS_EV_GOODBYE, true);
    }
    if (places[INPUT].revents != 0) {
        read_input(self);
    }
    client_step(self->client, places[NETWORK].revents);
}

void loop_run(const loop *self) {
    const ts_event tick = {.kind = TS_EV_TICK};
    while (!self->is_over(self->self)) {
        queued *item = events_pop(self->events);
        if (item != NULL) {
            self->take(self->self, &item->event);
            free(item);
        } else {
            self->take(self->self, &tick);
            if (self->events->first == NULL && !self->is_over(self->self)) {
                wait(self);
            }
        }
    }
}
