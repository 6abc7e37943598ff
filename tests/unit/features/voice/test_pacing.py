"""Frames go out in time, and no more than the device can keep: against a device that plays what it gets."""

import itertools
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.features.voice.frames import SEQUENCES, Codec, Flag, Frame
from backend.features.voice.pacing import KEEP_ALIVE_S, Pacer

BYTES_S = 16_000  # of PCM16 at 8 kHz
TINY = 1e-6  # seconds: what is lost in sums


@dataclass
class Device:
    """Plays from the first frame on, and keeps the rest."""

    level: float = 0.0
    most: float = 0.0
    at: float = 0.0
    dry_since: float = 0.0
    frames: list[tuple[float, Frame]] = field(default_factory=list)

    def gets(self, frame: Frame, now: float) -> None:
        if self.level <= now - self.at:
            self.dry_since = self.at + self.level
        self.level = max(0.0, self.level - (now - self.at)) + len(frame.payload) / BYTES_S
        self.most, self.at = max(self.most, self.level), now
        self.frames.append((now, frame))


pieces = st.lists(
    st.tuples(st.floats(0, 3), st.integers(0, 6000).map(lambda samples: bytes(2 * samples))), max_size=6
).map(lambda adds: sorted(adds, key=lambda add: add[0]))


def story(pacer: Pacer, adds: list[tuple[float, bytes]], ends_after: float) -> tuple[Device, list[float]]:
    """Let it happen, each thing at its time. Return the device, and when the bytes of each frame became known."""
    device, known, now = Device(), [], 0.0
    arrived: list[tuple[int, float]] = []  # up to which byte was known when
    things: list[tuple[float, bytes | None]] = [*adds, ((adds[-1][0] if adds else 0.0) + ends_after, None)]
    sent = 0
    while not pacer.over:
        now = min(pacer.deadline(), things[0][0]) if things else pacer.deadline()
        while things and things[0][0] <= now:
            _at, data = things.pop(0)
            if data is None:
                pacer.end()
            else:
                pacer.add(data, len(data) / BYTES_S)
                arrived.append(((arrived[-1][0] if arrived else 0) + len(data), now))
        for frame in pacer.due(now):
            device.gets(frame, now)
            known.append(next((at for upto, at in arrived if upto > sent), now))
            sent += len(frame.payload)
    return device, known


@given(pieces, st.integers(64, 3000), st.integers(100, 3000), st.floats(0, 3))
def test_a_device_gets_all_in_time_and_never_too_much(
    adds: list[tuple[float, bytes]], frame_bytes: int, buffer_ms: int, ends_after: float
) -> None:
    device, known = story(Pacer(Codec.PCM16_8K, frame_bytes, buffer_ms, 0.0), adds, ends_after)
    frames = [frame for _at, frame in device.frames]
    assert b"".join(frame.payload for frame in frames) == b"".join(data for _at, data in adds)
    assert [frame.seq for frame in frames] == list(range(len(frames)))
    assert [Flag.START in frame.flags for frame in frames] == [True, *[False] * (len(frames) - 1)]
    assert [Flag.END in frame.flags for frame in frames] == [*[False] * (len(frames) - 1), True]
    assert all(len(frame.wire()) <= frame_bytes and len(frame.payload) % 2 == 0 for frame in frames)
    longest = max(len(frame.payload) for frame in frames) / BYTES_S
    assert device.most <= max(buffer_ms / 1000, buffer_ms / 2000 + longest) + TINY
    times = [0.0, *(at for at, _frame in device.frames)]
    assert all(later - earlier <= KEEP_ALIVE_S + TINY for earlier, later in itertools.pairwise(times))
    assert no_gap(device.frames, known)


def no_gap(frames: list[tuple[float, Frame]], known: list[float]) -> bool:
    """Tell whether the device was dry only while nothing was known that it could have played."""
    device = Device()
    for (now, frame), since in zip(frames, known, strict=True):
        dry = device.at + device.level
        if frame.payload and dry < now - TINY and since < now - TINY:
            return False
        device.gets(frame, now)
    return True


