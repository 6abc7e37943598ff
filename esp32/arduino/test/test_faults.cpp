/* What keeps a board from beginning, in words. */
#include <WiFi.h>

#include "TalkstickEspMqttClient.h"
#include "check.h"
#include "house.h"

static std::string faultOf(void (*spoil)(Talkstick &)) {
    TalkstickEspMqttClient mqtt;
    Talkstick board(mqtt);
    house::provision();
    spoil(board);
    if (board.begin()) return "none";
    house::pass(board, 100);
    EQUAL(fake::broker.attempts, 0);
    return board.fault();
}

static void testFaultsAreToldInWords() {
    EQUAL(faultOf([](Talkstick &) {}), "none");
    EQUAL(faultOf([](Talkstick &) { fake::chip.texts.clear(); }),
          "nothing was provisioned: flash an image of NVS, or call connectTo()");
    EQUAL(faultOf([](Talkstick &) { fake::chip.texts["uri"] = "http://x"; }), "the URI of the broker is bad");
    EQUAL(faultOf([](Talkstick &) { fake::chip.texts["id"] = "Lamp 1"; }), "the id is bad");
    EQUAL(faultOf([](Talkstick &) { fake::chip.texts["prefix"] = "a//b#"; }), "the prefix is bad");
    EQUAL(faultOf([](Talkstick &) { fake::chip.flashWorks = false; }), "the flash memory (NVS) cannot be used");
    EQUAL(faultOf([](Talkstick &board) { board.config.trigger = "no such trigger"; }),
          "the id, the prefix, the trigger or an output has a bad name");
    EQUAL(faultOf([](Talkstick &board) { board.connectTo("mqtt://x:1", "lamp-1", std::string(200, 's').c_str()); }),
          "a text of connectTo(), authority() or wifi() is too long");
    EQUAL(faultOf([](Talkstick &board) {
              for (int count = 0; count <= TALKSTICK_OUTPUTS; count++) board.output("led");
          }),
          "there are too many outputs");
}

static void testABoardWithoutANetworkSaysSo() {
    const std::string none =
        "no Wi-Fi is known: make the image with --wifi, or call wifi(), or WiFi.begin() before begin()";
    EQUAL(faultOf([](Talkstick &) { fake::chip.texts.erase("wifi_ssid"); }), none);
    EQUAL(faultOf([](Talkstick &board) {
              fake::chip.texts.erase("wifi_ssid");
              board.wifi("attic", "word");
          }),
          "none");
    EQUAL(faultOf([](Talkstick &) {
              fake::chip.texts.erase("wifi_ssid");
              WiFi.begin("attic", "word");
          }),
          "none");
    EQUAL(faultOf([](Talkstick &board) {
              fake::chip.texts.erase("wifi_ssid");
              board.ownNetwork();
          }),
          "none");
}

int main() {
    testFaultsAreToldInWords();
    testABoardWithoutANetworkSaysSo();
    return check::report("faults");
}
