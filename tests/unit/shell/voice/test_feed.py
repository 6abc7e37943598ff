"""Frames on their way to the recogniser: what is missing is waited for, but not for long."""

import asyncio
from collections.abc import Coroutine
from typing import Any

import pytest

from backend.core.refusals import Code, Refused
from backend.features.voice.frames import Codec, Flag, Frame
from backend.shell.voice.feed import MOST_BYTES, Feed
from tests.rig import WITHIN_S

NEVER_S = 60.0
SOON_S = 0.005


def run(test: Coroutine[Any, Any, None]) -> None:
    async def within() -> None:
        async with asyncio.timeout(WITHIN_S):
            await test

    asyncio.run(within())


def feed(missing_s: float = NEVER_S, silent_s: float = NEVER_S) -> Feed:
    return Feed(Codec.PCM16_16K, lambda: 7.0, missing_s, silent_s)


def frame(seq: int, flags: int = 0, payload: bytes = b"xy") -> Frame:
    return Frame(seq, Flag(flags), Codec.PCM16_16K, payload)


def test_payloads_come_out_as_they_arrive_and_then_it_is_over() -> None:
    async def story() -> None:
        fed = feed()
        fed.put(frame(0, 1))
        assert await fed.read() == [b"xy"]
        reading = asyncio.create_task(fed.read())
        await asyncio.sleep(0)
        fed.put(frame(1, 2))
        assert await reading == [b"xy"]
        assert await fed.read() is None
        assert fed.ended_at == 7.0

    run(story())


def test_an_end_without_audio_ends_it() -> None:
    async def story() -> None:
        fed = feed()
        reading = asyncio.create_task(fed.read())
        await asyncio.sleep(0)
        fed.put(frame(0, 3, b""))
        assert await reading is None

    run(story())


def test_a_frame_that_does_not_come_is_silence_after_a_moment() -> None:
    async def story() -> None:
        fed = feed(missing_s=SOON_S)
        fed.put(frame(0))
        fed.put(frame(2))
        assert await fed.read() == [b"xy"]
        assert await fed.read() == [b"\0\0", b"xy"]
        assert fed.assembly.lost == 1
        assert fed.ended_at is None

    run(story())


def test_a_board_that_falls_silent_has_said_what_came() -> None:
    async def story() -> None:
        fed = feed(silent_s=SOON_S)
        fed.put(frame(0))
        assert await fed.read() == [b"xy"]
        assert await fed.read() is None
        assert fed.ended_at == 7.0
        fed.put(frame(1))
        assert await fed.read() is None

    run(story())


def test_a_lost_last_frame_before_the_end_does_not_hold_it_up() -> None:
    async def story() -> None:
        fed = feed(missing_s=SOON_S)
        fed.put(frame(0))
        fed.put(frame(2, 2))
        assert await fed.read() == [b"xy"]
        assert await fed.read() == [b"\0\0", b"xy"]
        assert await fed.read() is None

    run(story())


def test_it_holds_no_more_than_so_much() -> None:
    async def story() -> None:
        fed = feed()
        for seq in range(MOST_BYTES // 8192 + 2):
            fed.put(frame(seq, payload=bytes(8192)))
        with pytest.raises(Refused) as refused:
            await fed.read()
        assert refused.value.code is Code.TOO_LONG

    run(story())


def test_whoever_reads_may_end_it() -> None:
    async def story() -> None:
        fed = feed()
        reading = asyncio.create_task(fed.read())
        await asyncio.sleep(0)
        fed.end()
        assert await reading is None

    run(story())
