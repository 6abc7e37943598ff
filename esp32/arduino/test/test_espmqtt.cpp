/* The class over espMqttClient: a whole session, and everything that goes wrong on the way. */
#include "TalkstickEspMqttClient.h"
#include "check.h"
#include "house.h"

using house::told;

/* A board that has told its birth and knows that nobody holds it. */
struct AtWork {
    TalkstickEspMqttClient mqtt;
    Talkstick board;

    AtWork() : mqtt(4096), board(mqtt) {
        house::provision();
        house::listen(board);
        board.output("led", 2);
        CHECK(board.begin());
        house::pass(board);
        house::say(house::SESSION, house::document(1, false), true);
        house::pass(board);
    }
    void grant(uint32_t fence) {
        house::say(house::SESSION, house::document(fence, true, 1, fence + 1, "{\"min\":3}"), true);
        house::pass(board);
    }
    void breakLine() {
        fake::broker.connected = false;
        house::pass(board);
    }
};

static void testBirth() {
    AtWork it;
    EQUAL(fake::broker.host, "10.0.0.2");
    EQUAL(fake::broker.port, 1883);
    EQUAL(fake::broker.clientId, "lamp-1");
    EQUAL(fake::broker.user, "lamp-1");
    EQUAL(fake::broker.password, "s3cret");
    CHECK(fake::broker.cleanSession);
    EQUAL(fake::broker.willTopic, house::STATUS);
    EQUAL(fake::broker.will, "{\"state\":\"lost\",\"boot\":1}");
    EQUAL(fake::broker.willQos, 1);
    CHECK(fake::broker.willRetained);
    EQUAL(fake::chip.ssid, "net");
    CHECK(fake::chip.numbers["boot"] > 0);
    const fake::Message *birth = fake::broker.last(house::STATUS);
    CHECK(birth != NULL && birth->retained && birth->qos == 1);
    EQUAL(birth->data, "{\"state\":\"online\",\"boot\":1}");
    const fake::Message *info = fake::broker.last("devices/lamp-1/info");
    CHECK(info != NULL &&
          info->data.find("\"max_payload\":" + std::to_string(it.mqtt.maxPayload())) != std::string::npos);
    CHECK(it.board.view().link == TS_LINK_UP && it.board.view().known);
    EQUAL(told.notes, "");
}

static void testASession() {
    AtWork it;
    it.grant(7);
    EQUAL(told.work, "weighing");
    EQUAL(told.input, "{\"min\":3}");
    EQUAL(told.fence, 7u);
    house::say("devices/lamp-1/command/switch", "{\"fence\":7,\"output\":\"led\",\"on\":true}");
    house::say("devices/lamp-1/command/blink", "{\"fence\":7,\"times\":2}");
    house::pass(it.board);
    EQUAL(fake::chip.pins[2], HIGH);
    EQUAL(told.command, "blink");
    EQUAL(told.payload, "{\"fence\":7,\"times\":2}");
    CHECK(it.board.report("{\"grams\":5}"));
    CHECK(it.board.report("{\"grams\":6}", true));
    house::pass(it.board);
    EQUAL(fake::broker.count(house::RESULT), 2);
    EQUAL(fake::broker.last(house::RESULT)->data, "{\"fence\":7,\"job\":1,\"output\":{\"grams\":6},\"complete\":true}");
    house::say(house::SESSION, house::document(7, false, 1, 20), true);
    house::pass(it.board);
    EQUAL(fake::chip.pins[2], LOW);
    EQUAL(told.safe, "01"); // at the start, and at the end of the session
}

static void testAnOldFenceDoesNothing() {
    AtWork it;
    it.grant(7);
    house::say("devices/lamp-1/command/switch", "{\"fence\":6,\"output\":\"led\",\"on\":true}");
    house::pass(it.board);
    EQUAL(fake::chip.pins[2], LOW);
    EQUAL(told.notes, std::string(TS_CODE_STALE_FENCE) + " ");
}

