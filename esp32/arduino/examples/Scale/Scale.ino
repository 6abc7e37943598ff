/* A scale with a load cell and an HX711: a session weighs once, and tells the weight on the way and at the end.
 *
 * The holder may publish {"fence":F} on devices/scale-1/command/tare while the scale is empty.
 *
 * Libraries: Talkstick, espMqttClient, HX711 Arduino Library (Bogdan Necula). Flash the image that
 * `talkstick device add scale-1 --nvs scale-1.bin --wifi NETWORK` writes. GRAM is what your cell shows for one gram:
 * weigh something that you know; if it counts backwards, GRAM is negative.
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

const unsigned long MISSED_MS = 2000; // it converts ten times a second

bool found = false; // the cell has answered
bool toTare = true; // the next reading is nothing
unsigned long lastAnswer = 0;
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
    if (command.name == "tare") toTare = true;
}

void note(const char *code, const char *topic) { Serial.printf("%s %s\n", code, topic); }

/* Tell the weight; with the last word the work is done. Should there be no room it is told next time. */
void tell(float grams, bool complete) {
    char json[48];
    snprintf(json, sizeof(json), "{\"weight_kg\":%.3f}", static_cast<double>(grams / 1000));
    if (board.report(json, complete) && complete) weighing = false;
}

void tareNow() {
    cell.tare(1);
    toTare = false;
}

void setup() {
    Serial.begin(115200);
    board.config.model = "scale";
    board.config.firmware = "scale 1.0";
    board.onWork(work).onSafe(safe).onCommand(command).onNote(note);
    if (!board.begin()) Serial.println(board.fault());
    pinMode(DATA, INPUT_PULLUP);
    pinMode(CLOCK, OUTPUT);
    digitalWrite(CLOCK, LOW);
}

/* Tell whether a reading is there. begin(), tare() and get_units() of the HX711 wait until there is one: for ever, when a
 * wire is loose. So nobody calls them before. */
bool isReady() {
    const unsigned long now = millis();
    if (digitalRead(DATA) == HIGH) {
        if (now - lastAnswer < MISSED_MS) return false;
        Serial.println("the HX711 does not answer: look at DT and SCK");
        lastAnswer = now;
        return false;
    }
    lastAnswer = now;
    if (found) return true;
    found = true;
    cell.begin(DATA, CLOCK); // it takes this reading; the next one counts
    cell.set_scale(GRAM);
    pinMode(DATA, INPUT_PULLUP); // a loose wire is no reading
    return false;
}

void loop() {
    board.loop();
    if (static_cast<long>(millis() - nextReading) < 0 || !isReady()) return;
    nextReading = millis() + 200;
    if (toTare) return tareNow();
    if (!weighing) return;
    const float grams = cell.get_units(1);
    still = fabsf(grams - lastGrams) <= STILL_G && grams >= LEAST_G ? still + 1 : 0;
    if (still == 0 || still >= STILL_READINGS) tell(grams, still >= STILL_READINGS);
    lastGrams = grams;
}
