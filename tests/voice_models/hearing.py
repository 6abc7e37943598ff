"""What the tests of the models share: hearing with the real Vosk, and what was heard beside what was said."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vosk import KaldiRecognizer, Model, SetLogLevel

from tools.voice_models import speech

SetLogLevel(-1)

FOLDER = Path(speech.__file__).parent
_PORTION = speech.RATE // 5


@dataclass(frozen=True, slots=True)
class Word:
    """A word that was heard, when it was [s], and how sure Vosk is (0 to 1)."""

    word: str
    start: float
    end: float
    conf: float


def load(code: str) -> Model:
    return Model(str(FOLDER / code))


def heard_words(model: Model, audio: bytes, grammar: Sequence[str] | None = None) -> list[Word]:
    """Return the words of audio that is fed as it would arrive, a tenth of a second at a time."""
    # Vosk does not know the escapes of JSON.
    limits = [] if grammar is None else [json.dumps(grammar, ensure_ascii=False)]
    recogniser = KaldiRecognizer(model, speech.RATE, *limits)
    recogniser.SetWords(True)
    return [Word(**word) for result in _results(recogniser, audio) for word in result.get("result", [])]


def heard(model: Model, audio: bytes, grammar: Sequence[str] | None = None) -> str:
    return " ".join(word.word for word in heard_words(model, audio, grammar))


def _results(recogniser: KaldiRecognizer, audio: bytes) -> Iterator[dict[str, list[dict[str, Any]]]]:
    for at in range(0, len(audio), _PORTION):
        if recogniser.AcceptWaveform(audio[at : at + _PORTION]):
            yield json.loads(recogniser.Result())
    yield json.loads(recogniser.FinalResult())


def errors(said: Sequence[str], heard: Sequence[str]) -> int:
    """Return how many words were put in, left out or changed."""
    row = list(range(len(heard) + 1))
    for count, word in enumerate(said, 1):
        above, row = row, [count]
        for at, other in enumerate(heard, 1):
            row.append(min(above[at] + 1, row[-1] + 1, above[at - 1] + (word != other)))
    return row[-1]
