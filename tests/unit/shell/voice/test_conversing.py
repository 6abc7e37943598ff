"""One turn at a time for each device: the next ends the one before, and an older one is nobody's business any more."""

import asyncio
import json
from collections import Counter
from collections.abc import Callable, Coroutine
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

from backend.core.effects import Asked
from backend.core.engine import Arrived, Send
from backend.core.facts import Announced, Fact, MessageRefused, TurnBegun, TurnEnded
from backend.core.refusals import Code, Refused
from backend.features.voice.feature import Talkers, desk
from backend.features.voice.frames import SEQUENCES, Codec, Flag, Frame
from backend.features.voice.messages import Final
from backend.features.voice.settings import VoiceSettings
from backend.features.voice.state import (
    Announce,
    ConversationErased,
    HushOrdered,
    Interrupted,
    LastTurn,
    Silenced,
    Talker,
)
from backend.shell.voice.conversing import Conversing
from backend.shell.voice.course import Course
from backend.shell.voice.feed import Feed
from backend.shell.voice.recordings import Recordings
from tests.rig import WITHIN_S

KITCHEN, LAB = "kitchen-1", "lab-1"


class Script:
    """Says what it heard, once it is told to go on."""

    def __init__(self) -> None:
        self.go_on = asyncio.Event()
        self.began: list[tuple[str, int]] = []

    async def streamed(self, course: Course, feed: Feed) -> None:
        self.began.append((course.device, course.turn))
        heard = b""
        while (payloads := await feed.read()) is not None:
            heard += b"".join(payloads)
        if course.tape is not None:
            course.tape += heard
        await self._say(course, heard.decode())

    async def whole(self, course: Course, data: bytes) -> None:
        self.began.append((course.device, course.turn))
        await self._say(course, data.decode())

    async def announced(self, course: Course, announce: Announce) -> None:
        self.began.append((course.device, course.turn))
        await self._say(course, announce.text)

    async def _say(self, course: Course, text: str) -> None:
        if text == "bug":
            raise ZeroDivisionError
        if text == "silence":
            raise Refused(Code.NO_SPEECH, "nobody spoke")
        course.note(heard=text)
        await self.go_on.wait()
        course.tell(Final, text=text, language="en", audio_ms=1, speech_ms=1, after_ms=1.0)


