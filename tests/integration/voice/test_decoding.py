"""Frames as boards send them, to audio: with the real ffmpeg."""

import asyncio
import os
from collections.abc import Iterable
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backend.core.refusals import Code, Refused
from backend.features.voice.frames import HEARD, Codec
from backend.shell.voice import converter, decoding, opus
from backend.shell.voice.decoding import decoder
from backend.shell.voice.ffmpeg import audioop
from tests.integration.voice.audio import likeness, opus_packets, tone
from tests.rig import WITHIN_S

SECOND = 32_000
PLAIN = [Codec.PCM16_16K, Codec.PCM16_8K, Codec.MULAW_8K]


def decoded(codec: Codec, payloads: Iterable[bytes], most_s: float = 60.0) -> bytes:
    """Return all that comes out."""

    async def main() -> bytes:
        made = decoder(codec, most_s)
        try:
            out = [await made.decode(payload) for payload in payloads]
            return b"".join([*out, await made.finish()])
        finally:
            await made.close()

    return asyncio.run(asyncio.wait_for(main(), WITHIN_S))


def refusal(codec: Codec, payloads: Iterable[bytes], most_s: float = 60.0) -> Code:
    with pytest.raises(Refused) as refused:
        decoded(codec, payloads, most_s)
    assert refused.value.message
    return refused.value.code


def cut(data: bytes, at: Iterable[int]) -> list[bytes]:
    ends = [0, *sorted(at), len(data)]
    return [data[begin:end] for begin, end in pairwise(ends)]


def children() -> set[str]:
    """Return the processes that this one has started and not yet waited for."""
    return set(Path(f"/proc/{os.getpid()}/task/{os.getpid()}/children").read_text().split())


@pytest.mark.parametrize("codec", PLAIN)
@given(data=st.binary(max_size=400), parts=st.lists(st.integers(0, 400), max_size=20))
def test_it_does_not_matter_where_frames_end(codec: Codec, data: bytes, parts: list[int]) -> None:
    assert decoded(codec, cut(data, (min(part, len(data)) for part in parts))) == decoded(codec, [data])


def test_wideband_comes_through_as_it_is() -> None:
    assert decoded(Codec.PCM16_16K, [b"\1", b"\2\3", b"\4\5"]) == b"\1\2\3\4"


def test_narrowband_sounds_the_same_at_twice_the_rate() -> None:
    narrow, wide = tone(0.5, 8_000), tone(0.5)
    assert likeness(decoded(Codec.PCM16_8K, [narrow]), wide) > 0.99
    assert likeness(decoded(Codec.MULAW_8K, [audioop.lin2ulaw(narrow, 2)]), wide) > 0.99


@pytest.mark.parametrize(
    ("codec", "second"), [(Codec.PCM16_16K, 32_000), (Codec.PCM16_8K, 16_000), (Codec.MULAW_8K, 8_000)]
)
def test_no_more_is_decoded_than_allowed(codec: Codec, second: int) -> None:
    assert len(decoded(codec, [bytes(second)] * 2, most_s=2.0)) == pytest.approx(2 * SECOND, abs=8)
    assert refusal(codec, [bytes(second)] * 2 + [b"\0"], most_s=2.0) is Code.TOO_LONG


@pytest.mark.parametrize("codec", sorted(set(Codec) - HEARD))
def test_what_only_the_server_sends_is_not_heard(codec: Codec) -> None:
    assert refusal(codec, []) is Code.UNKNOWN_CODEC


@pytest.mark.parametrize("frame_ms", ["2.5", "20", "60", "120"])
def test_opus_sounds_as_it_did(frame_ms: str) -> None:
    sound = tone(1.2)
    out = decoded(Codec.OPUS, opus_packets(sound, frame_ms))
    assert len(out) == pytest.approx(len(sound), abs=0.13 * SECOND)
    assert likeness(out, sound) > 0.95


def test_music_and_stereo_are_taken_too() -> None:
    sound = tone(0.6)
    assert likeness(decoded(Codec.OPUS, opus_packets(sound, "10", "-application", "lowdelay")), sound) > 0.95
    assert likeness(decoded(Codec.OPUS, opus_packets(sound, "20", "-ac", "2")), sound) > 0.95


