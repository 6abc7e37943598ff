/* Events that wait for their turn, in a ring of bytes: short ones and long ones share the room, and the heap is asked
 * once, at the beginning. One task puts in, one task takes out.
 */
#ifndef TALKSTICK_INBOX_H
#define TALKSTICK_INBOX_H

#include <mutex>

#include "core/talkstick.h"

class TalkstickInbox {
public:
    TalkstickInbox();
    ~TalkstickInbox();
    TalkstickInbox(const TalkstickInbox &) = delete;
    TalkstickInbox &operator=(const TalkstickInbox &) = delete;

    /* Ask for the memory, once. Returns false where there is none. */
    bool begin(size_t bytes);

    /* Return whether an event of `topic` and `data` bytes fits at all, were the ring empty. */
    bool couldHold(size_t topic, size_t data, size_t spare) const;

    /* Put an event in, copied, and leave `spare` bytes free. Returns false where there is no room. */
    bool put(const ts_event &event, size_t spare = 0);

    /* The same for an event whose data come in pieces: open, fill piece by piece, close. What was opened and never
     * closed was never there. */
    bool open(const ts_event &event, size_t dataSize, size_t spare = 0);
    void fill(size_t at, const void *data, size_t size);
    void close();

    /* Take the oldest event out. What it points to lives until the next call. */
    bool take(ts_event &event);

    /* Let the event that was taken last be the oldest one again. */
    void putBack();

private:
    struct Record { // what stands before the bytes of topic and data; `bytes` 0: go on at the start of the ring
        uint32_t bytes;
        uint32_t number;
        uint32_t topicSize;
        uint32_t dataSize;
        uint16_t token;
        uint8_t kind;
        uint8_t on;
    };
    static size_t needed(size_t topic, size_t data);
    bool reserve(size_t bytes, size_t spare);

    uint8_t *_ring;
    size_t _size;
    std::mutex _lock; // of the next three; no longer than it takes to look at them
    size_t _head;     // where the next event goes
    size_t _tail;     // the oldest event, or the one that was taken last: it is looked at until the next is taken
    size_t _taken;    // where the event after that one begins
    size_t _at;       // of the event that is being filled: where it stands,
    size_t _next;     // what comes after it,
    size_t _data;     // and where its data go
};

#endif
