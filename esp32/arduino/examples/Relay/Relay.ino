/* A relay, such as the power of a 3D printer: whoever holds the device publishes
 *
 *     {"fence":F,"output":"relay","on":true}  on  devices/printer-1/command/switch
 *
 * and it is off when nobody does, and when the connection is lost for longer than the session lasts. The button on
 * GPIO 0 (BOOT), held for ten seconds, makes the board forget what it was provisioned with.
 *
 * Libraries: Talkstick, PubSubClient. Flash the image that
 * `talkstick device add printer-1 --nvs printer-1.bin --wifi NETWORK` writes.
 */
#include <Talkstick.h>
#include <TalkstickPubSubClient.h>

const uint8_t RELAY = 26; // high: it is on; one that switches at low: output("relay", RELAY, false, true)
const uint8_t BUTTON = 0;

WiFiClient net; // for mqtts:// WiFiClientSecure
TalkstickPubSubClient mqtt(net);
Talkstick board(mqtt);

void note(const char *code, const char *topic) { Serial.printf("%s %s\n", code, topic); }

void setup() {
    Serial.begin(115200);
    pinMode(BUTTON, INPUT_PULLUP);
    board.config.model = "relay";
    board.config.firmware = "relay 1.0";
    board.output("relay", RELAY).onNote(note);
    if (!board.begin()) Serial.println(board.fault());
}

void loop() {
    board.loop();
    board.button(digitalRead(BUTTON) == LOW);
}
