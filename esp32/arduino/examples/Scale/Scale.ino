/* A scale with a load cell and an HX711: a session weighs once, and tells the weight on the way and at the end.
 *
 * The holder may publish {"fence":F} on devices/scale-1/command/tare while the scale is empty.
 *
 * Libraries: Talkstick, espMqttClient, HX711 Arduino Library (Bogdan Necula). Flash the image that
 * `talkstick device add scale-1 --nvs scale-1.bin` writes. GRAM is what your cell shows for one gram: weigh something
 * that you know.
 */
#include <HX711.h>
#include <Talkstick.h>
#include <TalkstickEspMqttClient.h>

const uint8_t DATA = 16;
const uint8_t CLOCK = 4;
const float GRAM = 420.0f;
const float STILL_G = 2.0f;   // readings that differ by no more than this are the same
const int STILL_READINGS = 5; // so many of them in a row are a weight
const float LEAST_G = 5.0f;   // less is nothing

TalkstickEspMqttClient mqtt; // for mqtts:// TalkstickEspMqttClientSecure
Talkstick board(mqtt);
HX711 cell;

bool weighing = false;
int still = 0;
float lastGrams = 0;
unsigned long nextReading = 0;

void work(const TalkstickWork &) {
    weighing = true;
    still = 0;
}

void safe(ts_reason) { weighing = false; }

void command(const TalkstickCommand &command) {
    if (command.name == "tare") cell.tare(1);
}

void note(const char *code, const char *topic) { Serial.printf("%s %s\n", code, topic); }

/* Tell the weight; with the last word the work is done. Should there be no room it is told next time. */
void tell(float grams, bool complete) {
    char json[48];
    snprintf(json, sizeof(json), "{\"grams\":%.1f}", static_cast<double>(grams));
    if (board.report(json, complete) && complete) weighing = false;
}

void setup() {
    Serial.begin(115200);
    cell.begin(DATA, CLOCK);
    cell.set_scale(GRAM);
    cell.tare(1);
    board.config.model = "scale";
    board.config.firmware = "scale 1.0";
    board.onWork(work).onSafe(safe).onCommand(command).onNote(note);
    if (!board.begin()) Serial.println(board.fault());
}

void loop() {
    board.loop();
    if (!weighing || static_cast<long>(millis() - nextReading) < 0 || !cell.is_ready()) return;
    nextReading = millis() + 200;
    const float grams = cell.get_units(1);
    still = fabsf(grams - lastGrams) <= STILL_G && grams >= LEAST_G ? still + 1 : 0;
    if (still == 0 || still >= STILL_READINGS) tell(grams, still >= STILL_READINGS);
    lastGrams = grams;
}
