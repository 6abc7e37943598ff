/* A board that many people share: whoever holds the talking stick may use it.
 *
 * All decisions are made by the portable core (core/talkstick.h); this class gives it pins, flash memory and a
 * transport. Call loop() as often as you can, and do not wait in a callback: everything happens in the task that calls
 * loop().
 *
 *     WiFiClient net;
 *     TalkstickPubSubClient mqtt(net);
 *     Talkstick board(mqtt);
 *
 *     void setup() { board.output("relay", 26).begin(); }
 *     void loop() { board.loop(); }
 */
#ifndef TALKSTICK_ARDUINO_H
#define TALKSTICK_ARDUINO_H

#include "TalkstickInbox.h"
#include "TalkstickStore.h"
#include "TalkstickTransport.h"
#include "core/talkstick.h"
#include "core/talkstick_claim.h"

/* A text that lives as long as the callback that it was given to. It has no terminator. */
struct TalkstickText : ts_text {
    TalkstickText() : ts_text() {}
    TalkstickText(const ts_text &text) : ts_text(text) {}

    bool operator==(const char *other) const;
    bool operator!=(const char *other) const { return !(*this == other); }

    /* Copy it, cut to the room and terminated. */
    template <size_t Size> void copy(char (&to)[Size]) const { copy(to, Size); }
    void copy(char *to, size_t bytes) const;

    /* Of a JSON object: read the value of a key, a whole number, true or false, or a text (cut to the room). They
     * return false, and change nothing, where there is none, or it is of another kind. */
    bool find(const char *key, uint32_t &number) const;
    bool find(const char *key, bool &truth) const;
    template <size_t Size> bool find(const char *key, char (&text)[Size]) const { return find(key, text, Size); }
    bool find(const char *key, char *text, size_t bytes) const;
};

/* The work that a session asks for: it has begun, or its input has changed. */
struct TalkstickWork {
    TalkstickText type;
    TalkstickText input; // a JSON object
    uint32_t fence;      // of the session
    uint32_t job;        // rises with each input of the session
};

/* What the holder orders. */
struct TalkstickCommand {
    TalkstickText name;
    TalkstickText payload; // a JSON object
    uint32_t fence;
};

/* The answer to a badge. */
struct TalkstickAnswer {
    TalkstickText code;
    bool granted; // or released
    TalkstickText message;
};

const uint8_t TALKSTICK_OUTPUTS = 8;  // at most so many
const uint8_t TALKSTICK_NO_PIN = 255; // an output that only the callback switches

class Talkstick {
public:
    explicit Talkstick(TalkstickTransport &transport);
    Talkstick(const Talkstick &) = delete;
    Talkstick &operator=(const Talkstick &) = delete;

    // -- What the board is: before begin() --

    /* The rest of the settings; see ts_config. What begin() knows itself (id, prefix, outputs, boot, seed, max_payload)
     * it fills in. */
    ts_config config;

    /* An output that the holder switches with the command `switch`. `safe`: how it is when nobody may use it. */
    Talkstick &output(const char *name, uint8_t pin = TALKSTICK_NO_PIN, bool safe = false, bool activeLow = false);

    /* Credentials in the sketch, instead of those in flash memory. The texts are copied. */
    Talkstick &connectTo(const char *uri, const char *id, const char *secret, const char *prefix = "");
    Talkstick &authority(const char *pem);
    Talkstick &wifi(const char *ssid, const char *pass);

    /* The sketch sees to the network, and it need not be there when the board begins: Ethernet, or a Wi-Fi that comes
     * later. Without this a board that knows no Wi-Fi has a fault. */
    Talkstick &ownNetwork();

    // -- What happens to it: plain functions, or lambdas that capture nothing --

    Talkstick &onWork(void (*call)(const TalkstickWork &work));
    Talkstick &onCommand(void (*call)(const TalkstickCommand &command));
    Talkstick &onOutput(void (*call)(uint8_t number, bool on));
    Talkstick &onSafe(void (*call)(ts_reason reason));
    Talkstick &onShow(void (*call)(const ts_view &view));
    Talkstick &onClean(void (*call)());
    Talkstick &onAnswer(void (*call)(const TalkstickAnswer &answer));
    Talkstick &onNote(void (*call)(const char *code, const char *topic)); // for the log

    /* Begin: the outputs are safe from here on. Returns false, and fault() says why, where the board cannot work. */
    bool begin();
    const char *fault() const { return _fault; }

    void loop();

    // -- What it tells: all of it may be called in callbacks, too. False: there is no room, try again later --

    bool report(const char *json, bool complete = false);    // of the work: a JSON object, merged into its output
    bool telemetry(const char *json, bool retained = false); // readings: a JSON object
    bool sense(bool active, const char *json = "");          // the trigger, when it changes
    bool cleaned();                                          // the clean step is done
    bool badge(const char *principal);                       // a badge was shown: whose it is
    void button(bool down);                                  // each time round the loop; it is debounced
    bool nap(uint32_t ms);                                   // a deep sleep is next; see gone()
    bool goodbye();                                          // it is switched off

    /* Return whether the goodbye has been said: now sleep. */
    bool gone() const { return _leaving && view().link == TS_LINK_DOWN; }

    /* Return how things stand. */
    ts_view view() const;

    /* Return the id of the device. */
    const char *id() const { return _provision.id; }

private:
    struct Pin {
        uint8_t number;
        bool activeLow;
    };
    enum class Mode { Off, Claiming, Working };

    void take(char *to, size_t bytes, const char *text);
    const char *prepare();
    const char *joinWifi();
    const char *start();
    const char *claim();
    void lookAtClaim();
    bool next(ts_event &event);
    bool handle(const ts_event &event);
    bool step(const ts_event &event);
    bool feed(ts_event_kind kind, const char *data, bool on, uint32_t number = 0);
    void performAll();
    void perform(const ts_action &action);
    void performNetwork(const ts_action &action);
    void performWork(const ts_action &action);
    void performBoard(const ts_action &action);
    void answer(TalkstickSent sent, ts_event_kind kind, const ts_action &action);
    static void preparePin(const Pin &pin, bool on);
    void drive(uint32_t number, bool on);
    void forget();
    void note(const char *code, const char *topic);

    TalkstickTransport &_transport;
    TalkstickStore _store;
    ts_provision _provision;
    TalkstickWifi _wifi;
    bool _ownNetwork;
    char _host[TS_URI_BYTES];
    uint16_t _port;
    bool _tls;
    char _code[40]; // of a note, terminated
    union {
        ts_device _device;
        ts_claim _claim;
    };

    Mode _mode;
    const char *_fault;
    const char *_unfit; // what the sketch said before begin() that cannot be
    bool _busy;         // actions are being performed: the next event must wait
    bool _leaving;
    uint32_t _work;       // the number of the last one: a report names it
    bool _down, _wasDown; // the button: as it counts, as it was seen last
    uint32_t _downSince;

    ts_output _outputs[TALKSTICK_OUTPUTS];
    Pin _pins[TALKSTICK_OUTPUTS];

    TalkstickInbox _answers; // what came of actions
    TalkstickInbox _later;   // what was told while the core was busy

    void (*_onWork)(const TalkstickWork &);
    void (*_onCommand)(const TalkstickCommand &);
    void (*_onOutput)(uint8_t, bool);
    void (*_onSafe)(ts_reason);
    void (*_onShow)(const ts_view &);
    void (*_onClean)();
    void (*_onAnswer)(const TalkstickAnswer &);
    void (*_onNote)(const char *, const char *);
};

#endif
