/* A board with a claim code: it asks once, keeps what it gets, and starts anew. */
#include "TalkstickEspMqttClient.h"
#include "check.h"
#include "house.h"

static const char *const CODE = "k7m2p-9xq4t-c3w8r-h5n6v";

static void newBoard() {
    house::provision();
    fake::chip.texts.erase("id");
    fake::chip.texts.erase("secret");
    fake::chip.texts["code"] = CODE;
}

static std::string word(const std::string &json, const std::string &key) {
    const size_t at = json.find("\"" + key + "\":\"");
    if (at == std::string::npos) return "";
    const size_t start = at + key.size() + 4;
    return json.substr(start, json.find('"', start) - start);
}

static void testAClaim() {
    newBoard();
    TalkstickEspMqttClient mqtt;
    Talkstick board(mqtt);
    board.output("led", 2);
    CHECK(board.begin());
    EQUAL(fake::chip.modes[2], OUTPUT);
    EQUAL(fake::chip.texts["nonce"].size(), 32u); // it stands before anybody is asked
    house::pass(board, 100);
    EQUAL(fake::broker.user, "claim-k7m2p");
    EQUAL(fake::broker.password, "9xq4tc3w8rh5n6v");
    EQUAL(fake::broker.willTopic, "");
    const fake::Message *request = fake::broker.last("provision/request/claim-k7m2p");
    CHECK(request != NULL);
    EQUAL(word(request->data, "mac"), "112233445566");
    EQUAL(word(request->data, "nonce"), fake::chip.texts["nonce"]);
    CHECK(!board.report("{}")); // it is no device yet

    const std::string nonce = fake::chip.texts["nonce"], theirs = "00112233445566778899aabbccddeeff";
    house::say("provision/reply/claim-k7m2p",
               "{\"id\":\"" + word(request->data, "id") +
                   "\",\"ok\":true,\"code\":\"claimed\",\"device\":\"lamp-1\",\"nonce\":\"" + theirs + "\"}");
    house::pass(board, 100);
    EQUAL(fake::chip.signedKey, "k7m2p9xq4tc3w8rh5n6v");
    EQUAL(fake::chip.signedMessage, "talkstick:lamp-1:" + nonce + ":" + theirs);
    EQUAL(fake::chip.texts["id"], "lamp-1");
    EQUAL(fake::chip.texts["secret"].size(), 64u);
    EQUAL(fake::chip.texts["secret"].substr(0, 4), "a5a5");
    EQUAL(fake::chip.texts.count("code") + fake::chip.texts.count("nonce"), 0u);
    EQUAL(fake::chip.restarts, 1);
}

static void testTheNonceSurvivesARestart() {
    newBoard();
    fake::chip.texts["nonce"] = "ffffffffffffffff0000000000000000";
    TalkstickEspMqttClient mqtt;
    Talkstick board(mqtt);
    CHECK(board.begin());
    house::pass(board, 100);
    EQUAL(word(fake::broker.last("provision/request/claim-k7m2p")->data, "nonce"), "ffffffffffffffff0000000000000000");
}

/* The power failed between id and secret. */
static void testAClaimThatWasInterrupted() {
    newBoard();
    fake::chip.texts["id"] = "lamp-1";
    TalkstickEspMqttClient mqtt;
    Talkstick board(mqtt);
    CHECK(board.begin());
    house::pass(board, 100);
    EQUAL(fake::broker.user, "claim-k7m2p");
}

static void testACodeThatIsRefused() {
    newBoard();
    fake::broker.connack = 5;
    TalkstickEspMqttClient mqtt;
    Talkstick board(mqtt);
    house::listen(board);
    CHECK(board.begin());
    house::pass(board, 3000);
    CHECK(board.fault() != NULL);
    EQUAL(fake::chip.restarts, 0);
    const int attempts = fake::broker.attempts;
    house::pass(board, 60000);
    EQUAL(fake::broker.attempts, attempts);
    EQUAL(fake::chip.texts["code"], CODE); // whether another is needed, people decide
}

int main() {
    testAClaim();
    testTheNonceSurvivesARestart();
    testAClaimThatWasInterrupted();
    testACodeThatIsRefused();
    return check::report("claim");
}
