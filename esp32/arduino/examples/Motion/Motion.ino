/* A motion sensor (PIR): it tells the trigger `hall` whether somebody moves. What is done about it, the server knows.
 *
 *     talkstick device add pir-1 --nvs pir-1.bin --wifi NETWORK
 *     talkstick trigger add hall --owner pir-1
 *
 * Libraries: Talkstick, PubSubClient.
 */
#include <Talkstick.h>
#include <TalkstickPubSubClient.h>

const uint8_t SENSOR = 27; // high while something moves

WiFiClient net; // for mqtts:// WiFiClientSecure
TalkstickPubSubClient mqtt(net);
Talkstick board(mqtt);
int told = -1; // nothing yet

void setup() {
    Serial.begin(115200);
    pinMode(SENSOR, INPUT);
    board.config.model = "motion sensor";
    board.config.firmware = "motion 1.0";
    board.config.trigger = "hall";
    if (!board.begin()) Serial.println(board.fault());
}

void loop() {
    board.loop();
    const int moving = digitalRead(SENSOR) == HIGH ? 1 : 0;
    if (moving != told && board.sense(moving == 1)) told = moving;
}
