/* The class itself: what it is given before it begins, what callbacks may do, flash memory, button, trigger, badge. */
#include "TalkstickEspMqttClient.h"
#include "check.h"
#include "house.h"

using house::told;

static Talkstick *current;

/* A board on the way; `prepare` says what it is. */
struct AtWork {
    TalkstickEspMqttClient mqtt;
    Talkstick board;

    explicit AtWork(void (*prepare)(Talkstick &) = NULL) : board(mqtt) {
        house::provision();
        house::listen(board);
        current = &board;
        if (prepare != NULL) prepare(board);
        CHECK(board.begin());
        house::pass(board);
        house::say(house::SESSION, house::document(1, false), true);
        house::pass(board);
    }
    void say(const char *topic, const std::string &data) {
        house::say(topic, data);
        house::pass(board);
    }
};

static void testAnOutputIsSafeFromItsFirstMoment() {
    AtWork it([](Talkstick &board) { board.output("relay", 26, false, true).output("fan", 27, true); });
    EQUAL(fake::chip.modes[26], OUTPUT);
    EQUAL(fake::chip.first[26], HIGH); // it switches at a low level
    EQUAL(fake::chip.first[27], HIGH);
}

/* Nothing else helps against an MQTT client that has lost its way. */
static void testWithoutAConnectionItStartsAnew() {
    AtWork it;
    fake::broker.reachable = false;
    fake::broker.connected = false;
    for (int minute = 0; minute < 29; minute++) house::pass(it.board, 60000);
    EQUAL(fake::chip.restarts, 0);
    for (int minute = 0; minute < 2; minute++) house::pass(it.board, 60000);
    CHECK(fake::chip.restarts > 0);
}

static void testCredentialsOfTheSketchGoBeforeThoseInFlash() {
    AtWork it(
        [](Talkstick &board) { board.connectTo("mqtt://home:1884", "lamp-2", "other", "lab/").wifi("attic", "word"); });
    EQUAL(fake::broker.host, "home");
    EQUAL(fake::broker.port, 1884);
    EQUAL(fake::broker.user, "lamp-2");
    EQUAL(fake::chip.ssid, "attic");
    CHECK(fake::broker.last("lab/devices/lamp-2/status") != NULL);
    EQUAL(std::string(it.board.id()), "lamp-2");
}

static void testTheBootNumberSurvivesARestart() {
    uint32_t boot;
    {
        AtWork it;
        boot = fake::chip.numbers["boot"];
    }
    TalkstickEspMqttClient mqtt;
    Talkstick board(mqtt);
    fake::broker = fake::Broker();
    CHECK(board.begin());
    house::pass(board);
    EQUAL(fake::broker.last(house::STATUS)->data, "{\"state\":\"online\",\"boot\":" + std::to_string(boot + 1) + "}");
}

static void testACallbackMayReport() {
    AtWork it([](Talkstick &board) {
        board.onWork([](const TalkstickWork &) {
            CHECK(current->report("{\"step\":1}"));
            CHECK(current->report("{\"step\":2}", true));
        });
    });
    it.say(house::SESSION, house::document(3, true, 1, 4));
    EQUAL(fake::broker.count(house::RESULT), 2);
    EQUAL(fake::broker.last(house::RESULT)->data, "{\"fence\":3,\"job\":1,\"output\":{\"step\":2},\"complete\":true}");
}

static void testACallbackThatTellsWithoutEndIsStopped() {
    AtWork it([](Talkstick &board) {
        board.onCommand([](const TalkstickCommand &) {
            while (current->report("{\"step\":1}")) told.commands++;
        });
    });
    it.say(house::SESSION, house::document(3, true, 1, 4));
    it.say("devices/lamp-1/command/go", "{\"fence\":3}");
    CHECK(told.commands > 5 && told.commands < 100);
    CHECK(it.board.view().link == TS_LINK_UP);
}

static void testAReportThatIsTooLargeIsRefused() {
    AtWork it;
    it.say(house::SESSION, house::document(3, true, 1, 4));
    const std::string large = "{\"x\":\"" + std::string(8000, 'x') + "\"}";
    it.board.report(large.c_str());
    house::pass(it.board);
    EQUAL(fake::broker.count(house::RESULT), 0);
    CHECK(it.board.report("{}"));
    house::pass(it.board);
    EQUAL(fake::broker.count(house::RESULT), 1);
}

static void testTelemetry() {
    AtWork it;
    CHECK(it.board.telemetry("{\"celsius\":21}", true));
    house::pass(it.board);
    const fake::Message *message = fake::broker.last("devices/lamp-1/telemetry");
    CHECK(message != NULL && message->retained);
    EQUAL(message->data, "{\"celsius\":21}");
}