def test_opus_is_there_before_the_stream_ends() -> None:
    stream = opus.Stream()
    pages = b"".join(map(stream.write, opus_packets(tone(1.0))[:40]))

    async def main() -> int:
        made = await converter.Converter.started("ogg", 60.0, WITHIN_S)
        try:
            await made.feed(pages)
            out = b""
            while len(out) < 0.79 * SECOND:  # of 0.8 s
                await asyncio.sleep(0.002)
                out += made.made()
            return len(out + await made.finish())
        finally:
            await made.close()

    assert asyncio.run(asyncio.wait_for(main(), WITHIN_S)) == pytest.approx(0.8 * SECOND, abs=0.01 * SECOND)


def test_a_lost_opus_packet_leaves_no_hole_in_time() -> None:
    sound = tone(1.0)
    packets = opus_packets(sound, "20")
    gap: list[bytes] = [b"" if 20 <= number < 24 else packet for number, packet in enumerate(packets)]
    out = decoded(Codec.OPUS, gap)
    assert len(out) == len(decoded(Codec.OPUS, packets))
    late = slice(int(0.6 * SECOND), int(0.95 * SECOND))
    assert likeness(out[late], sound[late]) > 0.9
    assert decoded(Codec.OPUS, [b"", b""]) == b"", "there is nothing like which the first ones could be"


@pytest.mark.parametrize("payload", [b"\x03", b"\x03\0", b"\x5b\x3f", b"RIFF\0\0\0\0WAVE"])
def test_what_is_no_opus_is_refused(payload: bytes) -> None:
    assert refusal(Codec.OPUS, [payload] * 5) is Code.BAD_AUDIO


@settings(max_examples=15)  # a process each
@given(payloads=st.lists(st.binary(min_size=1, max_size=60), min_size=1, max_size=8))
def test_any_bytes_are_decoded_or_refused(payloads: list[bytes]) -> None:
    code, out = None, b""
    try:
        out = decoded(Codec.OPUS, payloads, most_s=1.0)
    except Refused as refused:
        code = refused.code
    assert code in (None, Code.BAD_AUDIO, Code.TOO_LONG)
    assert len(out) <= SECOND


def test_opus_that_unfolds_to_hours_is_refused_before_it_does() -> None:
    assert refusal(Codec.OPUS, [bytes([28 << 3 | 3, 48])] * 1000, most_s=2.0) is Code.TOO_LONG


def test_an_ffmpeg_that_dies_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(converter, "ffmpeg", lambda: "/bin/false")
    assert refusal(Codec.OPUS, opus_packets(tone(0.1))) is Code.BAD_AUDIO


def test_where_there_is_no_ffmpeg_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(converter, "ffmpeg", lambda: "/no/ffmpeg")
    with pytest.raises(Refused, match="/no/ffmpeg"):
        decoded(Codec.OPUS, opus_packets(tone(0.1)))


def test_an_ffmpeg_that_hangs_is_killed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    stuck = tmp_path / "ffmpeg"
    stuck.write_text("#!/bin/sh\nexec sleep 60\n")
    stuck.chmod(0o700)
    packets = opus_packets(tone(0.1))
    before = children()
    monkeypatch.setattr(converter, "ffmpeg", lambda: str(stuck))
    monkeypatch.setattr(decoding, "_DEADLINE_S", 0.2)
    assert refusal(Codec.OPUS, packets) is Code.BAD_AUDIO
    assert children() <= before


def test_a_turn_given_up_leaves_no_process() -> None:
    packets = opus_packets(tone(0.5))
    before = children()

    async def main() -> None:
        made = decoder(Codec.OPUS, 60.0)
        turn = asyncio.create_task(made.decode(packets[0]))
        await asyncio.sleep(0)
        turn.cancel()
        await asyncio.gather(turn, return_exceptions=True)
        await made.close()
        second = decoder(Codec.OPUS, 60.0)
        for packet in packets:
            await second.decode(packet)
        assert children() - before
        await second.close()
        await second.close()

    asyncio.run(asyncio.wait_for(main(), WITHIN_S))
    assert children() <= before
