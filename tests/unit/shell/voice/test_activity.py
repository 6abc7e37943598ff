"""Speech passes, with what is around it; the network's judgement is given."""

from hypothesis import given
from hypothesis import strategies as st

from backend.shell.voice.activity import CHUNK, Detector, Gate

CHUNK_S = 0.032
BEFORE, AFTER = 10, 14  # chunks: 0.32 and 0.45 s


def chunks(pattern: str) -> list[bytes]:
    """Return numbered chunks; one of ``#`` is judged speech, one of ``?`` hardly so, one of ``.`` none."""
    return [f"{number:05}{sign}".encode().ljust(CHUNK, b" ") for number, sign in enumerate(pattern)]


def judged(chunk: bytes) -> float:
    return {"#": 0.9, "?": 0.4, ".": 0.1}[chunk[5:6].decode()]


def passed(pattern: str) -> tuple[Gate, list[int]]:
    """Return a gate that got all of it, and the numbers of the chunks that passed."""
    gate = Gate(judged)
    out = b"".join(gate.put(chunk) for chunk in chunks(pattern))
    return gate, [int(out[at : at + 5]) for at in range(0, len(out), CHUNK)]


def test_without_speech_nothing_passes() -> None:
    gate, numbers = passed("." * 100)
    assert numbers == []
    assert (gate.speech_s, round(gate.silence_s, 3), round(gate.audio_s, 3)) == (0.0, 3.2, 3.2)


def test_speech_passes_with_what_is_before_and_after_it() -> None:
    gate, numbers = passed("." * 50 + "#" * 21 + "." * 50)
    assert numbers == list(range(50 - BEFORE, 50 + 21 + AFTER))
    assert round(gate.speech_s, 3) == round(21 * CHUNK_S, 3)
    assert round(gate.silence_s, 3) == round(50 * CHUNK_S, 3)


def test_speech_at_the_very_beginning_passes() -> None:
    assert passed("#")[1] == [0]
    assert passed("..#")[1] == [0, 1, 2]


def test_a_short_pause_passes_whole() -> None:
    assert passed("#" + "." * (AFTER - 1) + "##")[1] == list(range(AFTER + 2))


def test_nothing_of_a_long_pause_passes_twice() -> None:
    for pause in range(AFTER, AFTER + BEFORE + 5):
        _, numbers = passed("#" + "." * pause + "#")
        assert numbers == sorted(set(numbers))
        assert numbers[-BEFORE:] == list(range(pause + 2 - BEFORE, pause + 2))


def test_what_begins_speech_is_surer_than_what_goes_on_with_it() -> None:
    assert passed("?" * 50)[1] == []
    assert passed("##" + "?" * 50)[1] == list(range(52))


def test_moments_are_those_of_the_whole_audio() -> None:
    gate, numbers = passed("." * 30 + "#" * 9 + "." * 60 + "#" * 5 + "." * 40)
    for passes, number in enumerate(numbers):
        assert round(gate.moment((passes + 0.5) * CHUNK_S), 6) == round((number + 0.5) * CHUNK_S, 6)


@given(st.text("#?.", max_size=120), st.lists(st.integers(1, 7), min_size=120, max_size=120))
def test_portions_do_not_matter_and_order_stays(pattern: str, sizes: list[int]) -> None:
    gate, numbers = passed(pattern)
    assert numbers == sorted(set(numbers))
    assert {number for number, sign in enumerate(pattern) if sign == "#"} <= set(numbers)
    portions, rest = Gate(judged), chunks(pattern)
    out = b""
    for size in sizes:
        out += portions.put(b"".join(rest[:size]))
        rest = rest[size:]
    assert [int(out[at : at + 5]) for at in range(0, len(out), CHUNK)] == numbers
    assert (portions.speech_s, portions.silence_s, portions.audio_s) == (gate.speech_s, gate.silence_s, gate.audio_s)


def test_silence_is_none_for_the_network_to_judge() -> None:
    detector = Detector()
    assert detector(bytes(CHUNK)) == 0.0
    assert detector(b"\5\0" * (CHUNK // 2)) == 0.0
    assert 0.0 < detector(b"\0\x10\0\xf0" * (CHUNK // 4)) < 0.5
