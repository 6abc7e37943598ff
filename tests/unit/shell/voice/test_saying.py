"""From the words of an answer to the frames that the board gets: with one end, whatever happens."""

import asyncio
import json
from collections.abc import Awaitable, Callable

import pytest

from backend.core.audio import AudioAbility
from backend.core.engine import Send
from backend.core.refusals import Code, Refused
from backend.features.voice.frames import Flag, Frame
from backend.features.voice.state import Talker
from backend.shell.clock import SteadyClock
from backend.shell.voice.course import Course
from backend.shell.voice.encoding import WAV_RATE, Encoder
from backend.shell.voice.memory import Memory, Phrase
from backend.shell.voice.saying import Saying
from backend.shell.voice.worker import Speech, Voice
from tests.house import memory_database
from tests.rig import WITHIN_S

SECOND = Speech(b"\x01\x02" * WAV_RATE, WAV_RATE)
TALKER = Talker("kitchen-1", provisioned=True, ability=AudioAbility("wav", 1400, 60_000))


class Forgetful(Memory):
    """Remembers one phrase at most, whatever it is."""

    def __init__(self, known: Phrase | None = None) -> None:
        super().__init__(memory_database())
        self.known = known

    async def phrase(self, device: str, key: str) -> Phrase | None:
        del device, key
        return self.known


async def spoken(_text: str, _voice: Voice) -> Speech:
    return SECOND


async def broken(_text: str, _voice: Voice) -> Speech:
    raise Refused(Code.SPEECH_FAILED, "no synthesiser")


async def found(text: str = "One. Two.") -> str:
    return text


async def not_found() -> str:
    raise Refused(Code.NOT_STORED, "nobody knows")


def say(
    finding: Callable[[], Awaitable[str]],
    speak: Callable[[str, Voice], Awaitable[Speech]] = spoken,
    *,
    known: bool = False,
) -> tuple[list[Frame], list[dict[str, object]], Course]:
    """Say something; return the frames, the events, and the turn."""

    async def story() -> Course:
        phrase = Phrase(SECOND.pcm, 1.0) if known else None
        saying, over, now = Saying(speak, Encoder(), Forgetful(phrase)), asyncio.Event(), SteadyClock()
        course = Course(TALKER, 3, sends.append, now, lambda _course: over.set())
        course.start(lambda course: saying.say(course, finding(), "en", now()))
        await asyncio.wait_for(over.wait(), WITHIN_S)
        return course

    sends: list[Send] = []
    course = asyncio.run(story())
    frames = [Frame.read(send.payload) for send in sends if send.topic == "devices/kitchen-1/speech/3"]
    events = [json.loads(send.payload) for send in sends if send.topic == "devices/kitchen-1/conversation"]
    return frames, events, course


def test_each_sentence_is_made_and_sent_between_one_start_and_one_end() -> None:
    frames, events, course = say(found)
    assert [frame.seq for frame in frames] == list(range(len(frames)))
    assert [number for number, frame in enumerate(frames) if Flag.START in frame.flags] == [0]
    assert [number for number, frame in enumerate(frames) if Flag.END in frame.flags] == [len(frames) - 1]
    audio = b"".join(frame.payload for frame in frames)
    assert (audio[:4], audio[44:]) == (b"RIFF", SECOND.pcm * 2)
    (told,) = events
    assert (told["event"], told["audio_ms"], told["cached"], told["frames"]) == ("spoken", 2000, False, len(frames))
    assert [phrase.text for phrase in course.made] == ["One.", "Two."]


def test_what_is_known_is_not_made_again() -> None:
    _, (told,), course = say(found, broken, known=True)
    assert (told["cached"], course.made, len(course.record.phrases)) == (True, [], 2)


@pytest.mark.parametrize(
    ("finding", "speak", "code"), [(found, broken, "speech_failed"), (not_found, spoken, "not_stored")]
)
def test_a_failure_has_one_end_too(
    finding: Callable[[], Awaitable[str]], speak: Callable[[str, Voice], Awaitable[Speech]], code: str
) -> None:
    frames, (told,), course = say(finding, speak)
    assert (told["event"], told["code"], course.record.code) == ("error", code, code)
    assert [frame.flags for frame in frames if Flag.END in frame.flags] == [Flag.ABORT | Flag.END]
