"""Opus packets in Ogg pages, by the letter of the standards."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.shell.voice import opus

WIDEBAND_20_MS, FULLBAND_2_5_MS, SPEECH_60_MS = 9 << 3, 28 << 3, 11 << 3


def fields(page: bytes) -> tuple[bytes, int, int, int, int]:
    """Return mark, flags, position in samples, number and how many lacing values there are."""
    mark, _, flags, position, _, number, _, lacing = struct.unpack_from("<4sBBqIIIB", page)
    return mark, flags, position, number, lacing


def split(stream: bytes) -> list[bytes]:
    found = [b"OggS" + page for page in stream.split(b"OggS")[1:]]
    assert b"".join(found) == stream
    return found


@pytest.mark.parametrize(
    ("packet", "milliseconds"),
    [
        (bytes([WIDEBAND_20_MS]), 20),
        (bytes([WIDEBAND_20_MS | 1, 5, 5]), 40),
        (bytes([WIDEBAND_20_MS | 2, 1, 5, 5]), 40),
        (bytes([WIDEBAND_20_MS | 3, 6]), 120),
        (bytes([FULLBAND_2_5_MS | 3, 48]), 120),
        (bytes([SPEECH_60_MS]), 60),
        (bytes([12 << 3]), 10),
        (bytes([31 << 3]), 20),
    ],
)
def test_the_first_byte_of_a_packet_tells_how_long_it_is(packet: bytes, milliseconds: float) -> None:
    assert opus.duration(packet) == milliseconds * 48


@pytest.mark.parametrize("packet", [b"", bytes([3]), bytes([3, 0]), bytes([SPEECH_60_MS | 3, 3]), bytes([3, 0x40])])
def test_what_is_no_packet_is_refused(packet: bytes) -> None:
    stream = opus.Stream()
    with pytest.raises(ValueError, match=r"empty|frames|120"):
        stream.write(packet)
    assert stream.samples == 0


def test_a_stream_begins_with_its_two_headers() -> None:
    head, tags, first = split(opus.Stream().write(bytes([WIDEBAND_20_MS]) + b"speech"))
    assert fields(head) == (b"OggS", 2, 0, 0, 1)
    assert head[28:] == b"OpusHead\x01\x01\0\0\x80\x3e\0\0\0\0\0"
    assert fields(tags) == (b"OggS", 0, 0, 1, 1)
    assert tags[28:].startswith(b"OpusTags")
    assert fields(first) == (b"OggS", 0, 960, 2, 1)
    assert first[28:] == bytes([WIDEBAND_20_MS]) + b"speech"


@pytest.mark.parametrize(("size", "lacing"), [(254, [254]), (255, [255, 0]), (256, [255, 1]), (1020, [255] * 4 + [0])])
def test_a_packet_of_any_size_is_laced(size: int, lacing: list[int]) -> None:
    page = split(opus.Stream().write(bytes([WIDEBAND_20_MS]) + bytes(size - 1)))[-1]
    assert list(page[27 : 27 + page[26]]) == lacing


@given(st.binary(max_size=600))
def test_the_checksum_is_that_of_the_standard(data: bytes) -> None:
    remainder = 0
    for byte in data:  # polynomial 0x04c11db7, as RFC 3533 has it, bit by bit
        remainder ^= byte << 24
        for _ in range(8):
            remainder = (remainder << 1) ^ (0x104C11DB7 if remainder & 0x80000000 else 0)
    assert opus.checksum(data) == remainder.to_bytes(4, "little")


@given(st.integers(0, 31), st.integers(0, 3), st.binary(max_size=20))
def test_a_lost_packet_takes_as_long_as_the_one_before(config: int, code: int, rest: bytes) -> None:
    packet = bytes([config << 3 | code]) + rest
    try:
        length = opus.duration(packet)
    except ValueError:
        return
    assert opus.duration(opus.lost(packet)) == length
    assert opus.lost(opus.lost(packet)) == opus.lost(packet)
