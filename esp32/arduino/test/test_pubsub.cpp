/* The class over PubSubClient: what it can do, what it cannot, and that it says so. */
#include "TalkstickPubSubClient.h"
#include "check.h"
#include "house.h"

using house::told;

struct AtWork {
    WiFiClient net;
    TalkstickPubSubClient mqtt;
    Talkstick board;

    explicit AtWork(uint16_t bytes = TalkstickPubSubClient::USUAL_BYTES) : mqtt(net, bytes), board(mqtt) {
        house::provision();
        house::listen(board);
        board.output("power", 26, false, true);
        CHECK(board.begin());
        house::pass(board);
        house::say(house::SESSION, house::document(1, false), true);
        house::pass(board);
    }
};

static void testASession() {
    AtWork it;
    EQUAL(fake::broker.host, "10.0.0.2");
    EQUAL(fake::broker.clientId, "lamp-1");
    EQUAL(fake::broker.password, "s3cret");
    CHECK(fake::broker.cleanSession && fake::broker.willRetained);
    EQUAL(fake::broker.will, "{\"state\":\"lost\",\"boot\":1}");
    EQUAL(fake::broker.last(house::STATUS)->data, "{\"state\":\"online\",\"boot\":1}");
    EQUAL(fake::chip.pins[26], HIGH); // off, on a board that switches at low
    house::say(house::SESSION, house::document(4, true, 1, 5), true);
    house::say("devices/lamp-1/command/switch", "{\"fence\":4,\"output\":\"power\",\"on\":true}");
    house::pass(it.board);
    EQUAL(told.works, 1);
    EQUAL(fake::chip.pins[26], LOW);
    CHECK(it.board.report("{\"hours\":2}", true));
    house::pass(it.board);
    EQUAL(fake::broker.last(house::RESULT)->data, "{\"fence\":4,\"job\":1,\"output\":{\"hours\":2},\"complete\":true}");
    fake::broker.reachable = fake::broker.connected = false;
    house::pass(it.board, 61000);
    EQUAL(fake::chip.pins[26], HIGH);
    fake::broker.reachable = true;
    house::pass(it.board, 61000);
    CHECK(it.board.view().link == TS_LINK_UP);
}

/* Messages stand in the buffer that everything that is sent overwrites. */
static void testAMessageOutlivesWhatIsSent() {
    AtWork it;
    it.board.onWork([](const TalkstickWork &work) { told.input.assign(work.input.data, work.input.size); });
    it.board.onOutput([](uint8_t, bool) {});
    house::say(house::SESSION, house::document(4, true, 1, 5, "{\"text\":\"all of this is still there\"}"), true);
    house::pass(it.board);
    EQUAL(told.input, "{\"text\":\"all of this is still there\"}");
}

static void testABufferThatIsTooSmallIsRefused() {
    house::provision();
    WiFiClient net;
    TalkstickPubSubClient usual(net, 256); // what PubSubClient takes by itself
    Talkstick board(usual);
    board.output("power", 26, false, true);
    CHECK(!board.begin());
    EQUAL(std::string(board.fault()), "the buffer of PubSubClient is too small");
    EQUAL(fake::chip.modes[26], OUTPUT); // and the output is safe all the same
    EQUAL(fake::chip.pins[26], HIGH);
    board.loop();
    EQUAL(fake::broker.attempts, 0);
    CHECK(!board.report("{}"));
    AtWork least(TalkstickPubSubClient::LEAST_BYTES);
    CHECK(least.board.view().known);
}

/* PubSubClient drops what is larger than its buffer and says nothing: info tells the server how much it takes. */
static void testAMessageThatIsTooLargeIsNotHeardOf() {
    AtWork it;
    house::say(house::SESSION, house::document(4, true, 1, 5), true);
    house::say("devices/lamp-1/command/blink", "{\"fence\":4,\"x\":\"" + std::string(3100, 'x') + "\"}");
    house::pass(it.board);
    EQUAL(told.commands, 0);
    EQUAL(told.notes, "");
    CHECK(it.board.view().link == TS_LINK_UP);
    const std::string limit = "\"max_payload\":" + std::to_string(it.mqtt.maxPayload());
    CHECK(fake::broker.last("devices/lamp-1/info")->data.find(limit) != std::string::npos);
    std::string large = "{\"fence\":4,\"x\":\"\"}";
    large.insert(large.size() - 2, it.mqtt.maxPayload() - large.size(), 'x');
    house::say("devices/lamp-1/command/blink", large);
    house::pass(it.board);
    EQUAL(told.commands, 1);
}

static void testARefusedLogin() {
    AtWork it;
    fake::broker.connack = 4;
    fake::broker.connected = false;
    house::pass(it.board, 3000);
    EQUAL(told.safe, "04");
}

static void testTlsWantsASecureClient() {
    house::provision("mqtts://10.0.0.2:8883");
    WiFiClient net;
    TalkstickPubSubClient plain(net);
    Talkstick board(plain);
    CHECK(!board.begin());
    EQUAL(std::string(board.fault()), "mqtt:// needs a WiFiClient, mqtts:// a WiFiClientSecure");
    WiFiClientSecure secure;
    TalkstickPubSubClient mqtt(secure);
    Talkstick safe(mqtt);
    CHECK(!safe.begin()); // without a certificate it would trust anybody
    fake::chip.texts["ca"] = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n";
    Talkstick safer(mqtt);
    CHECK(safer.begin());
    house::pass(safer);
    EQUAL(fake::broker.port, 8883);
    CHECK(safer.view().link == TS_LINK_UP);
}

static void testTheWatchdogIsFedWhereItWatches() {
    house::provision();
    WiFiClient net;
    TalkstickPubSubClient mqtt(net);
    Talkstick board(mqtt);
    CHECK(board.begin());
    house::pass(board);
    EQUAL(fake::chip.fed, 0); // the real one would write an error for each
    fake::chip.watched = true;
    fake::broker.connected = false;
    house::pass(board, 3000);
    CHECK(fake::chip.fed >= 3);
    EQUAL(fake::chip.fedWithoutBeingWatched, 0);
}

static void testAGoodbye() {
    AtWork it;
    CHECK(it.board.goodbye());
    house::pass(it.board, 3000);
    CHECK(it.board.gone());
    EQUAL(fake::broker.last(house::STATUS)->data, "{\"state\":\"disconnected\",\"boot\":1}");
    const int attempts = fake::broker.attempts;
    house::pass(it.board, 120000);
    EQUAL(fake::broker.attempts, attempts);
}

int main() {
    testASession();
    testAMessageOutlivesWhatIsSent();
    testABufferThatIsTooSmallIsRefused();
    testAMessageThatIsTooLargeIsNotHeardOf();
    testARefusedLogin();
    testTlsWantsASecureClient();
    testTheWatchdogIsFedWhereItWatches();
    testAGoodbye();
    return check::report("PubSubClient");
}
