/* A claim, with any answers; and what flash memory may hold. */
#include "input.h"
#include "talkstick_json.h"
#include "talkstick_claim.h"

#include <stdlib.h>
#include <string.h>

static void drain(ts_claim *claim) {
    ts_action action;

    for (int i = 0; ts_claim_next(claim, &action); i++) {
        fuzz_expect(i < 4, "an event leads to so much and no more");
        if (action.kind == TS_DO_PUBLISH) fuzz_expect(ts_json_is_object(action.data), "what is said is JSON");
        if (action.kind == TS_DO_PUBLISH || action.kind == TS_DO_SUBSCRIBE)
            fuzz_expect(action.token != 0 && strlen(action.topic) < TS_TOPIC_BYTES, "it can be acknowledged");
    }
    if (ts_claim_state_of(claim) == TS_CLAIM_DONE)
        fuzz_expect(strlen(ts_claim_id(claim)) > 0 && strlen(ts_claim_message(claim)) > 76,
                    "there is a secret to make");
}

static void claim_with(fuzz_input *input) {
    static const char topic[] = "provision/reply/claim-7k3m9";
    ts_claim *claim = malloc(sizeof *claim);
    uint32_t now = fuzz_number(input);
    char data[1024] = {0};

    if (claim == NULL) abort();
    fuzz_expect(ts_claim_init(claim, "7K3M9-QX2VD-0TR5W-8HZCA", NULL, "a4cf128b3f9e",
                              "00112233445566778899aabbccddeeff", 1, now),
                "it can begin");
    drain(claim);
    while (input->left > 0) {
        uint8_t kind = fuzz_byte(input);
        ts_event event = {
            .kind = (ts_event_kind)(kind % 8), .on = kind < 240, .number = kind % 6, .token = claim->token};
        now += kind < 64 ? ts_claim_due_ms(claim, now) : kind;
        event.topic = (ts_text){topic, sizeof topic - 1};
        event.data = (ts_text){data, event.kind == TS_EV_MESSAGE ? fuzz_bytes(input, data, sizeof data) : 0};
        (void)ts_claim_handle(claim, &event, now);
        drain(claim);
    }
    free(claim);
}

static void provision_with(fuzz_input *input) {
    static const size_t sizes[] = {TS_URI_BYTES, TS_PREFIX_BYTES, TS_NAME_BYTES, TS_SECRET_BYTES, TS_CODE_BYTES};
    static ts_provision memory;
    char *const fields[] = {memory.uri, memory.prefix, memory.id, memory.secret, memory.code};

    memset(&memory, 0, sizeof memory);
    strcpy(memory.uri, "mqtts://broker.lan:8883");
    strcpy(memory.id, "scale-1");
    strcpy(memory.secret, "s");
    while (input->left > 0) {
        uint8_t which = fuzz_byte(input) % 5;
        (void)fuzz_bytes(input, fields[which], sizes[which]);
        (void)ts_provision_check(&memory);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    fuzz_input input = {data, size};

    if (fuzz_byte(&input) % 4 == 0)
        provision_with(&input);
    else
        claim_with(&input);
    return 0;
}
