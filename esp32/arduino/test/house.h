/* A board at work, and the server that it works for: what the server would publish, and time that passes. */
#ifndef TALKSTICK_HOUSE_H
#define TALKSTICK_HOUSE_H

#include <string>

#include "Arduino.h"
#include "Talkstick.h"

namespace house {

const char *const STATUS = "devices/lamp-1/status";
const char *const SESSION = "devices/lamp-1/session";
const char *const RESULT = "devices/lamp-1/result";

/* What the sketch was told. */
struct Told {
    std::string work, input, command, payload, safe, notes, answer;
    int works = 0, commands = 0, shows = 0;
    uint32_t fence = 0;
};
extern Told told;

/* Put credentials into the flash memory of a new chip, before a new broker. */
void provision(const char *uri = "mqtt://10.0.0.2:1883");

/* Let all callbacks of the board write into `told`. */
void listen(Talkstick &board);

/* A session document, as the server writes it. */
std::string document(uint32_t fence, bool inUse, uint32_t job = 1, uint32_t revision = 1, const char *input = "{}");

/* The server publishes something. */
void say(const std::string &topic, const std::string &data, bool retained = false);

/* Let everything happen that is due, and then so many milliseconds pass, in steps of ten. */
void pass(Talkstick &board, uint32_t ms = 0);

} // namespace house

#endif