static void testALostConnection() {
    AtWork it;
    it.grant(7);
    fake::broker.acknowledges = false;
    CHECK(it.board.report("{\"grams\":6}", true));
    house::pass(it.board);
    fake::broker.reachable = false;
    it.breakLine();
    CHECK(it.board.view().link == TS_LINK_DOWN);
    house::say("devices/lamp-1/command/blink", "{\"fence\":7}"); // it will come before the session document
    fake::broker.reachable = fake::broker.acknowledges = true;
    house::pass(it.board, 3000);
    EQUAL(fake::broker.attempts >= 2, true);
    EQUAL(told.commands, 0);
    EQUAL(fake::broker.will, "{\"state\":\"lost\",\"boot\":" + std::to_string(fake::broker.attempts) + "}");
    house::say(house::SESSION, house::document(7, true, 1, 8), true);
    house::pass(it.board);
    EQUAL(told.works, 1);                        // it goes on, and is not begun again
    EQUAL(fake::broker.count(house::RESULT), 2); // sent again, since nobody had acknowledged it
    EQUAL(fake::broker.last(house::STATUS)->data.find("online") != std::string::npos, true);
}

static void testNothingOfTheLastConnectionIsSentByTheClientItself() {
    AtWork it;
    it.grant(7);
    fake::broker.acknowledges = false;
    CHECK(it.board.report("{\"grams\":6}"));
    house::pass(it.board);
    EQUAL(MqttClient::all()[0]->waiting(), 1u);
    fake::broker.reachable = false;
    it.breakLine();
    house::pass(it.board, 3000);
    EQUAL(MqttClient::all()[0]->waiting(), 0u);
}

static void testTheLeaseEndsWithoutAConnection() {
    AtWork it;
    it.grant(7);
    house::say("devices/lamp-1/command/switch", "{\"fence\":7,\"output\":\"led\",\"on\":true}");
    house::pass(it.board);
    fake::broker.reachable = false;
    it.breakLine();
    house::pass(it.board, 59000);
    EQUAL(fake::chip.pins[2], HIGH);
    house::pass(it.board, 2000);
    EQUAL(fake::chip.pins[2], LOW);
    EQUAL(told.safe, "02");
}

static void testARefusedLogin() {
    AtWork it;
    fake::broker.connack = 5;
    it.breakLine();
    house::pass(it.board, 3000);
    EQUAL(told.safe, "04");
}

static void testARefusedSubscription() {
    house::provision();
    fake::broker.refused.insert("devices/lamp-1/command/+");
    TalkstickEspMqttClient mqtt;
    Talkstick board(mqtt);
    house::listen(board);
    CHECK(board.begin());
    house::pass(board, 100);
    CHECK(fake::broker.last(house::STATUS) == NULL); // no birth of a board that hears nothing
    EQUAL(told.notes.substr(0, 9), "forbidden");
    CHECK(board.view().link != TS_LINK_UP);
}

static void testNoRoomInTheClient() {
    AtWork it;
    it.grant(7);
    MqttClient::all()[0]->refuses = true;
    CHECK(it.board.report("{\"grams\":6}"));
    house::pass(it.board, 100);
    EQUAL(fake::broker.count(house::RESULT), 0);
    MqttClient::all()[0]->refuses = false;
    house::pass(it.board, 1000);
    EQUAL(fake::broker.count(house::RESULT), 1);
}

static void testAMessageThatIsTooLarge() {
    AtWork it;
    it.grant(7);
    const int attempts = fake::broker.attempts;
    house::say("devices/lamp-1/command/blink", "{\"fence\":7,\"x\":\"" + std::string(5000, 'x') + "\"}");
    house::pass(it.board);
    EQUAL(told.notes, std::string(TS_CODE_TOO_LARGE) + " ");
    EQUAL(told.commands, 0);
    house::say("devices/lamp-1/command/blink", "{\"fence\":7}");
    house::pass(it.board);
    EQUAL(told.commands, 1);
    EQUAL(fake::broker.attempts, attempts); // it would be too large again
}