def test_the_judge_of_gaps_sees_one() -> None:
    late = [(0.0, Frame(0, Flag.START, Codec.PCM16_8K, bytes(1600))), (0.2, Frame(1, Flag(0), Codec.PCM16_8K, b"12"))]
    assert not no_gap(late, [0.0, 0.05])
    assert no_gap(late, [0.0, 0.2])


def test_four_fifths_of_the_buffer_are_filled_at_once_and_then_kept_full() -> None:
    pacer = Pacer(Codec.PCM16_8K, 1604, 625, 10.0)
    pacer.add(bytes(16_000), 1.0)
    assert [len(frame.payload) for frame in pacer.due(10.0)] == [1600] * 5
    assert pacer.deadline() == pytest.approx(10.1)
    assert pacer.due(10.05) == []
    assert len(pacer.due(10.1)) == 1
    assert len(pacer.due(10.35)) == 2
    assert pacer.plays_until == pytest.approx(10.8)


def test_a_server_that_was_late_makes_up_for_it() -> None:
    pacer = Pacer(Codec.PCM16_8K, 2004, 625, 0.0)
    pacer.add(bytes(32_000), 2.0)
    assert len(pacer.due(0.0)) == 4
    assert len(pacer.due(1.5)) == 4


def test_compressed_audio_is_paced_by_how_long_it_sounds() -> None:
    pacer = Pacer(Codec.MP3, 1004, 1250, 0.0)
    pacer.add(bytes(4000), 1.0)
    pacer.add(bytes(2000), 4.0)
    assert [len(frame.payload) for frame in pacer.due(0.0)] == [1000] * 4
    assert pacer.due(0.4) == []
    assert pacer.deadline() == 0.5  # 2 s of audio in a frame, more than the buffer keeps: when it is half empty
    assert [len(frame.payload) for frame in pacer.due(0.5)] == [1000]


def test_while_nothing_is_known_the_device_hears_of_the_turn() -> None:
    pacer = Pacer(Codec.MULAW_8K, 1400, 1000, 5.0)
    assert pacer.due(5.4) == []
    assert pacer.deadline() == 5.5
    assert pacer.due(5.5) == [Frame(0, Flag.START, Codec.MULAW_8K)]
    assert pacer.due(6.0) == [Frame(1, Flag(0), Codec.MULAW_8K)]
    pacer.add(b"a", 0.1)
    pacer.end()
    assert pacer.due(6.1) == [Frame(2, Flag.END, Codec.MULAW_8K, b"a")]
    assert pacer.over
    assert pacer.frames == 3
    assert pacer.due(100.0) == []
    assert pacer.deadline() == float("inf")


def test_an_answer_without_audio_is_one_frame() -> None:
    pacer = Pacer(Codec.MP3, 1400, 1000, 0.0)
    pacer.end()
    assert pacer.due(0.0) == [Frame(0, Flag.START | Flag.END, Codec.MP3)]
    assert pacer.over


def test_no_more_go_at_once_than_a_broker_keeps_for_a_slow_board() -> None:
    pacer = Pacer(Codec.PCM16_8K, 104, 60_000, 0.0)
    pacer.add(bytes(100 * 1000), 6.25)
    assert len(pacer.due(0.0)) == 128
    assert pacer.due(0.05) == []
    assert pacer.deadline() == 0.1
    assert len(pacer.due(0.1)) == 128
    assert pacer.sent_s == pytest.approx(1.6)


def test_the_numbers_wrap() -> None:
    pacer = Pacer(Codec.PCM16_8K, 6, 1000, 0.0)
    pacer.add(bytes(2 * (SEQUENCES + 1)), 0.1)
    frames = [frame for at in range(SEQUENCES // 128 + 2) for frame in pacer.due(at * 0.2)]
    assert frames[-2].seq == SEQUENCES - 1
    assert frames[-1] == Frame(0, Flag(0), Codec.PCM16_8K, b"\0\0")
