"""Frames on the wire, and in order again."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.core.refusals import Code, Refused
from backend.features.voice.assembly import PATIENCE, Assembly
from backend.features.voice.frames import MAX_FRAME, SEQUENCES, Codec, Flag, Frame

flags = st.sampled_from([Flag(0), Flag.START, Flag.END, Flag.ABORT, Flag.START | Flag.END])
frames = st.builds(Frame, st.integers(0, SEQUENCES - 1), flags, st.sampled_from(Codec), st.binary(max_size=64))


@given(frames)
def test_a_frame_survives_the_wire(frame: Frame) -> None:
    assert Frame.read(frame.wire()) == frame


def test_the_header_is_what_the_contract_says() -> None:
    assert Frame(0x0102, Flag.START | Flag.END, Codec.MULAW_8K, b"x").wire() == b"\x01\x02\x03\x02x"


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", Code.BAD_FRAME),
        (b"\0\0\0", Code.BAD_FRAME),
        (bytes(MAX_FRAME + 1), Code.BAD_FRAME),
        (b"\0\0\0\x09", Code.UNKNOWN_CODEC),
    ],
)
def test_what_is_no_frame_is_refused(data: bytes, code: Code) -> None:
    with pytest.raises(Refused) as refused:
        Frame.read(data)
    assert refused.value.code is code


@given(st.binary(max_size=32))
def test_any_bytes_are_a_frame_or_refused(data: bytes) -> None:
    if len(data) >= 4 and data[3] in set(Codec):
        assert Frame.read(data).payload == data[4:]
    else:
        with pytest.raises(Refused) as refused:
            Frame.read(data)
        assert refused.value.code in (Code.BAD_FRAME, Code.UNKNOWN_CODEC)


def made(count: int, first: int = 0, codec: Codec = Codec.PCM16_16K) -> list[Frame]:
    return [
        Frame(
            (first + number) % SEQUENCES,
            (Flag.START if number == 0 else Flag(0)) | (Flag.END if number == count - 1 else Flag(0)),
            codec,
            bytes([number % 256, 1]),
        )
        for number in range(count)
    ]


def through(assembly: Assembly, sent: list[Frame]) -> bytes:
    return b"".join(piece for frame in sent for piece in assembly.add(frame)) + b"".join(assembly.flush())


def whole(sent: list[Frame]) -> bytes:
    return b"".join(frame.payload for frame in sent)


@given(st.data())
def test_order_and_repetition_do_not_matter(data: st.DataObject) -> None:
    sent = made(data.draw(st.integers(1, PATIENCE)))
    repeated = data.draw(st.lists(st.sampled_from(sent), max_size=10))
    assembly = Assembly(Codec.PCM16_16K)
    assert through(assembly, data.draw(st.permutations(sent + repeated))) == whole(sent)
    assert (assembly.is_over, assembly.lost, assembly.repeated) == (True, 0, len(repeated))


@given(st.integers(3, 200), st.data())
def test_silence_stands_for_what_is_lost(count: int, data: st.DataObject) -> None:
    sent = made(count)
    gone = data.draw(st.sets(st.integers(1, count - 2), max_size=5))
    assembly = Assembly(Codec.PCM16_16K)
    heard = through(assembly, [frame for number, frame in enumerate(sent) if number not in gone])
    assert heard == b"".join(bytes(2) if number in gone else frame.payload for number, frame in enumerate(sent))
    assert (assembly.is_over, assembly.lost) == (True, len(gone))


def test_an_empty_payload_stands_for_a_lost_packet_of_opus() -> None:
    first, _lost, _another, last = made(4, codec=Codec.OPUS)
    assembly = Assembly(Codec.OPUS)
    assert [*assembly.add(first), *assembly.add(last), *assembly.flush()] == [first.payload, b"", b"", last.payload]
    assert assembly.lost == 2


def test_who_waits_for_a_frame_goes_on_when_too_many_are_ahead() -> None:
    sent = made(PATIENCE + 5)
    assembly = Assembly(Codec.PCM16_16K)
    assert all(assembly.add(frame) == [] for frame in sent[1 : PATIENCE + 1])
    assert assembly.waits
    assert assembly.add(sent[PATIENCE + 1]) != []
    assert (assembly.lost, assembly.waits) == (1, False)


def test_the_sequence_number_wraps() -> None:
    sent = made(SEQUENCES + 10)
    assembly = Assembly(Codec.PCM16_16K)
    assert through(assembly, sent) == whole(sent)
    assert assembly.lost == 0


def test_what_comes_after_the_end_is_nothing() -> None:
    assembly = Assembly(Codec.PCM16_16K)
    through(assembly, made(2))
    assert assembly.add(Frame(2, Flag(0), Codec.PCM16_16K, b"xx")) == []
    assert assembly.is_over


def test_a_turn_without_its_end_is_what_came() -> None:
    sent = made(3)[:2]
    assembly = Assembly(Codec.PCM16_16K)
    assert through(assembly, sent) == whole(sent)
    assert not assembly.is_over
