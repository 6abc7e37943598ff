"""What a chat endpoint writes is made fit to be said."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.features.voice.messages import MAX_TEXT
from backend.shell.voice.aloud import aloud


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("It is noon.", "It is noon."),
        ("  It\n is   noon ", "It. is noon."),
        ("**Bold**, *italic*, ***both***, `code` and ~~gone~~", "Bold, italic, both, code and gone."),
        ("a _word_ and snake_case_names", "a word and snake_case_names."),
        ("2 * 3 = 6 and 2*3=6", "2 * 3 = 6 and 2*3=6."),
        ("# Title\n\n- one\n- two!\n* three", "Title. one. two! three."),
        ("1. First\n2. Second", "1. First. 2. Second."),
        ("> quoted", "quoted."),
        ("See [the page](https://example.org/a_(b)) or https://example.org/x?y=1 now.", "See the page or now."),
        ("![A cat](cat.png) sleeps.", "A cat sleeps."),
        ("Do this:\n```python\nprint('x')\n```\nDone.", "Do this: Done."),
        ("Before ```unclosed code", "Before."),
        ("<think>hm, so</think>Yes.", "Yes."),
        ("hm, so</think>\n\nYes.", "Yes."),
        ("Great 🎉🎉! 👍🏽 ok 👨‍👩‍👧 → 5️⃣", "Great! ok 5."),
        ("20 °C, 5 €, ¿qué tal? Ñandú", "20 °C, 5 €, ¿qué tal? Ñandú."),
        ("cafe\N{COMBINING ACUTE ACCENT}", "café."),
        ("| a | b |\n|---|---|\n| 1 | 2 |", "a, b. 1, 2."),
        ("<b>Yes</b><br/>no <!-- hidden -->", "Yes no."),
        ("a < b and b > c", "a < b and b > c."),
        ("zero\N{ZERO WIDTH SPACE}width", "zerowidth."),
        ("```only code```", ""),
        ("🎉", ""),
        ("", ""),
    ],
)
def test_markup_emoji_and_code_are_not_read_aloud(written: str, said: str) -> None:
    assert aloud(written) == said


def test_a_long_text_ends_with_a_sentence() -> None:
    text = "This is a sentence of some length, as they come. " * 100
    said = aloud(text)
    assert MAX_TEXT - 60 < len(said) <= MAX_TEXT
    assert said.endswith("come.")


def test_a_long_text_without_sentences_ends_with_a_word() -> None:
    said = aloud("word " * 1000)
    assert MAX_TEXT - 10 < len(said) <= MAX_TEXT
    assert said.endswith("word")
    assert len(aloud("x" * 10_000)) == MAX_TEXT


def test_a_text_that_was_cut_off_ends_before_its_last_sentence() -> None:
    assert aloud("One is 1.5. Two is", cut_off=True) == "One is 1.5."
    assert aloud("Only a beginning of", cut_off=True) == "Only a beginning"
    assert aloud("- One\n- Tw", cut_off=True) == "One."
    assert aloud("All is said.", cut_off=True) == "All is said."


@given(st.text())
def test_whatever_comes_is_one_short_line(text: str) -> None:
    said = aloud(text)
    assert len(said) <= MAX_TEXT
    assert said == " ".join(said.split())


@pytest.mark.parametrize("piece", ["*a", "_a ", "`a", "[a](", "<a ", "```", "<think>", "- ", "| ", "~~a", "**a*"])
def test_no_text_takes_long(piece: str) -> None:
    """A regular expression that goes over the same text again and again would run into the time-out of the test."""
    assert len(aloud(piece * (256 * 1024 // len(piece)))) <= MAX_TEXT
