/* First light: the LED of the board, with the credentials in the sketch. No image of the flash memory is needed, so
 * this is the quickest way to see that board and server understand each other. For more, keep secrets out of sketches.
 *
 *     talkstick device add lamp-1       prints the secret
 *     talkstick session claim lamp-1    prints the fence F; then, with the name and the secret of who claimed it,
 *     mosquitto_pub -u NAME -P SECRET -q 1 -t devices/lamp-1/command/switch -m '{"fence":F,"output":"led","on":true}'
 *     mosquitto_pub -u NAME -P SECRET -q 1 -t devices/lamp-1/command/blink -m '{"fence":F,"times":3}'
 *
 * Libraries: Talkstick, espMqttClient.
 */
#include <Talkstick.h>
#include <TalkstickEspMqttClient.h>

const char *const WIFI_NAME = "my network";
const char *const WIFI_PASSWORD = "its password";
const char *const BROKER = "mqtt://192.168.1.10:1883";
const char *const ID = "lamp-1";
const char *const SECRET = "what was printed";
const uint8_t LED = 2;

TalkstickEspMqttClient mqtt;
Talkstick board(mqtt);

int blinks = 0;  // that are to come, half ones: on, off, on, ...
int blinked = 0; // that were asked for
unsigned long nextBlink = 0;

void show(const ts_view &view) {
    const char *const link = view.link == TS_LINK_UP ? "up" : view.link == TS_LINK_CONNECTING ? "connecting" : "down";
    Serial.printf("link %s, holder %s\n", link, view.in_use ? view.holder : "nobody");
}

void command(const TalkstickCommand &command) {
    if (command.name != "blink") return;
    uint32_t times = 5;
    command.payload.find("times", times);
    blinks = 2 * static_cast<int>(min(times, static_cast<uint32_t>(20)));
    blinked = blinks / 2;
}

void safe(ts_reason) { blinks = 0; }

void setup() {
    Serial.begin(115200);
    board.config.model = "lamp";
    board.output("led", LED).wifi(WIFI_NAME, WIFI_PASSWORD).connectTo(BROKER, ID, SECRET);
    board.onShow(show).onCommand(command).onSafe(safe);
    if (!board.begin()) Serial.println(board.fault());
}

void loop() {
    board.loop();
    if (blinks == 0 || static_cast<long>(millis() - nextBlink) < 0) return;
    nextBlink = millis() + 200; // nothing waits: delay() would keep the board from listening
    blinks--;
    digitalWrite(LED, blinks % 2 == 1 ? HIGH : LOW);
    if (blinks > 0) return;
    char json[32];
    snprintf(json, sizeof(json), "{\"blinked\":%d}", blinked);
    board.report(json);
}
