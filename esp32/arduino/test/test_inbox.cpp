/* The inbox: events come out as they went in, whatever the ring looks like, and from another task. */
#include <thread>

#include "Arduino.h"
#include "TalkstickInbox.h"
#include "check.h"

static ts_event message(const std::string &topic, const std::string &data, uint32_t number) {
    ts_event event = ts_event();
    event.kind = TS_EV_MESSAGE;
    event.number = number;
    event.topic = {topic.data(), topic.size()};
    event.data = {data.data(), data.size()};
    return event;
}

static bool isAt(const ts_event &event, uint32_t number) {
    const std::string data(number % 90, static_cast<char>('a' + number % 26));
    return event.number == number && std::string(event.topic.data, event.topic.size) == "t" + std::to_string(number) &&
           std::string(event.data.data, event.data.size) == data;
}

static bool put(TalkstickInbox &inbox, uint32_t number) {
    const std::string data(number % 90, static_cast<char>('a' + number % 26));
    return inbox.put(message("t" + std::to_string(number), data, number));
}

static void testOrderIsKeptRoundAndRound() {
    TalkstickInbox inbox;
    CHECK(inbox.begin(400));
    uint32_t in = 0, out = 0;
    ts_event event;
    while (out < 2000) {
        while (put(inbox, in)) in++;
        CHECK(in > out); // there was room for one at least
        for (uint32_t count = 0; count <= in % 3 && inbox.take(event); count++) {
            CHECK(isAt(event, out));
            out++;
        }
    }
}

static void testWhatFitsIntoAnEmptyOneAlwaysDoes() {
    TalkstickInbox inbox;
    CHECK(inbox.begin(512));
    const std::string large(440, 'x');
    ts_event event;
    for (uint32_t round = 0; round < 50; round++) {
        CHECK(put(inbox, round)); // so that it begins elsewhere each time
        CHECK(inbox.take(event));
        CHECK(!inbox.take(event));
        CHECK(inbox.couldHold(1, large.size(), 0));
        CHECK(inbox.put(message("t", large, 1)));
        CHECK(inbox.take(event));
        EQUAL(event.data.size, large.size());
        CHECK(!inbox.take(event));
    }
    CHECK(!inbox.couldHold(1, 600, 0));
    CHECK(!inbox.put(message("t", std::string(600, 'x'), 1)));
}

static void testWhatWasTakenStaysUntilTheNextIsTaken() {
    TalkstickInbox inbox;
    CHECK(inbox.begin(256));
    CHECK(put(inbox, 60));
    ts_event event;
    CHECK(inbox.take(event));
    while (put(inbox, 7)) {
    }
    CHECK(isAt(event, 60));
}

static void testRoomIsSparedForSmallOnes() {
    TalkstickInbox inbox;
    CHECK(inbox.begin(512));
    const std::string data(100, 'x');
    int count = 0;
    while (inbox.put(message("t", data, 1), 200)) count++;
    EQUAL(count, 2);
    ts_event small = ts_event();
    small.kind = TS_EV_LOST;
    for (count = 0; inbox.put(small); count++) {
    }
    CHECK(count >= 7);
}

static void testAMessageThatNeverEndsWasNeverThere() {
    TalkstickInbox inbox;
    CHECK(inbox.begin(512));
    CHECK(inbox.open(message("t", "", 1), 100));
    inbox.fill(0, "half", 4);
    CHECK(put(inbox, 5)); // the connection was lost, and this came first on the next
    ts_event event;
    CHECK(inbox.take(event));
    CHECK(isAt(event, 5));
    CHECK(!inbox.take(event));
}

static void testWithoutMemoryNothingFits() {
    TalkstickInbox inbox;
    CHECK(!put(inbox, 1));
}

static void testWhatWasPutBackComesAgain() {
    TalkstickInbox inbox;
    CHECK(inbox.begin(256));
    ts_event event;
    for (uint32_t number = 0; number < 50; number++) {
        CHECK(put(inbox, number));
        CHECK(inbox.take(event) && isAt(event, number));
        inbox.putBack();
        CHECK(put(inbox, number + 1));
        CHECK(inbox.take(event) && isAt(event, number));
        CHECK(inbox.take(event) && isAt(event, number + 1));
    }
    CHECK(!inbox.take(event));
}

static void testAnotherTaskMayPutIn() {
    TalkstickInbox inbox;
    CHECK(inbox.begin(700));
    const uint32_t all = 20000;
    std::thread writer([&inbox] {
        for (uint32_t number = 0; number < all;) {
            number += put(inbox, number) ? 1 : 0;
            std::this_thread::yield();
        }
    });
    ts_event event;
    uint32_t wrong = 0;
    for (uint32_t number = 0; number < all;) {
        if (!inbox.take(event)) {
            std::this_thread::yield();
            continue;
        }
        wrong += isAt(event, number) ? 0 : 1;
        number++;
    }
    writer.join();
    EQUAL(wrong, 0u);
}

int main() {
    testOrderIsKeptRoundAndRound();
    testWhatFitsIntoAnEmptyOneAlwaysDoes();
    testWhatWasTakenStaysUntilTheNextIsTaken();
    testRoomIsSparedForSmallOnes();
    testAMessageThatNeverEndsWasNeverThere();
    testWithoutMemoryNothingFits();
    testWhatWasPutBackComesAgain();
    testAnotherTaskMayPutIn();
    return check::report("inbox");
}
