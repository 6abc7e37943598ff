"""The committed models, in the real Vosk, hear what espeak-ng says with voices that did not train them."""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import pytest
from vosk import Model

from tests.voice_models.hearing import FOLDER, errors, heard, heard_words, load
from tools.voice_models import corpus, graph, speech
from tools.voice_models.corpus import CODES, UNKNOWN, Language

COMMANDS, JUMBLES = 220, 80
NOISE_DB = 10
CLEAN_BAR, NOISY_BAR, JUMBLED_BAR = 0.03, 0.10, 0.10

UNHEARD_OF = {
    "en": """
        chocolate potato elephant mushroom saturday pepper blanket cable desk engineer fabric ginger helmet ivory
        jungle knife lantern magnet needle onion pillow ribbon saddle tunnel velvet wagon yogurt zipper cabbage
        seventy mirror ninety daughter circus basket
    """,
    "es": """
        abuelo bolígrafo calabaza domicilio esquina fábrica galleta helado instrumento jirafa kilómetro ladrillo
        mariposa nevera olvidar paraguas quinientos rodilla semáforo tomillo urgente vinagre yogur zanahoria
        alfombra bombilla caracol delfín escalera farola
    """,
}
"""Words that no model knows, and none was trained with."""
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
def commands(language: Language) -> Sequence[Trial]:
    chance = random.Random(7)  # noqa: S311
    return [trial(corpus.command(language, chance), language, chance) for _ in range(COMMANDS)]


def trial(text: str, language: Language, chance: random.Random) -> Trial:
    """Return a text said with one of the voices that were held out."""
    voice = chance.choice(language.voices(corpus.variants().held_out))
    return Trial(text.split(), say(text, voice, chance))


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


def test_commands_of_voices_never_heard(
    language: Language, model: Model, commands: Sequence[Trial], capsys: pytest.CaptureFixture[str]
) -> None:
    rate = error_rate(model, commands)
    tell(capsys, f"{language.code}: {rate:.1%} of the words of {len(commands)} commands wrong, in voices never heard")
    assert rate <= CLEAN_BAR


def test_commands_in_noise(
    language: Language, model: Model, commands: Sequence[Trial], capsys: pytest.CaptureFixture[str]
) -> None:
    noisy = [Trial(trial.words, speech.noisy(trial.audio, NOISE_DB, seed)) for seed, trial in enumerate(commands)]
    rate = error_rate(model, noisy)
    tell(capsys, f"{language.code}: {rate:.1%} with white noise {NOISE_DB} dB below the speech")
    assert rate <= NOISY_BAR


def test_words_in_an_order_that_no_command_has(
    language: Language, model: Model, capsys: pytest.CaptureFixture[str]
) -> None:
    chance = random.Random(8)  # noqa: S311
    jumbles = [trial(" ".join(chance.choices(language.words, k=4)), language, chance) for _ in range(JUMBLES)]
    rate = error_rate(model, jumbles)
    tell(capsys, f"{language.code}: {rate:.1%} where words come in any order")
    assert rate <= JUMBLED_BAR


@pytest.mark.parametrize("colour", [0.0, 0.7, 0.95])
@pytest.mark.parametrize("level", [0, 10, 100, 1_000, 5_000])
def test_silence_and_noise_say_nothing(model: Model, level: int, colour: float) -> None:
    assert heard(model, speech.noise(3.0, level, seed=level, colour=colour)) == ""


def test_what_is_not_known_is_unknown_or_nothing(
    language: Language, model: Model, capsys: pytest.CaptureFixture[str]
) -> None:
    chance = random.Random(3)  # noqa: S311
    said = [trial(word, language, chance) for word in UNHEARD_OF[language.code].split() * 3]
    results = [heard_words(model, trial.audio) for trial in said]
    taken = [words for words in results if words and all(word.word != UNKNOWN for word in words)]
    sure = [words for words in taken if all(word.conf > 0.9 for word in words)]
    figures = f"{len(taken)} of {len(said)} unknown words taken for known ones, {len(sure)} of them surely"
    tell(capsys, f"{language.code}: {figures}")
    assert len(taken) <= len(said) * 0.12, taken
    assert len(sure) <= len(said) * 0.06, sure


def test_a_grammar_of_the_moment(language: Language, model: Model) -> None:
    wanted, other = GRAMMARS[language.code]
    grammar = [wanted, UNKNOWN]
    assert set(wanted.split()).isdisjoint(other.split())
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
    assert model.vosk_model_find_word(UNHEARD_OF[language.code].split()[0]) == -1


def test_a_model_is_in_step_with_its_language(language: Language) -> None:
    tables = graph.Tables([*language.words, UNKNOWN], [])
    files = FOLDER / language.code / "graph"
    assert (files / "words.txt").read_text(encoding="utf-8") == tables.words_text(), "make models"
    assert (files / "Gr.fst").read_bytes() == graph.grammar(tables, language.commands, graph.Weights()).binary()