static void testATriggerIsToldAgainAfterALoss() {
    AtWork it([](Talkstick &board) { board.config.trigger = "hall"; });
    CHECK(it.board.sense(true, "{\"lux\":12}"));
    house::pass(it.board);
    EQUAL(fake::broker.last("triggers/hall")->data, "{\"active\":true,\"data\":{\"lux\":12}}");
    fake::broker.published.clear();
    fake::broker.connected = false;
    house::pass(it.board, 3000);
    CHECK(fake::broker.last("triggers/hall") != NULL);
}

static void testABadge() {
    AtWork it([](Talkstick &board) {
        board.onAnswer([](const TalkstickAnswer &answer) {
            told.answer.assign(answer.code.data, answer.code.size);
            told.answer += answer.granted ? " yes" : " no";
        });
    });
    CHECK(it.board.badge("alice"));
    house::pass(it.board);
    const fake::Message *request = fake::broker.last("devices/lamp-1/session/request/lamp-1");
    CHECK(request != NULL);
    CHECK(request->data.find("\"action\":\"claim\"") != std::string::npos);
    CHECK(request->data.find("\"for\":\"alice\"") != std::string::npos);
    const size_t at = request->data.find("\"id\":\"") + 6;
    const std::string id = request->data.substr(at, request->data.find('"', at) - at);
    it.say("devices/lamp-1/session/reply/lamp-1",
           "{\"id\":\"" + id + "\",\"ok\":false,\"code\":\"busy\",\"message\":\"wait\"}");
    EQUAL(told.answer, "busy no");
}

static void testTheCleanStep() {
    AtWork it([](Talkstick &board) { board.onClean([]() { CHECK(current->cleaned()); }); });
    CHECK(fake::broker.last("devices/lamp-1/info")->data.find("\"clean_step\":true") != std::string::npos);
    it.say(house::SESSION, house::document(3, true, 1, 4));
    std::string after = house::document(3, false, 1, 5);
    after.replace(after.find("\"free\""), 6, "\"resetting\"");
    it.say(house::SESSION, after);
    CHECK(fake::broker.last(house::RESULT) != NULL);
    EQUAL(fake::broker.last(house::RESULT)->data, "{\"fence\":3,\"reset\":true}");
}

/* Hold the button, or let it bounce, for up to so many steps of ten milliseconds, until the board starts anew. */
static void press(Talkstick &board, int steps, bool (*down)(int step)) {
    for (int step = 0; step < steps && fake::chip.restarts == 0; step++) {
        fake::chip.now += 10;
        board.button(down(step));
        board.loop();
    }
}

/* Held for ten seconds: factory reset. A moment without contact is no release, and one of contact is no press. */
static void testTheButton() {
    AtWork it;
    press(it.board, 1200, [](int step) { return step % 100 < 2; });
    press(it.board, 900, [](int) { return true; });
    press(it.board, 300, [](int) { return false; });
    press(it.board, 900, [](int) { return true; });
    press(it.board, 300, [](int) { return false; });
    EQUAL(fake::chip.restarts, 0);
    press(it.board, 1100, [](int step) { return step % 100 != 99; });
    EQUAL(fake::chip.restarts, 1);
    EQUAL(fake::chip.texts.size(), 0u);
    CHECK(fake::chip.numbers["boot"] > 0);
}

/* Nobody else would watch it. */
static void testTheButtonOfABoardThatIsNoneYet() {
    for (const char *const uri : {"mqtt://10.0.0.2:1883", "nonsense"}) {
        house::provision(uri);
        fake::chip.texts.erase("id");
        fake::chip.texts["code"] = "k7m2p-9xq4t-c3w8r-h5n6v";
        fake::broker.reachable = false;
        TalkstickEspMqttClient mqtt;
        Talkstick board(mqtt);
        EQUAL(board.begin(), std::string(uri) != "nonsense");
        press(board, 900, [](int) { return true; });
        EQUAL(fake::chip.restarts, 0);
        press(board, 200, [](int) { return true; });
        CHECK(fake::chip.restarts > 0);
        EQUAL(fake::chip.texts.size(), 0u);
    }
}

/* What a callback reports at the end of the work is taken by the core, whatever else it keeps. */
static Talkstick *reporting;
static void reportAtOnce(const TalkstickWork &) {
    static char end[1200];
    snprintf(end, sizeof end, "{\"text\":\"%01100d\"}", 0);
    CHECK(reporting->report(end, true));
}

