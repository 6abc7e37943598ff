/* What carries the messages between the board and its broker: an MQTT client, behind the few calls that are needed.
 *
 * There are two of them: TalkstickEspMqttClient.h (acknowledged, asynchronous: take this one) and
 * TalkstickPubSubClient.h (simple). Another one is a class of some 100 lines.
 */
#ifndef TALKSTICK_TRANSPORT_H
#define TALKSTICK_TRANSPORT_H

#include <string.h>

#include "core/talkstick.h"

/* Where to go, and who one is there. The texts outlive the transport. */
struct TalkstickLogin {
    const char *host;
    uint16_t port;
    bool tls;
    const char *authority; // the certificate of the authority, PEM; "": not given
    const char *prefix;    // of all topics
    const char *name;      // client id and user name
    const char *secret;
};

/* What became of something that was to be sent. */
enum class TalkstickSent {
    No,    // there was no room
    Done,  // it is out, and nothing more will be heard of it
    Later, // it is on its way: poll() tells when it was acknowledged
};

class TalkstickTransport {
public:
    virtual ~TalkstickTransport() {}

    /* Prepare. Returns what is wrong, in words, or NULL. May be called again, for another login, while disconnected. */
    virtual const char *begin(const TalkstickLogin &login) = 0;

    /* The largest message that is received, topic included. Valid after begin(). */
    virtual uint32_t maxPayload() const = 0;

    /* Connect with a clean session, and the last will at QoS 1, retained; `topic` NULL: without one. It ends in
     * TS_EV_CONNECTED, TS_EV_REFUSED or TS_EV_LOST. */
    virtual void connect(const char *topic, const ts_text &will) = 0;

    /* Say goodbye once all was sent. TS_EV_LOST follows. */
    virtual void disconnect() = 0;

    virtual TalkstickSent subscribe(const char *topic, uint8_t qos, uint16_t token) = 0;
    virtual TalkstickSent publish(const char *topic, const ts_text &data, uint8_t qos, bool retained,
                                  uint16_t token) = 0;

    /* Take the next event, if there is one. What it points to lives until the next call. */
    virtual bool poll(ts_event &event) = 0;

    /* Tell whether a message had to be dropped since the last call, because it was too large. */
    virtual bool droppedTooLarge() { return false; }

protected:
    /* MQTT clients keep no copy of the last will. Returns false where it is too long to be kept. */
    bool keepWill(const char *topic, const ts_text &will) {
        _willTopic[0] = '\0';
        if (topic == NULL) return true;
        if (strlen(topic) >= sizeof(_willTopic) || will.size >= sizeof(_will)) return false;
        memcpy(_willTopic, topic, strlen(topic) + 1);
        memcpy(_will, will.data, will.size);
        _will[will.size] = '\0';
        return true;
    }

    char _willTopic[TS_TOPIC_BYTES];
    char _will[96];
};

#endif
