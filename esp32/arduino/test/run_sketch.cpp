/* An example, run: set up on a new chip, connected to a new broker, and used as its first comment says. */
#include "check.h"
#include "house.h"

void setup();
void loop();

static void pass(uint32_t ms) {
    for (uint32_t passed = 0; passed <= ms; passed += 5) {
        fake::runTasks();
        loop();
        fake::chip.now += 5;
    }
}

static void say(const std::string &topic, const std::string &data) {
    house::say(topic, data);
    pass(50);
}

static std::string last(const std::string &topic) {
    const fake::Message *message = fake::broker.last(topic);
    return message == NULL ? "" : message->data;
}

static void hold(uint32_t fence) { say(house::SESSION, house::document(fence, true, 1, fence)); }

static void useRelay() {
    fake::chip.pins[0] = HIGH; // the button is up
    hold(2);
    say("devices/lamp-1/command/switch", "{\"fence\":2,\"output\":\"relay\",\"on\":true}");
    EQUAL(fake::chip.pins[26], HIGH);
    say(house::SESSION, house::document(2, false, 1, 3));
    EQUAL(fake::chip.pins[26], LOW);
}

static void useFirstLight() {
    hold(2);
    say("devices/lamp-1/command/switch", "{\"fence\":2,\"output\":\"led\",\"on\":true}");
    EQUAL(fake::chip.pins[2], HIGH);
    say("devices/lamp-1/command/blink", "{\"fence\":2,\"times\":3}");
    pass(3000);
    EQUAL(last(house::RESULT), "{\"fence\":2,\"job\":1,\"output\":{\"blinked\":3}}");
    CHECK(fake::chip.serial.find("link up, holder alice") != std::string::npos);
}

static void useScale() {
    hold(2);
    pass(3000); // no load cell is wired, or it has come loose
    CHECK(fake::chip.serial.find("the HX711 does not answer") != std::string::npos);
    say("devices/lamp-1/command/tare", "{\"fence\":2}");
    fake::chip.pins[16] = LOW; // now it answers, and is empty
    pass(1000);
    fake::chip.weighed = 42000; // 100 g
    pass(3000);
    EQUAL(last(house::RESULT), "{\"fence\":2,\"job\":1,\"output\":{\"weight_kg\":0.100},\"complete\":true}");
    const int results = fake::broker.count(house::RESULT);
    pass(3000);
    EQUAL(fake::broker.count(house::RESULT), results); // the work is done
    fake::chip.pins[16] = HIGH;                        // a wire is loose
    say("devices/lamp-1/command/tare", "{\"fence\":2}");
    say(house::SESSION, house::document(3, true, 1, 9));
    fake::chip.pins[16] = LOW;
    pass(500);
    fake::chip.weighed = 42000 + 8400;
    pass(3000);
    EQUAL(last(house::RESULT), "{\"fence\":3,\"job\":1,\"output\":{\"weight_kg\":0.020},\"complete\":true}");
    EQUAL(fake::chip.stuck, 0);
}

static void useBadge() {
    fake::chip.pins[5] = 1; // Alice's
    pass(100);
    CHECK(last("devices/lamp-1/session/request/lamp-1").find("\"for\":\"alice\"") != std::string::npos);
    hold(2);
    EQUAL(fake::chip.pins[26], HIGH);
    fake::chip.pins[5] = 9; // nobody's
    pass(100);
    EQUAL(fake::broker.count("devices/lamp-1/session/request/lamp-1"), 1);
    fake::chip.pins[5] = 1;
    pass(100);
    CHECK(last("devices/lamp-1/session/request/lamp-1").find("\"action\":\"release\"") != std::string::npos);
    say(house::SESSION, house::document(2, false, 1, 3));
    EQUAL(fake::chip.pins[26], LOW);
}

static void useMotion() {
    EQUAL(last("triggers/hall"), "{\"active\":false}"); // whatever it was before the board began
    fake::chip.pins[27] = HIGH;
    pass(100);
    EQUAL(last("triggers/hall"), "{\"active\":true}");
    fake::chip.pins[27] = LOW;
    pass(100);
    EQUAL(last("triggers/hall"), "{\"active\":false}");
    CHECK(fake::broker.last("triggers/hall")->retained);
}

int main(int count, char **arguments) {
    const std::string name = count > 1 ? arguments[1] : "";
    house::provision();
    fake::chip.pins[0] = HIGH;
    fake::chip.pins[16] = HIGH; // an HX711 that is not there: the input is pulled up
    setup();
    pass(200);
    CHECK(last(house::STATUS).find("\"online\"") != std::string::npos);
    say(house::SESSION, house::document(1, false));
    const std::map<std::string, void (*)()> uses = {{"Relay", useRelay},
                                                    {"FirstLight", useFirstLight},
                                                    {"Scale", useScale},
                                                    {"Badge", useBadge},
                                                    {"Motion", useMotion}};
    EQUAL(uses.count(name), 1u);
    if (uses.count(name) > 0) uses.at(name)();
    if (check::failures() > 0) std::cerr << fake::chip.serial;
    return check::report(name.c_str());
}
