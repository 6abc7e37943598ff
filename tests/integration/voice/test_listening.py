"""Utterances on their way through the real recogniser."""

import asyncio
from functools import partial
from pathlib import Path

from backend.core.engine import Send
from backend.features.voice.frames import Codec, Flag, Frame
from backend.features.voice.state import Talker
from backend.shell.clock import SteadyClock
from backend.shell.voice.course import Course
from backend.shell.voice.feed import Feed
from backend.shell.voice.hearing import Ears
from backend.shell.voice.listening import Listening
from backend.shell.voice.places import Places
from tests.rig import WITHIN_S
from tools.voice_models.speech import speak

ENGLISH = Path(__file__).parents[3] / "tools" / "voice_models" / "en"
FRAME = 640


def course(device: str, over: asyncio.Event, sends: list[Send]) -> Course:
    return Course(Talker(device, provisioned=True), 1, sends.append, SteadyClock(), lambda _course: over.set())


def test_a_board_that_only_drips_gives_its_place_to_others() -> None:
    async def story() -> tuple[str | None, str | None]:
        ears, now, sends = Ears({"en": ENGLISH}, 1), SteadyClock(), list[Send]()
        assert await ears.load() == []
        places = Places(1)
        ends_soon = Listening(ears, places, 5.0, lambda _language: [], late_s=-4.5)
        listening = Listening(ears, places, 5.0, lambda _language: [], late_s=WITHIN_S)
        dripping, talking = Feed(Codec.PCM16_16K, now), Feed(Codec.PCM16_16K, now)
        dripping.put(Frame(0, Flag.START, Codec.PCM16_16K, b"xy"))
        audio = speak("hello", "en-us+m3")
        for seq, at in enumerate(range(0, len(audio), FRAME)):
            end = Flag.END if at + FRAME >= len(audio) else Flag(0)
            talking.put(Frame(seq, end, Codec.PCM16_16K, audio[at : at + FRAME]))
        ends = [asyncio.Event(), asyncio.Event()]
        turns = [course(name, end, sends) for name, end in zip(("hung-1", "kitchen-1"), ends, strict=True)]
        for turn, by, feed in zip(turns, (ends_soon, listening), (dripping, talking), strict=True):
            turn.start(partial(heard, by, feed))
        await asyncio.wait_for(asyncio.gather(*(end.wait() for end in ends)), WITHIN_S)
        ears.close()
        return turns[0].record.code, turns[1].record.heard

    assert asyncio.run(story()) == ("too_long", "hello")


async def heard(listening: Listening, feed: Feed, turn: Course) -> None:
    await listening.frames(turn, feed)