class Stage:
    """Everything around a `Conversing`, within reach."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.voice = desk()
        for name in (KITCHEN, LAB):
            self.voice.states[name] = Talker(name, provisioned=True, boot=1)
        self.script = Script()
        self.sent: list[Send] = []
        self.facts: list[Fact] = []
        self.recordings = Recordings(folder, days=30)
        self.conversing = Conversing(
            self.script, self.recordings, Talkers(self.voice), self.sent.append, self.facts.append, lambda: 1e9
        )

    async def hear(self, turn: int | str, text: str, flags: int = 3, device: str = KITCHEN) -> None:
        frame = Frame(0, Flag(flags), Codec.PCM16_16K, text.encode())
        await self.take(f"devices/{device}/audio/{turn}", frame.wire())

    async def take(self, topic: str, payload: bytes, *, retained: bool = False) -> None:
        assert self.conversing.take(Arrived(topic, payload, retained)) == []
        await settle()

    def boots(self, boot: int) -> None:
        """Let the board of the kitchen say that it is there."""
        birth = Arrived(f"devices/{KITCHEN}/status", b'{"state":"online","boot":%d}' % boot)
        assert self.conversing.take(birth) is None

    def sets(self, **settings: Any) -> None:
        """Change the voice settings of the kitchen."""
        talker = self.voice.states[KITCHEN]
        self.voice.states[KITCHEN] = replace(talker, settings=VoiceSettings(**settings))

    async def recorded(self) -> list[str]:
        """The recordings there are, by device and turn."""
        await self.recordings.close()
        return [f"{file.parent.name} {file.stem.rpartition('-')[2]}" for file in sorted(self.folder.glob("*/*.wav"))]

    async def finish(self) -> None:
        self.script.go_on.set()
        await settle()

    def perform(self, text: str) -> Asked:
        asked = Asked(f"devices/{KITCHEN}/conversation/request/alice", "reply", text)
        self.conversing.perform(Announce(KITCHEN, text, None, "alice", asked))
        return asked

    def events(self, device: str = KITCHEN) -> list[tuple[int, str]]:
        """Each event of the conversation: its turn, and its text or code."""
        topic = f"devices/{device}/conversation"
        bodies = [json.loads(send.payload) for send in self.sent if send.topic == topic]
        return [(body["turn"], body.get("text", body.get("code"))) for body in bodies]

    def ended(self) -> list[tuple[str, int, str | None, Code | None]]:
        """Each turn that ended and is remembered."""
        ended = [fact for fact in self.facts if isinstance(fact, TurnEnded) and fact.remembered]
        return [(fact.device, fact.turn, fact.heard, fact.code) for fact in ended]


async def settle() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


def play(story: Callable[[Stage], Coroutine[Any, Any, None]]) -> Stage:
    async def on_stage() -> Stage:
        with TemporaryDirectory() as folder:
            stage = Stage(Path(folder))
            async with asyncio.timeout(WITHIN_S):
                await story(stage)
                await stage.conversing.end()
                await stage.recordings.close()
        return stage

    return asyncio.run(on_stage())


def test_a_turn_is_heard_and_remembered() -> None:
    async def story(stage: Stage) -> None:
        await stage.hear(1, "hello")
        await stage.finish()
        assert stage.events() == [(1, "hello")]
        assert stage.ended() == [(KITCHEN, 1, "hello", None)]

    play(story)


def test_devices_do_not_disturb_each_other() -> None:
    async def story(stage: Stage) -> None:
        await stage.hear(1, "one")
        await stage.hear(1, "two", device=LAB)
        await stage.finish()
        assert (stage.events(KITCHEN), stage.events(LAB)) == ([(1, "one")], [(1, "two")])

    play(story)


def test_the_next_turn_ends_the_one_before_and_the_board_is_told() -> None:
    async def story(stage: Stage) -> None:
        await stage.hear(1, "old")
        await stage.hear(2, "new")
        await stage.finish()
        assert stage.events() == [(1, "superseded"), (2, "new")]
        assert stage.ended() == [(KITCHEN, 1, "old", Code.SUPERSEDED), (KITCHEN, 2, "new", None)]
        (cut,) = [send for send in stage.sent if send.topic == f"devices/{KITCHEN}/speech/1"]
        assert Frame.read(cut.payload).flags == Flag.ABORT | Flag.END

    play(story)


def test_a_turn_may_be_cut_before_it_did_anything() -> None:
    async def story(stage: Stage) -> None:
        for turn in (1, 2):
            frame = Frame(0, Flag(3), Codec.PCM16_16K, b"x")
            stage.conversing.take(Arrived(f"devices/{KITCHEN}/audio/{turn}", frame.wire()))
        await stage.finish()
        assert sorted(stage.events()) == [(1, "superseded"), (2, "x")]
        assert stage.ended() == [(KITCHEN, 2, "x", None)], "there is nothing to remember of the first"

    play(story)


def test_frames_of_an_older_turn_are_dropped_and_that_is_told_once_for_each_attempt() -> None:
    async def story(stage: Stage) -> None:
        await stage.hear(5, "new")
        await stage.hear(4, "old", flags=1)
        await stage.hear(4, "old", flags=0)
        assert stage.events() == [(4, "stale_turn")]
        await stage.hear(4, "old", flags=1)
        await stage.hear(4, "old", flags=2)
        await stage.finish()
        assert stage.events() == [(4, "stale_turn"), (4, "stale_turn"), (5, "new")]
        assert [fact.code for fact in stage.facts if isinstance(fact, MessageRefused)] == [Code.STALE_TURN] * 4

    play(story)


def test_after_the_last_number_a_whole_utterance_has_none() -> None:
    async def story(stage: Stage) -> None:
        await stage.finish()
        await stage.hear(2**32 - 1, "last")
        await stage.take(f"devices/{KITCHEN}/audio", b"one more")
        assert stage.events() == [(2**32 - 1, "last"), (2**32 - 1, "stale_turn")]
        stage.perform("goes on")
        await settle()
        assert stage.events()[-1] == (2**32 - 1, "goes on")

    play(story)


def test_each_turn_begins_and_ends_for_the_journal_also_one_that_nobody_remembers() -> None:
    async def story(stage: Stage) -> None:
        await stage.hear(1, "half", flags=1)
        await stage.hear(1, "", flags=4)
        stage.perform("dinner")
        await stage.finish()
        turns = [fact for fact in stage.facts if isinstance(fact, TurnBegun | TurnEnded)]
        assert [(type(fact), fact.turn, fact.boot) for fact in turns] == [(TurnBegun, 1, 1), (TurnEnded, 1, 1)] * 2
        assert [fact.remembered for fact in turns if isinstance(fact, TurnEnded)] == [False, True]

    play(story)


def test_the_board_hears_the_end_of_a_turn_in_which_the_server_died_whatever_it_has_heard_of_it() -> None:
    async def story(stage: Stage) -> None:
        stage.conversing.perform(Interrupted(KITCHEN, 7))
        stage.conversing.perform(Interrupted("nobody-1", 7))
        assert stage.events() == [(7, "interrupted")]
        (end,) = [Frame.read(send.payload) for send in stage.sent if send.topic == f"devices/{KITCHEN}/speech/7"]
        assert end.flags == Flag.ABORT | Flag.END
        assert end.seq == SEQUENCES // 2 - 1, "for a board that goes by the numbers, too"

    play(story)


def test_frames_of_a_turn_that_is_over_change_nothing() -> None:
    async def story(stage: Stage) -> None:
        await stage.finish()
        await stage.hear(5, "said")
        await stage.hear(5, "again")
        assert stage.events() == [(5, "said"), (5, "stale_turn")], "a board that does not count is told"
        await stage.hear(5, "late", flags=2)
        assert stage.events() == [(5, "said"), (5, "stale_turn")]

    play(story)


def test_a_board_that_booted_again_counts_anew_and_hears_no_old_answer() -> None:
    async def story(stage: Stage) -> None:
        await stage.hear(9, "before")
        stage.boots(2)
        await stage.hear(1, "after")
        await stage.finish()
        assert stage.events() == [(9, "aborted"), (1, "after")]
        assert [fact.boot for fact in stage.facts if isinstance(fact, TurnEnded)] == [1, 2]

    play(story)


def test_what_follows_a_birth_at_once_is_of_the_new_boot_although_the_engine_does_not_know_it_yet() -> None:
    async def story(stage: Stage) -> None:
        stage.voice.states[KITCHEN] = replace(stage.voice.states[KITCHEN], last=LastTurn(1, 57))
        stage.boots(2)
        await stage.hear(1, "", flags=1)
        stage.voice.states[KITCHEN] = replace(stage.voice.states[KITCHEN], boot=2)
        stage.boots(2)
        frame = Frame(1, Flag.END, Codec.PCM16_16K, b"whole")
        await stage.take(f"devices/{KITCHEN}/audio/1", frame.wire())
        await stage.finish()
        assert stage.events() == [(1, "whole")]

    play(story)


@pytest.mark.parametrize(
    "status", [b'{"state":"lost","boot":2}', b'{"state":"online"}', b"nonsense", b'{"state":"online","boot":1}']
)
def test_other_statuses_change_no_turn(status: bytes) -> None:
    async def story(stage: Stage) -> None:
        await stage.hear(9, "goes on")
        assert stage.conversing.take(Arrived(f"devices/{KITCHEN}/status", status)) is None
        assert stage.conversing.take(Arrived(f"devices/{KITCHEN}/status", b'{"state":"online","boot":3}', True)) is None
        await stage.finish()
        assert stage.events() == [(9, "goes on")]

    play(story)


def test_a_board_may_give_its_turn_up() -> None:
    async def story(stage: Stage) -> None:
        await stage.hear(1, "half", flags=1)
        await stage.hear(1, "", flags=4)
        assert stage.events() == [(1, "aborted")]
        await stage.hear(7, "", flags=4)
        assert stage.script.began == [(KITCHEN, 1)]

    play(story)


def test_a_whole_utterance_is_the_next_turn() -> None:
    async def story(stage: Stage) -> None:
        await stage.finish()
        await stage.hear(3, "streamed")
        await stage.take(f"devices/{KITCHEN}/audio", b"whole")
        assert stage.events() == [(3, "streamed"), (4, "whole")]

    play(story)


@pytest.mark.parametrize(
    ("turn", "payload", "code"),
    [
        ("1", b"\0", "bad_frame"),
        ("1", b"\0\0\1\x63", "unknown_codec"),
        ("1", Frame(0, Flag.START, Codec.MP3).wire(), "unknown_codec"),
        ("one", Frame(0, Flag.START, Codec.PCM16_16K).wire(), "bad_frame"),
        ("0", Frame(0, Flag.START, Codec.PCM16_16K).wire(), "bad_frame"),
        ("9" * 5000, Frame(0, Flag.START, Codec.PCM16_16K).wire(), "bad_frame"),
        (str(2**32), Frame(0, Flag.START, Codec.PCM16_16K).wire(), "bad_frame"),
        ("\u0661", Frame(0, Flag.START, Codec.PCM16_16K).wire(), "bad_frame"),
    ],
)
def test_what_is_no_audio_is_told_and_counted(turn: str, payload: bytes, code: str) -> None:
    async def story(stage: Stage) -> None:
        await stage.take(f"devices/{KITCHEN}/audio/{turn}", payload)
        assert [code for _, code in stage.events()] == [code]
        assert [fact.code for fact in stage.facts if isinstance(fact, MessageRefused)] == [code]
        assert stage.script.began == []

    play(story)


def test_audio_of_nobody_and_retained_audio_are_ignored() -> None:
    async def story(stage: Stage) -> None:
        await stage.hear(1, "x", device="nobody-1")
        await stage.take(f"devices/{KITCHEN}/audio", b"x", retained=True)
        assert (stage.sent, stage.script.began) == ([], [])
        assert stage.conversing.take(Arrived("devices/kitchen-1/status", b"{}")) is None

    play(story)


def test_a_refusal_ends_the_turn_with_its_code_and_a_bug_does_too() -> None:
    async def story(stage: Stage) -> None:
        await stage.hear(1, "silence")
        await stage.hear(2, "bug")
        assert stage.events() == [(1, "no_speech"), (2, "hearing_failed")]
        assert [code for *_, code in stage.ended()] == [Code.NO_SPEECH, Code.HEARING_FAILED]
        await stage.finish()
        await stage.hear(3, "goes on")
        assert stage.events()[-1] == (3, "goes on")

    play(story)


def test_an_announcement_waits_until_nobody_talks_with_the_device() -> None:
    async def story(stage: Stage) -> None:
        await stage.hear(6, "busy")
        asked = [stage.perform("first"), stage.perform("second")]
        await settle()
        assert stage.script.began == [(KITCHEN, 6)]
        await stage.finish()
        await settle()
        assert stage.events() == [(6, "busy"), (6, "first"), (6, "second")]
        told = [fact for fact in stage.facts if isinstance(fact, Announced)]
        assert told == [Announced(each, KITCHEN, 6) for each in asked]

    play(story)


def test_a_turn_cuts_an_announcement() -> None:
    async def story(stage: Stage) -> None:
        stage.perform("long")
        await settle()
        await stage.hear(1, "stop that")
        await stage.finish()
        assert stage.events() == [(0, "superseded"), (1, "stop that")]

    play(story)


def test_an_announcement_for_a_device_that_is_gone_is_answered() -> None:
    async def story(stage: Stage) -> None:
        await stage.hear(1, "busy")
        first = stage.perform("late")
        stage.voice.states.clear()
        second = stage.perform("later")
        await stage.finish()
        told = [fact for fact in stage.facts if isinstance(fact, Announced)]
        assert {(fact.asked, fact.code) for fact in told} == {
            (first, Code.UNKNOWN_DEVICE),
            (second, Code.UNKNOWN_DEVICE),
        }

    play(story)


def test_a_device_can_be_hushed() -> None:
    async def story(stage: Stage) -> None:
        stage.perform("long")
        await settle()
        stage.conversing.perform(HushOrdered(KITCHEN, turn=7))
        await settle()
        assert stage.events() == []
        stage.conversing.perform(HushOrdered(KITCHEN))
        stage.conversing.perform(HushOrdered(LAB))
        await settle()
        assert stage.events() == [(0, "aborted")]
        await stage.finish()
        stage.perform("next")
        await settle()
        assert stage.events() == [(0, "aborted"), (0, "next")]

    play(story)


def test_audio_is_kept_where_the_settings_ask_for_it_and_nowhere_else() -> None:
    async def story(stage: Stage) -> None:
        await stage.finish()
        await stage.hear(1, "secret")
        stage.sets(keep_audio=True)
        await stage.hear(2, "debug!")
        await stage.hear(1, "secret", device=LAB)
        assert await stage.recorded() == [f"{KITCHEN} 2"]

    play(story)


def test_a_device_that_is_removed_says_no_more_and_its_name_begins_anew() -> None:
    async def story(stage: Stage) -> None:
        await stage.hear(300, "long")
        asked = stage.perform("secret")
        talker = stage.voice.states.pop(KITCHEN)
        stage.conversing.perform(ConversationErased(KITCHEN))
        await settle()
        assert (stage.events(), stage.ended()) == ([(300, "aborted")], [])
        assert Announced(asked, KITCHEN, code=Code.UNKNOWN_DEVICE) in stage.facts
        stage.voice.states[KITCHEN] = talker
        await stage.finish()
        await stage.hear(1, "new")
        assert stage.events() == [(300, "aborted"), (1, "new")]

    play(story)


def test_the_codec_of_a_turn_does_not_change() -> None:
    async def story(stage: Stage) -> None:
        await stage.hear(1, "half", flags=1)
        await stage.take(f"devices/{KITCHEN}/audio/1", Frame(1, Flag(0), Codec.MULAW_8K, b"x").wire())
        assert stage.events() == [(1, "bad_frame")]

    play(story)


def test_recordings_are_forgotten_with_the_conversation_and_only_so_many_are_kept() -> None:
    async def story(stage: Stage) -> None:
        await stage.finish()
        stage.sets(keep_audio=True)
        for turn in range(1, 104):
            stage.recordings.keep(KITCHEN, turn, 1e9 + turn, b"xy")
            await stage.recordings.close()
        assert await stage.recorded() == [f"{KITCHEN} {turn}" for turn in range(4, 104)]
        stage.conversing.perform(ConversationErased(KITCHEN))
        assert await stage.recorded() == []

    play(story)


def test_recordings_go_with_a_conversation_that_is_forgotten_elsewhere() -> None:
    async def story(stage: Stage) -> None:
        for device, turn, at in ((KITCHEN, 1, 1e9 + 0.7), (KITCHEN, 2, 1e9 + 10.7), (LAB, 3, 1e9), ("gone-1", 4, 1e9)):
            stage.recordings.keep(device, turn, at, b"xy")
        await stage.recordings.close()
        (stage.folder / LAB / "notes.wav").touch()
        begun = {KITCHEN: 1e9 + 10.7}
        stage.recordings.prune(begun, 1e9 + 50)
        assert await stage.recorded() == ["gone-1 4", f"{KITCHEN} 1", f"{KITCHEN} 2", f"{LAB} 3", f"{LAB} notes"]
        stage.recordings.prune(begun, 1e9 + 61.1)
        assert await stage.recorded() == [f"{KITCHEN} 2", f"{LAB} notes"], (
            "all but those without a turn that may yet be stored"
        )
        assert not (stage.folder / "gone-1").exists()

    play(story)


def test_a_turn_that_is_under_way_when_all_is_to_be_forgotten_is_not_remembered() -> None:
    async def story(stage: Stage) -> None:
        stage.sets(keep_audio=True)
        await stage.hear(1, "secret")
        stage.conversing.perform(ConversationErased(KITCHEN))
        await stage.finish()
        assert stage.events() == [(1, "secret")], "it is answered"
        assert (stage.ended(), await stage.recorded()) == ([], [])
        await stage.hear(2, "public")
        assert stage.ended() == [(KITCHEN, 2, "public", None)]

    play(story)


def test_when_it_may_speak_no_longer_what_waits_is_refused_too() -> None:
    async def story(stage: Stage) -> None:
        await stage.hear(1, "long")
        asked = stage.perform("next")
        stage.conversing.perform(Silenced(KITCHEN, Code.NOT_IN_USE))
        stage.conversing.perform(Silenced(LAB, Code.NOT_IN_USE))
        await settle()
        assert stage.events() == [(1, "not_in_use")]
        assert Announced(asked, KITCHEN, code=Code.NOT_IN_USE) in stage.facts
        assert stage.ended() == [(KITCHEN, 1, "long", Code.NOT_IN_USE)]

    play(story)


def test_an_announcement_after_a_boot_belongs_to_its_turns() -> None:
    async def story(stage: Stage) -> None:
        await stage.hear(57, "long")
        stage.perform("welcome")
        stage.boots(2)
        await stage.finish()
        assert stage.events() == [(57, "aborted"), (0, "welcome")]

    play(story)


def test_a_device_that_begins_too_many_turns_is_told_so_now_and_then() -> None:
    async def story(stage: Stage) -> None:
        await stage.finish()
        for turn in range(1, 1001):
            await stage.hear(turn, "")
        codes = Counter(code for _, code in stage.events())
        assert codes["rate_limited"] == 10
        assert len(stage.script.began) == 10
        await stage.hear(1, "", device=LAB)
        assert stage.script.began[-1] == (LAB, 1)

    play(story)


def test_the_server_stops_in_the_middle_of_everything() -> None:
    async def story(stage: Stage) -> None:
        await stage.hear(1, "long")
        asked = stage.perform("next")
        await stage.conversing.end()
        assert stage.events() == [(1, "aborted")]
        assert stage.ended() == [(KITCHEN, 1, "long", Code.ABORTED)]
        assert Announced(asked, KITCHEN, code=Code.ABORTED) in stage.facts
        await stage.hear(2, "late")
        stage.perform("late")
        await settle()
        assert stage.script.began == [(KITCHEN, 1)]

    play(story)
