/* A badge reader beside a machine: whoever holds a badge to it claims the machine, and gives it back with the same
 * badge. The relay is on while somebody has it.
 *
 * Libraries: Talkstick, espMqttClient, MFRC522 (GithubCommunity). Flash the image that
 * `talkstick device add laser-1 --nvs laser-1.bin --wifi NETWORK` writes.
 *
 * The number of a badge can be copied by everybody who has a reader: it names people, and proves nothing.
 */
#include <MFRC522.h>
#include <SPI.h>
#include <Talkstick.h>
#include <TalkstickEspMqttClient.h>

struct Person {
    const char *badge;     // as the Serial Monitor shows it
    const char *principal; // the name of the account
};
const Person PEOPLE[] = {{"04A21901", "alice"}, {"04A21902", "bob"}};

const uint8_t RELAY = 26;
const uint8_t READER_SELECT = 5;
const uint8_t READER_RESET = 27;

TalkstickEspMqttClient mqtt; // for mqtts:// TalkstickEspMqttClientSecure
Talkstick board(mqtt);
MFRC522 reader(READER_SELECT, READER_RESET);

void show(const ts_view &view) { digitalWrite(RELAY, view.known && view.in_use ? HIGH : LOW); }

void safe(ts_reason) { digitalWrite(RELAY, LOW); }

void answer(const TalkstickAnswer &answer) {
    char text[80];
    answer.message.copy(text);
    Serial.printf("%s: %s\n", answer.granted ? "yes" : "no", text);
}

/* Return whose badge it is, or NULL. */
const char *principalOf(const MFRC522::Uid &uid) {
    char badge[2 * sizeof(uid.uidByte) + 1] = "";
    for (byte at = 0; at < uid.size; at++) snprintf(badge + 2 * at, 3, "%02X", uid.uidByte[at]);
    Serial.println(badge);
    for (const Person &person : PEOPLE) {
        if (strcmp(person.badge, badge) == 0) return person.principal;
    }
    return NULL;
}

void setup() {
    Serial.begin(115200);
    pinMode(RELAY, OUTPUT);
    digitalWrite(RELAY, LOW);
    SPI.begin();
    reader.PCD_Init();
    board.config.model = "badge reader";
    board.config.firmware = "badge 1.0";
    board.onShow(show).onSafe(safe).onAnswer(answer);
    if (!board.begin()) Serial.println(board.fault());
}

void loop() {
    board.loop();
    if (!reader.PICC_IsNewCardPresent() || !reader.PICC_ReadCardSerial()) return;
    const char *const principal = principalOf(reader.uid);
    if (principal != NULL) board.badge(principal);
    reader.PICC_HaltA(); // till the badge is taken away, and comes again
}