static void testForTheEndOfTheWorkThereIsRoom() {
    AtWork it;
    char data[TS_SENSED_BYTES];
    snprintf(data, sizeof data, "{\"text\":\"%0600d\"}", 0);
    reporting = &it.board;
    it.board.onWork(reportAtOnce);
    it.board.config.trigger = "hall";
    CHECK(it.board.sense(true, data)); // a board with a trigger remembers what it sensed
    house::say(house::SESSION, house::document(7, true, 1, 8), true);
    house::pass(it.board);
    EQUAL(fake::broker.count(house::RESULT), 1);
    CHECK(!it.board.report("{}", true)); // work ends once
}

/* The next work begins while a report of the one before still waits for its turn. */
static void stopAndReport(ts_reason) { CHECK(reporting->report("{\"late\":1}")); }

static void testAReportOfWorkThatIsOverIsDropped() {
    AtWork it;
    reporting = &it.board;
    it.say(house::SESSION, house::document(7, true, 1, 8));
    it.board.onSafe(stopAndReport);
    it.say(house::SESSION, house::document(8, true, 1, 9));
    EQUAL(fake::broker.count(house::RESULT), 0);
    CHECK(it.board.report("{\"step\":1}"));
    house::pass(it.board);
    EQUAL(fake::broker.count(house::RESULT), 1);
}

/* Readings of a callback that found no room do not come after newer ones. */
static void readWhenItIsDown(const ts_view &view) {
    static char old[700];
    snprintf(old, sizeof old, "{\"old\":\"%0600d\"}", 0);
    if (view.link == TS_LINK_DOWN) CHECK(reporting->telemetry(old, true));
}

static void testReadingsThatFoundNoRoomAreOver() {
    AtWork it([](Talkstick &board) { board.config.trigger = "hall"; });
    char data[TS_SENSED_BYTES];
    snprintf(data, sizeof data, "{\"text\":\"%0600d\"}", 0);
    reporting = &it.board;
    it.say(house::SESSION, house::document(7, true, 1, 8));
    reportAtOnce(TalkstickWork());
    CHECK(it.board.sense(true, data));
    house::pass(it.board);
    it.board.onShow(readWhenItIsDown);
    fake::broker.connected = false;
    house::pass(it.board);
    CHECK(told.notes.find(TS_CODE_TOO_MANY) != std::string::npos);
    CHECK(it.board.telemetry("{\"new\":1}", true));
    house::pass(it.board, 60000);
    EQUAL(fake::broker.count("devices/lamp-1/telemetry"), 1);
    EQUAL(fake::broker.last("devices/lamp-1/telemetry")->data, "{\"new\":1}");
}

static void testTexts() {
    const TalkstickText blink(ts_text{"blinking", 5});
    CHECK(blink == "blink");
    CHECK(blink != "blinking");
    CHECK(TalkstickText() == "");
    char small[4];
    blink.copy(small);
    EQUAL(std::string(small), "bli");
}

static TalkstickText textOf(const char *text) { return ts_text{text, strlen(text)}; }

static void testWhatStandsInAnObject() {
    const TalkstickText object = textOf("{\"fence\":7,\"times\":3,\"loud\":true,\"who\":\"B\\u00f6b\",\"grams\":-1.5}");
    uint32_t number = 1;
    bool truth = false;
    char text[4] = "";
    CHECK(object.find("times", number) && number == 3);
    CHECK(object.find("loud", truth) && truth);
    CHECK(object.find("who", text));
    EQUAL(std::string(text), "B\xC3\xB6"); // cut to the room, between two characters
    CHECK(!object.find("grams", number) && !object.find("who", number) && !object.find("other", number));
    EQUAL(number, 3u);
    CHECK(!textOf("{\"times\":").find("times", number));
    CHECK(!textOf("no object").find("times", number));
    CHECK(!TalkstickText().find("times", number));
}

int main() {
    testAnOutputIsSafeFromItsFirstMoment();
    testWithoutAConnectionItStartsAnew();
    testCredentialsOfTheSketchGoBeforeThoseInFlash();
    testTheBootNumberSurvivesARestart();
    testACallbackMayReport();
    testACallbackThatTellsWithoutEndIsStopped();
    testAReportThatIsTooLargeIsRefused();
    testTelemetry();
    testATriggerIsToldAgainAfterALoss();
    testABadge();
    testTheCleanStep();
    testTheButton();
    testTheButtonOfABoardThatIsNoneYet();
    testForTheEndOfTheWorkThereIsRoom();
    testAReportOfWorkThatIsOverIsDropped();
    testReadingsThatFoundNoRoomAreOver();
    testTexts();
    testWhatStandsInAnObject();
    return check::report("board");
}
