"""An answer is cut where a speaker would pause, and none of it is lost."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from backend.shell.voice.splitting import FIRST, MOST, sentences

words = st.text(st.characters(exclude_categories=["Zs", "Zl", "Zp", "Cc"]), min_size=1, max_size=30)
prose = st.lists(st.tuples(words, st.sampled_from([" ", ". ", ", ", "? ", "\n", "  "]))).map(
    lambda parts: "".join(word + gap for word, gap in parts)
)


@given(prose | st.text())
@example("a" * 2000)
@example("a b " * 500)
@example("\u4f60\u597d\u3002\u518d\u89c1\u3002")
def test_no_word_is_lost_or_torn(text: str) -> None:
    pieces = sentences(text)
    assert all(piece.strip() == piece != "" for piece in pieces)
    assert "".join("".join(pieces).split()) == "".join(text.split())
    if not set(text) & set("\u3002\uff01\uff1f"):
        assert " ".join(pieces).split() == text.split()


@given(prose)
def test_no_piece_is_longer_than_it_must_be(text: str) -> None:
    for number, piece in enumerate(sentences(text)):
        assert len(piece) <= (MOST if number else FIRST) or " " not in piece


@pytest.mark.parametrize(
    ("text", "pieces"),
    [
        ("It is 14:05. Bob has it.", ["It is 14:05.", "Bob has it."]),
        ("It weighs 3.5 kg. Next?", ["It weighs 3.5 kg.", "Next?"]),
        ("Is it free? No. Bob has it!", ["Is it free?", "No.", "Bob has it!"]),
        ("Ask Dr. Who or J. Doe, e.g. now. Bye.", ["Ask Dr. Who or J. Doe, e.g. now.", "Bye."]),
        ("¿Quién la tiene? La tiene la Sra. Pérez.", ["¿Quién la tiene?", "La tiene la Sra. Pérez."]),
        ("¡Hola! ¿Qué tal?", ["¡Hola!", "¿Qué tal?"]),
        ('He said "Wait." Then he left.', ['He said "Wait."', "Then he left."]),
        ("wait ... what is it", ["wait ... what is it"]),
        ("1. Claim it\n2. Use it", ["1. Claim it", "2. Use it"]),
        ("\u4f60\u597d\u3002\u518d\u89c1\u3002", ["\u4f60\u597d\u3002", "\u518d\u89c1\u3002"]),
        ("", []),
        (" \n\t ", []),
    ],
)
def test_sentences_end_where_they_end(text: str, pieces: list[str]) -> None:
    assert sentences(text) == pieces


def test_the_first_of_a_long_sentence_is_short_and_ends_at_a_comma() -> None:
    text = "The printer is held by Bob for about forty seconds, and after him Alice and two others wait, " * 4
    first, *others = sentences(text)
    assert first == "The printer is held by Bob for about forty seconds,"
    assert all(FIRST < len(other) <= MOST and other.endswith(",") for other in others)
