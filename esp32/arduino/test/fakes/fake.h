/* What a test sees of the pretended chip and of the pretended broker, and what it makes them do. */
#ifndef TALKSTICK_FAKE_H
#define TALKSTICK_FAKE_H

#include <stdint.h>

#include <deque>
#include <map>
#include <set>
#include <string>
#include <vector>

namespace fake {

struct Message {
    std::string topic;
    std::string data;
    int qos;
    bool retained;
};

struct Chip {
    uint32_t now = 1000;
    std::map<int, int> modes;
    std::map<int, int> pins;  // levels: written by the sketch, or set by the test
    std::map<int, int> first; // those with which outputs began
    long weighed = 0;         // by the load cell
    int stuck = 0;            // how often a reading was waited for that was not there: for ever
    std::map<std::string, std::string> texts;
    std::map<std::string, uint32_t> numbers;
    bool flashWorks = true;
    int restarts = 0;
    bool watched = false; // the loop is subscribed to the watchdog
    int fed = 0;
    int fedWithoutBeingWatched = 0;
    std::string ssid;
    std::string serial;
    std::string signedKey, signedMessage; // what was given to HMAC
};

/* One broker for all clients. */
struct Broker {
    bool reachable = true;
    uint8_t connack = 0;
    bool acknowledges = true;
    bool connected = false;
    std::set<std::string> refused; // subscriptions that it does not grant
    int attempts = 0;
    std::string host, clientId, user, password, willTopic, will, authority;
    uint16_t port = 0;
    int willQos = -1;
    bool willRetained = false;
    bool cleanSession = false;
    std::vector<std::string> subscriptions;
    std::vector<Message> published;
    std::deque<Message> incoming;

    const Message *last(const std::string &topic) const;
    int count(const std::string &topic) const;
};

extern Chip chip;
extern Broker broker;

/* Begin anew. */
void reset();

/* One round of all clients that have a task of their own. */
void runTasks();

} // namespace fake

#endif
