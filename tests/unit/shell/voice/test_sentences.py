"""The sentences that come with us: each means one thing, in words that a small recogniser knows."""

import re
from collections.abc import Mapping

import pytest

from backend.shell.voice.deeds import ABOUT_A_DEVICE, PLAIN
from backend.shell.voice.grammar import spoken_sentences
from backend.shell.voice.intents import Intents
from backend.shell.voice.library import Library
from backend.shell.voice.naming import Names
from backend.shell.voice.phrasebook import Phrasebook
from backend.shell.voice.sentence_files import SentenceFile, Source
from backend.shell.voice.understanding import understand
from backend.shell.voice.wording import fold, split
from tests.unit.shell.voice.world import LIBRARY, NAMES, SmallWorld

SHIPPED = ("en", "es")
KNOWN = {
    "en": """what whats is the time date day today who has holds using claim take release free give back up
        printer scale lamp light kitchen lab door speaker device status state online of how turn switch on
        off help can you do me tell please for hello thanks stop repeat again my it i in use long which
        queue waits waiting next yes no""",
    "es": """qué hora es fecha día hoy quién tiene usa reserva toma reservar tomar libera suelta devuelve la el
        impresora báscula lámpara luz cocina laboratorio puerta altavoz aparato estado está de cómo enciende
        apaga prende ayuda puedes hacer me dime por favor hola gracias para repite otra vez mi en uso cuál
        cola espera siguiente sí no hay con cuánto queda lo al""",
}
ONE_LAMP = {"kitchen-lamp": "Kitchen lamp"}
_SYNTAX = re.compile(r"\{[^}]*\}|<[^>]*>|[^\w\s]")


def names(devices: Mapping[str, str]) -> Names:
    return Names(devices, LIBRARY.words, LIBRARY.fillers)


def words_of(file: SentenceFile) -> set[str]:
    sentences = [text for intent in file.intents.values() for part in intent.data for text in part.sentences]
    texts = [*sentences, *file.expansion_rules.values(), *file.skip_words]
    return {word for text in texts for word in _SYNTAX.sub(" ", text).split()}


@pytest.mark.parametrize("language", SHIPPED)
def test_sentences_have_no_words_but_those_of_the_small_models(language: str) -> None:
    words = words_of(LIBRARY.book(language).file)
    assert len(words) > 40
    assert words - set(KNOWN[language].split()) == set()


@pytest.mark.parametrize("language", SHIPPED)
def test_every_intent_has_sentences_and_a_deed_and_no_deed_is_without(language: str) -> None:
    assert set(LIBRARY.book(language).file.intents) == {*PLAIN, *ABOUT_A_DEVICE}


def test_both_languages_have_answers_for_the_same_cases_but_for_the_hour_one() -> None:
    english, spanish = (LIBRARY.book(language).file for language in SHIPPED)
    cases = [
        {(intent, case) for intent, texts in file.responses.intents.items() for case in texts}
        for file in (english, spanish)
    ]
    assert cases[1] - cases[0] == {("Time", "one"), ("Time", "one_full")}
    assert cases[0] - cases[1] == set()
    assert english.responses.errors.keys() == spanish.responses.errors.keys()
    assert english.durations.keys() == spanish.durations.keys()


@pytest.mark.parametrize("language", SHIPPED)
@pytest.mark.parametrize("plain", [False, True])
def test_whatever_can_be_said_is_understood_as_what_it_was_meant(language: str, *, plain: bool) -> None:
    book, known = LIBRARY.book(language), names(NAMES)
    heard = 0
    for intent in book.file.intents:
        only = book.file.model_copy(update={"intents": {intent: book.file.intents[intent]}})
        for sentence in spoken_sentences(Phrasebook(Source("", {}, only)), NAMES, LIBRARY.words):
            meaning = understand(book, known, fold(sentence) if plain else sentence)
            assert meaning is not None, sentence
            assert meaning.intent == intent, sentence
            heard += 1
    assert heard > 200


@pytest.mark.parametrize("language", SHIPPED)
def test_a_device_that_is_named_is_the_one_that_is_meant(language: str) -> None:
    book, known = LIBRARY.book(language), names(ONE_LAMP)
    devices = [
        meaning.devices
        for sentence in spoken_sentences(book, ONE_LAMP, LIBRARY.words)
        if (meaning := understand(book, known, sentence)) is not None and meaning.devices is not None
    ]
    assert len(devices) > 50
    assert set(devices) == {frozenset(ONE_LAMP)}


@pytest.mark.parametrize(
    ("language", "expected"),
    [
        ("en", {"what time is it", "please what time is it", "the kitchen lamp", "scale one", "lamp", "printer"}),
        ("es", {"qué hora es", "la lámpara cocina", "báscula uno", "balanza", "impresora", "el laboratorio"}),
    ],
)
def test_a_recogniser_may_hear_the_sentences_and_the_devices_as_they_are_called(
    language: str, expected: set[str]
) -> None:
    sentences = Intents(LIBRARY, SmallWorld()).sentences(language)
    assert expected - set(sentences) == set()
    assert len(set(sentences)) == len(sentences)


def test_the_recognisers_sentences_are_bounded_and_always_the_same() -> None:
    many = {f"lamp-{number}": f"Lamp {number}" for number in range(10_000)}
    first, backwards = (
        spoken_sentences(LIBRARY.book("en"), devices, LIBRARY.words) for devices in (many, dict(reversed(many.items())))
    )
    assert first == backwards
    assert 1000 < len(first) <= 5000


def test_without_devices_there_are_still_sentences() -> None:
    sentences = spoken_sentences(LIBRARY.book("en"), {}, LIBRARY.words)
    assert "what time is it" in sentences
    assert not any("{" in sentence for sentence in sentences)


def test_words_are_folded_and_numbers_are_words_of_their_own() -> None:
    assert fold("¿Qué HORA es, Ñandú?") == "¿que hora es, nandu?"
    assert split("printer01-a") == ["printer", "1", "a"]
    assert split("room 000") == ["room", "0"]


def test_a_region_has_the_sentences_of_its_language_and_others_have_english() -> None:
    assert LIBRARY.book("es-mx").file.language == "es"
    assert LIBRARY.book("EN-us").file.language == "en"
    assert LIBRARY.book("fi").file.language == "en"
    assert Library().languages == {"en", "es"}
