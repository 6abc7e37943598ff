"""How words are said, from what the synthesiser tells of them."""

from tools.voice_models import speech
from tools.voice_models.lexicon import Lexicon, Pronunciations


def heard(*texts: str, known: str) -> Pronunciations:
    lexicon = Lexicon(known.split())
    for text in texts * 2:
        lexicon.hear(text.split(), speech.utter(text, "en-us").phones)
    return lexicon.pronunciations()


def test_words_as_the_synthesiser_says_them() -> None:
    assert heard("stop the time", "the stop", known="stop time") == {
        "stop": {("s", "t", "\u0251", "p"): 0.0},
        "time": {("t", "a\u026a", "m"): 0.0},
    }


def test_a_word_that_is_joined_to_the_next_one_loses_the_other_ones_sounds() -> None:
    alone = heard("who for", "the", known="who for the")
    ways = heard("who for", "the", "free for the printer", known="who for the")
    assert set(alone["for"]) == {("f", "\u0254\u0279")}
    assert set(ways["for"]) == {("f", "\u0254\u0279"), ("f", "\u025a")}
    assert ways["the"] == alone["the"]


def test_what_is_joined_to_a_word_never_heard_alone_teaches_nothing() -> None:
    assert heard("free for the printer", known="for the") == {}


def test_a_way_that_is_rare_is_left_out() -> None:
    lexicon = Lexicon(["it"])
    for sign, count in (("a", 100), ("b", 50), ("c", 3)):
        for _ in range(count):
            lexicon.hear(["it"], [speech.Phone(sign, 0.0, 0)])
    assert list(lexicon.pronunciations()["it"]) == [("a",), ("b",)]
