#include "claiming.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>
#include <stdio.h>
#include <string.h>

#include "clock.h"
#include "loop.h"
#include "report.h"

#define NONCE_SIZE 16

typedef struct {
    ts_claim claim;
    events events;
    client client;
    bool is_given_up;
} claiming;

static void write_hex(char *text, const unsigned char *bytes, size_t size) {
    for (size_t at = 0; at < size; at++) {
        snprintf(text + 2 * at, 3, "%02x", bytes[at]);
    }
}

/* The same nonce belongs to the same code, after a restart, too. */
static bool choose_nonce(flash_memory *flash, const char *code) {
    unsigned char bytes[NONCE_SIZE];
    if (flash->nonce[0] != '\0' && strcmp(flash->code, code) == 0) {
        return true;
    }
    if (strlen(code) >= sizeof flash->code || RAND_bytes(bytes, NONCE_SIZE) != 1) {
        return false;
    }
    memcpy(flash->code, code, strlen(code) + 1);
    write_hex(flash->nonce, bytes, NONCE_SIZE);
    return flash_write(flash);
}

static bool keep(flash_memory *flash, const ts_claim *claim) {
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned int size = 0;
    const char *key = ts_claim_key(claim), *message = ts_claim_message(claim), *id = ts_claim_id(claim);
    if (HMAC(EVP_sha256(), key, (int)strlen(key), (const unsigned char *)message, strlen(message), digest, &size) ==
        NULL) {
        return false;
    }
    snprintf(flash->id, sizeof flash->id, "%s", id);
    write_hex(flash->secret, digest, size);
    flash->code[0] = flash->nonce[0] = '\0';
    return flash_write(flash);
}

static void do_all(claiming *self) {
    ts_action action;
    while (ts_claim_next(&self->claim, &action)) {
        switch (action.kind) {
        case TS_DO_CONNECT:
            client_connect(&self->client, &action, ts_claim_username(&self->claim), ts_claim_password(&self->claim));
            break;
        case TS_DO_SUBSCRIBE: client_subscribe(&self->client, &action); break;
        case TS_DO_PUBLISH: client_publish(&self->client, &action); break;
        case TS_DO_DISCONNECT: client_disconnect(&self->client); break;
        case TS_DO_NOTE:
            report_begin("did", "note");
            report_text("code", action.name);
            report_end();
            break;
        default: break;
        }
    }
}

static void take(void *object, const ts_event *event) {
    claiming *self = object;
    report_event(event);
    self->is_given_up = self->is_given_up || event->kind == TS_EV_GOODBYE;
    ts_claim_handle(&self->claim, event, clock_ms());
    do_all(self);
}

static uint32_t due_ms(void *object) {
    const claiming *self = object;
    return ts_claim_due_ms(&self->claim, clock_ms());
}

static bool is_over(void *object) {
    const claiming *self = object;
    return self->is_given_up || ts_claim_state_of(&self->claim) != TS_CLAIM_TRYING;
}

static exit_status outcome(const claiming *self, flash_memory *flash) {
    switch (ts_claim_state_of(&self->claim)) {
    case TS_CLAIM_REFUSED:
        report_begin("did", "claim_refused");
        report_end();
        return STATUS_REFUSED;
    case TS_CLAIM_DONE:
        report_begin("did", "claimed");
        report_word("id", ts_claim_id(&self->claim));
        report_end();
        return keep(flash, &self->claim) ? STATUS_RUNS : STATUS_CANNOT;
    default: return STATUS_LEFT;
    }
}

exit_status claim_credentials(const board_options *options, flash_memory *flash) {
    static claiming self;
    loop around = {.self = &self,
                   .events = &self.events,
                   .client = &self.client,
                   .take = take,
                   .due_ms = due_ms,
                   .is_over = is_over};
    memset(&self, 0, sizeof self);
    self.client.options = options;
    self.client.events = &self.events;
    if (!choose_nonce(flash, options->code) ||
        !ts_claim_init(&self.claim, options->code, options->config.prefix, options->mac, flash->nonce,
                       options->config.seed, clock_ms())) {
        fputs("talkstick-device: that is no claim code, or no MAC\n", stderr);
        return STATUS_CANNOT;
    }
    do_all(&self);
    loop_run(&around);
    exit_status status = outcome(&self, flash);
    client_drop(&self.client);
    events_clear(&self.events);
    return status;
}
