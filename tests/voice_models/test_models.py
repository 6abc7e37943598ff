"""The committed models, in the real Vosk, hear what espeak-ng says with voices that did not train them."""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import pytest
from vosk import Model

from tests.voice_models.hearing import FOLDER, errors, heard, heard_words, load
from tools.voice_models import corpus, speech
from tools.voice_models.corpus import CODES, UNKNOWN, Language

SENTENCES = 240
NOISE_DB = 10
CLEAN_BAR, NOISY_BAR = 0.03, 0.10

UNHEARD_OF = {
    "en": [
        "chocolate",
        "elephant",
        "mushroom",
        "saturday",
        "blanket",
        "engineer",
        "helmet",
        "magnet",
        "ribbon",
        "cabbage",
    ],
    "es": [
        "abuelo",
        "calabaza",
        "domicilio",
        "fábrica",
        "jirafa",
        "mariposa",
        "rodilla",
        "semáforo",
        "vinagre",
        "delfín",
    ],
}
"""Words that no model knows, and none was trained to refuse."""
GRAMMARS = {
    "en": ("what time is it", "turn on the light"),
    "es": ("qué hora es", "enciende la luz"),
}


@dataclass(frozen=True, slots=True)
class Trial:
    """A sentence, and its audio."""

    words: Sequence[str]
    audio: bytes


@pytest.fixture(scope="module", params=CODES)
def language(request: pytest.FixtureRequest) -> Language:
    return corpus.language(request.param)


@pytest.fixture(scope="module")
def model(language: Language) -> Model:
    return load(language.code)


@pytest.fixture(scope="module")
def trials(language: Language) -> Sequence[Trial]:
    """Commands, and as many sentences of random words, each in one of the voices that were held out."""
    chance = random.Random(7)  # noqa: S311
    voices = language.voices(corpus.variants().held_out)
    texts = [
        corpus.command(language, chance) if number % 2 else " ".join(chance.choices(language.words, k=4))
        for number in range(SENTENCES)
    ]
    return [Trial(text.split(), say(text, chance.choice(voices), chance)) for text in texts]


def say(text: str, voice: str, chance: random.Random) -> bytes:
    audio = speech.speak(text, voice, speed=chance.randint(130, 190), pitch=chance.randint(25, 75))
    pause = speech.silence(0.3)
    return speech.amplified(pause + audio + pause, chance.uniform(-15, 0))


def tell(capsys: pytest.CaptureFixture[str], figures: str) -> None:
    with capsys.disabled():
        print(f"\n{figures}")  # noqa: T201


def error_rate(model: Model, trials: Sequence[Trial]) -> float:
    wrong = sum(errors(trial.words, heard(model, trial.audio).split()) for trial in trials)
    return wrong / sum(len(trial.words) for trial in trials)


def test_held_out_voices_are_held_out() -> None:
    variants = corpus.variants()
    assert len(variants.held_out) >= 10
    assert not set(variants.held_out) & set(variants.trained)


def test_words_in_voices_never_heard(
    language: Language, model: Model, trials: Sequence[Trial], capsys: pytest.CaptureFixture[str]
) -> None:
    rate = error_rate(model, trials)
    tell(capsys, f"{language.code}: {rate:.1%} of the words wrong in {len(trials)} sentences of held-out voices")
    assert rate <= CLEAN_BAR


def test_words_in_noise(
    language: Language, model: Model, trials: Sequence[Trial], capsys: pytest.CaptureFixture[str]
) -> None:
    noisy = [Trial(trial.words, speech.noisy(trial.audio, NOISE_DB, seed)) for seed, trial in enumerate(trials)]
    rate = error_rate(model, noisy)
    tell(capsys, f"{language.code}: {rate:.1%} with white noise {NOISE_DB} dB below the speech")
    assert rate <= NOISY_BAR


@pytest.mark.parametrize("colour", [0.0, 0.7, 0.95])
@pytest.mark.parametrize("level", [0, 10, 100, 1_000, 5_000])
def test_silence_and_noise_say_nothing(model: Model, level: int, colour: float) -> None:
    assert heard(model, speech.noise(3.0, level, seed=level, colour=colour)) == ""


def test_other_words_are_unknown_or_nothing(language: Language, model: Model) -> None:
    chance = random.Random(3)  # noqa: S311
    voices = language.voices(corpus.variants().held_out)
    said = [(word, say(word, chance.choice(voices), chance)) for word in UNHEARD_OF[language.code] * 4]
    taken = [(word, known) for word, audio in said for known in heard_words(model, audio) if known.word != UNKNOWN]
    assert len(taken) <= len(said) * 0.1, taken
    assert len([known for _, known in taken if known.conf > 0.9]) <= len(said) * 0.05, taken


def test_a_grammar_of_the_moment(language: Language, model: Model) -> None:
    wanted, other = GRAMMARS[language.code]
    grammar = [wanted, UNKNOWN]
    voices = language.voices(corpus.variants().held_out[:4])
    pause = speech.silence(0.3)
    assert {heard(model, pause + speech.speak(wanted, voice) + pause, grammar) for voice in voices} == {wanted}
    refused = " ".join(heard(model, pause + speech.speak(other, voice) + pause, grammar) for voice in voices)
    assert set(refused.split()) <= {UNKNOWN}


def test_words_have_their_times(language: Language, model: Model) -> None:
    text = GRAMMARS[language.code][0]
    before = 0.5
    utterance = speech.utter(text, language.accents[0])
    audio = speech.silence(before) + utterance.audio + speech.silence(0.5)
    words = heard_words(model, audio)
    assert [word.word for word in words] == text.split()
    assert all(word.start < word.end for word in words)
    assert all(one.end <= other.start + 0.001 for one, other in pairwise(words))
    assert words[-1].end <= len(audio) / 2 / speech.RATE
    for number, word in enumerate(words):
        began = before + min(phone.start for phone in utterance.phones if phone.word == number)
        assert word.start == pytest.approx(began, abs=0.12)


def test_times_go_on_over_a_pause(language: Language, model: Model) -> None:
    first, second = GRAMMARS[language.code]
    voice = language.accents[0]
    audio = b"".join(part for text in (first, second) for part in (speech.speak(text, voice), speech.silence(1.5)))
    words = heard_words(model, audio)
    assert [word.word for word in words] == [*first.split(), *second.split()]
    assert all(one.end <= other.start + 0.001 for one, other in pairwise(words))


def test_a_model_is_small(language: Language) -> None:
    files = [path for path in (FOLDER / language.code).rglob("*") if path.is_file()]
    assert sum(path.stat().st_size for path in files) < 1_000_000


def test_a_model_knows_the_words_of_its_language(language: Language, model: Model) -> None:
    assert all(model.vosk_model_find_word(word) > 0 for word in [*language.words, UNKNOWN])
    assert model.vosk_model_find_word(UNHEARD_OF[language.code][0]) == -1
