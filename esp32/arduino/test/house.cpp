#include "house.h"

house::Told house::told;

void house::provision(const char *uri) {
    fake::reset();
    told = Told();
    fake::chip.texts = {
        {"uri", uri}, {"id", "lamp-1"}, {"secret", "s3cret"}, {"wifi_ssid", "net"}, {"wifi_pass", "word"}};
}

static std::string text(const TalkstickText &text) { return std::string(text.data, text.size); }

void house::listen(Talkstick &board) {
    board.onWork([](const TalkstickWork &work) {
        told.work = text(work.type);
        told.input = text(work.input);
        told.fence = work.fence;
        told.works++;
    });
    board.onCommand([](const TalkstickCommand &command) {
        told.command = text(command.name);
        told.payload = text(command.payload);
        told.commands++;
    });
    board.onSafe([](ts_reason reason) { told.safe += static_cast<char>('0' + reason); });
    board.onShow([](const ts_view &) { told.shows++; });
    board.onNote([](const char *code, const char *) { told.notes += std::string(code) + " "; });
}

std::string house::document(uint32_t fence, bool inUse, uint32_t job, uint32_t revision, const char *input) {
    char session[48];
    snprintf(session, sizeof(session), "\"0b9f4c0e-6f4e-4ac1-9d2e-%012u\"", static_cast<unsigned>(fence));
    char start[320];
    snprintf(start, sizeof(start),
             "{\"state\":\"%s\",\"in_use\":%s,\"session\":%s,\"type\":%s,\"holder\":%s,\"holder_name\":%s,\"fence\":%u,"
             "\"expires_in_s\":%s,\"job\":%u,\"input\":",
             inUse ? "active" : "free", inUse ? "true" : "false", inUse ? session : "null",
             inUse ? "\"weighing\"" : "null", inUse ? "\"alice\"" : "null", inUse ? "\"Alice\"" : "null",
             static_cast<unsigned>(fence), inUse ? "60.0" : "null", static_cast<unsigned>(job));
    char end[256];
    snprintf(
        end, sizeof(end),
        ",\"client\":null,\"started_at\":null,\"last_activity\":null,\"expires_at\":null,\"timeout\":false,\"output\":{"
        "},"
        "\"complete\":false,\"offered_to\":null,\"notice\":null,\"queue\":[],\"observers\":0,\"reason\":\"claimed\","
        "\"revision\":%u}",
        static_cast<unsigned>(revision));
    return std::string(start) + input + end;
}

void house::say(const std::string &topic, const std::string &data, bool retained) {
    fake::broker.incoming.push_back(fake::Message{topic, data, 1, retained});
}

void house::pass(Talkstick &board, uint32_t ms) {
    for (int round = 0; round < 12; round++) {
        fake::runTasks();
        board.loop();
    }
    for (uint32_t passed = 0; passed < ms; passed += 10) {
        fake::chip.now += 10;
        fake::runTasks();
        board.loop();
    }
}