static void testMoreMessagesThanThereIsRoomFor() {
    AtWork it;
    it.grant(7);
    for (int count = 0; count < 5; count++) {
        house::say("devices/lamp-1/command/blink", "{\"fence\":7,\"x\":\"" + std::string(1500, 'x') + "\"}");
    }
    fake::runTasks(); // all of them before the sketch has its turn
    house::pass(it.board);
    CHECK(told.commands > 0 && told.commands < 5);
    CHECK(it.board.view().link != TS_LINK_UP); // what was dropped might have been the session document
    house::pass(it.board, 3000);
    CHECK(it.board.view().link == TS_LINK_UP);
}

/* However full the inbox is, the end of the connection and acknowledgements find room. */
static void testTheEndIsHeardOfInAFlood() {
    AtWork it;
    it.grant(7);
    for (int count = 0; count < 300; count++) house::say("devices/lamp-1/command/blink", "{\"fence\":7}");
    fake::runTasks();
    fake::broker.connected = false;
    fake::runTasks();
    house::pass(it.board, 3000);
    EQUAL(fake::broker.attempts, 2);
    CHECK(it.board.view().link == TS_LINK_UP);
}

static void testARetainedCommandDoesNothing() {
    AtWork it;
    it.grant(7);
    house::say("devices/lamp-1/command/blink", "{\"fence\":7}", true);
    house::pass(it.board);
    EQUAL(told.commands, 0);
    EQUAL(told.notes, std::string(TS_CODE_RETAINED) + " ");
}

static void testTlsWantsTheOtherClass() {
    house::provision("mqtts://10.0.0.2:8883");
    TalkstickEspMqttClient mqtt;
    Talkstick board(mqtt);
    CHECK(!board.begin());
    EQUAL(std::string(board.fault()), "mqtts:// needs a TalkstickEspMqttClientSecure");

    const std::string pem = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n";
    fake::chip.texts["ca"] = pem;
    TalkstickEspMqttClientSecure secure;
    Talkstick safe(secure);
    CHECK(safe.begin());
    EQUAL(fake::broker.authority, pem);
    house::provision();
    Talkstick plain(secure);
    CHECK(!plain.begin());
}

static void testAGoodbyeThatNobodyAcknowledges() {
    AtWork it;
    fake::broker.acknowledges = false;
    CHECK(it.board.nap(60000));
    house::pass(it.board, 1000);
    CHECK(!it.board.gone());
    EQUAL(fake::broker.last(house::STATUS)->data, "{\"state\":\"sleeping\",\"boot\":1,\"wake_in_s\":60}");
    house::pass(it.board, 9000);
    CHECK(it.board.gone());
}

/* The longest topic that comes must fit: the name of a command has up to 63 characters. */
static void testAnIdThatMakesTopicsTooLong() {
    const char *const faults[] = {NULL, "id and prefix are too long: define EMC_MAX_TOPIC_LENGTH"};
    for (size_t more = 0; more <= 1; more++) {
        house::provision();
        fake::chip.texts["id"] = std::string(44 + more, 'x');
        fake::chip.texts["prefix"] = "lab/";
        TalkstickEspMqttClient mqtt;
        Talkstick board(mqtt);
        EQUAL(board.begin(), more == 0);
        EQUAL(std::string(board.fault() == NULL ? "" : board.fault()), faults[more] == NULL ? "" : faults[more]);
    }
}

static void testAClientThatDoesNotAnswer() {
    AtWork it;
    MqttClient::all()[0]->stuck = true;
    CHECK(it.board.goodbye());
    house::pass(it.board, 20000);
    CHECK(it.board.gone());
}

int main() {
    testBirth();
    testASession();
    testAnOldFenceDoesNothing();
    testALostConnection();
    testNothingOfTheLastConnectionIsSentByTheClientItself();
    testTheLeaseEndsWithoutAConnection();
    testARefusedLogin();
    testARefusedSubscription();
    testNoRoomInTheClient();
    testAMessageThatIsTooLarge();
    testMoreMessagesThanThereIsRoomFor();
    testTheEndIsHeardOfInAFlood();
    testARetainedCommandDoesNothing();
    testTlsWantsTheOtherClass();
    testAGoodbyeThatNobodyAcknowledges();
    testAnIdThatMakesTopicsTooLong();
    testAClientThatDoesNotAnswer();
    return check::report("espMqttClient");
}
