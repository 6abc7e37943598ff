/* Voice, on a chip that is not there: one scenario for each run of this program. */
#include "scene.h"

#include "pcm.h"

#define FRAME_MS 40
#define HELD_MS 30 /* until the button counts as pressed, or released */
#define MULAW_BYTES 320

static void be_ready(void) {
    provision();
    start();
    begins("connect ");
    go_online();
    fake_message("devices/scale-1/session", free_document, 1000);
    fake_run(10);
}

static void press(bool down) {
    fake_chip.levels[BUTTON] = down ? 0 : 1;
    fake_run(HELD_MS + 10);
}

/* Frames with audio, of one turn, as they are to come; returns the number of the next one. */
static unsigned frames_follow(unsigned first, unsigned count) {
    char wanted[96];

    for (unsigned i = first; i < first + count; i++) {
        snprintf(wanted, sizeof wanted, "publish devices/scale-1/audio/1 %u flags %d codec 2 +%d", i, i == 0 ? 1 : 0,
                 MULAW_BYTES);
        asked(wanted);
    }
    return first + count;
}

static void the_end_is(unsigned number) {
    char wanted[96];

    snprintf(wanted, sizeof wanted, "publish devices/scale-1/audio/1 %u flags 2 codec 2 +0", number);
    asked(wanted);
    asked("");
}

static void what_is_said_is_sent_while_it_is_said(void) {
    be_ready();
    fake_puback_first = true;
    press(true);
    CHECK(shown.voice == TS_RECORDING);
    fake_run(10 * FRAME_MS);
    unsigned next = frames_follow(0, 9);
    press(false);
    fake_run(1000);
    CHECK(shown.voice == TS_THINKING);
    next = frames_follow(next, 1); /* what was heard until the button was up */
    the_end_is(next);
}

static void without_acknowledgements_it_waits_and_nothing_is_lost(void) {
    be_ready();
    press(true);
    fake_run(20 * FRAME_MS);
    unsigned next = frames_follow(0, TS_AUDIO_WINDOW);
    asked("");
    press(false);
    fake_puback_first = true; /* now they come */
    for (int i = 0; i < TS_AUDIO_WINDOW; i++) fake_puback();
    fake_run(1000);
    next = frames_follow(next, 13);
    the_end_is(next);
}

static void what_is_lost_while_the_network_hangs_is_a_gap_in_the_numbers(void) {
    unsigned last = 0;
    unsigned frames = 0;
    unsigned number;
    const char *text;

    be_ready();
    fake_puback_first = true;
    fake_hang_ms = 5000;
    press(true);
    fake_run(200);
    fake_hang_ms = 0; /* for those after the first */
    fake_run(6000);
    press(false);
    fake_run(1000);
    while (text = fake_asked(), strstr(text, "flags 2") == NULL) {
        if (strstr(text, "/audio/") == NULL) continue; /* it introduces itself once more */
        CHECK(sscanf(text, "publish devices/scale-1/audio/1 %u", &number) == 1);
        CHECK(frames == 0 || number > last);
        last = number;
        frames++;
    }
    CHECK(frames >= 6000 / FRAME_MS - (5000 - 2000) / FRAME_MS); /* the ring holds two seconds at least */
    CHECK(frames < 6000 / FRAME_MS);
    CHECK(last >= 6000 / FRAME_MS && last < 6500 / FRAME_MS); /* the numbers count what was lost, too */
}

static void say(unsigned number, unsigned flags, int16_t sample, size_t size) {
    char frame[4 + MULAW_BYTES] = {0, (char)number, (char)flags, 2};

    memset(frame + 4, ts_mulaw_encode(sample), size);
    fake_bytes("devices/scale-1/speech/1", frame, 4 + size, 200);
    fake_run(1);
}

static void an_answer_is_played(void) {
    int16_t sample = ts_mulaw_decode(ts_mulaw_encode(4000));

    be_ready();
    for (unsigned i = 0; i < 10; i++) say(i, i == 0 ? 1 : 0, 4000, MULAW_BYTES);
    fake_run(10);
    CHECK(shown.voice == TS_SPEAKING);
    say(10, 2, 0, 0);
    fake_run(1000);
    CHECK(fake_played == 10 * 2 * MULAW_BYTES);
    CHECK(fake_said == sample);
    CHECK(shown.voice == TS_QUIET);
}

static void silence_is_played_for_what_was_lost(void) {
    be_ready();
    say(0, 1, 4000, MULAW_BYTES);
    say(3, 0, 4000, MULAW_BYTES);
    say(4, 2, 0, 0);
    fake_run(1000);
    CHECK(fake_played == 4 * 2 * MULAW_BYTES);
}

static void whoever_speaks_interrupts(void) {
    be_ready();
    for (unsigned i = 0; i < 30; i++) say(i, i == 0 ? 1 : 0, 4000, MULAW_BYTES);
    fake_puback_first = true;
    press(true);
    fake_run(100);
    CHECK(fake_played < 10 * 2 * MULAW_BYTES); /* of 1.2 s: what is in the loudspeaker's own buffers, and no more */
    CHECK(shown.voice == TS_RECORDING);
    begins("publish devices/scale-1/audio/2 0 flags 1 codec 2");
}

static void the_button_forgets_only_after_an_utterance_can_be_over(void) {
    be_ready();
    fake_puback_first = true;
    press(true);
    for (int i = 0; i < 39; i++) {
        fake_run(1000);
        while (fake_asked()[0] != '\0') {
        }
    }
    CHECK(fake_chip.state == FAKE_RUNNING);
    fake_run(2000);
    CHECK(fake_chip.state == FAKE_RESTARTED);
}

int main(int count, char **arguments) {
    static const scenario scenarios[] = {
        SCENARIO(what_is_said_is_sent_while_it_is_said),
        SCENARIO(without_acknowledgements_it_waits_and_nothing_is_lost),
        SCENARIO(what_is_lost_while_the_network_hangs_is_a_gap_in_the_numbers),
        SCENARIO(an_answer_is_played),
        SCENARIO(silence_is_played_for_what_was_lost),
        SCENARIO(whoever_speaks_interrupts),
        SCENARIO(the_button_forgets_only_after_an_utterance_can_be_over),
    };

    return play(scenarios, sizeof scenarios / sizeof scenarios[0], count, arguments);
}
