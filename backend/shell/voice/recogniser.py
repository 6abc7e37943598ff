"""Vosk: models, which all turns share, and recognisers, of which each turn has its own."""

import json
import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from backend.shell.voice import pcm

log = logging.getLogger(__name__)

_UNKNOWN = "[unk]"
_PUNCTUATION = '.,;:!?¡¿…"()'
_ACOUSTIC = ("am/final.mdl", "final.mdl")  # Vosk knows two layouts: with folders, and all in one
_WHOLE = "HCLG.fst"
_PARTS = ("HCLr.fst", "Gr.fst")
_GRAMMARS = 100  # that a model remembers


class ModelError(Exception):
    """A model cannot be loaded; the message says where it is, and why."""


@dataclass(frozen=True, slots=True)
class Word:
    """A word that was understood. Times in seconds of the audio; confidence 0 to 1."""

    text: str
    start_s: float
    end_s: float
    confidence: float


class Model:
    """A speech model in memory. Any number of recognisers use it, in any threads."""

    def __init__(self, folder: Path) -> None:
        # Half a second, which nobody should wait for who has no model.
        import vosk  # noqa: PLC0415

        _check(folder)
        vosk.SetLogLevel(-1)
        self._vosk = vosk
        try:
            self._model = vosk.Model(str(folder))
        except Exception as error:
            raise ModelError(f"{folder}: Vosk cannot load it ({error}); a file in it is missing or broken") from error
        self._folder = folder
        self._takes_grammars = all((_graph(folder) / part).is_file() for part in _PARTS)
        self._grammars: dict[tuple[str, ...], str] = {}

    def recogniser(self, phrases: tuple[str, ...]) -> "Recogniser":
        """Return a recogniser that hears nothing but these phrases; without any, everything.

        Phrases with words that the model does not know are left out. Where none is left, or where the model takes no
        grammar (Vosk would crash), it hears everything.
        """
        if phrases not in self._grammars:
            if len(self._grammars) == _GRAMMARS:
                self._grammars.clear()
            self._grammars[phrases] = self._grammar(phrases)
        more = (grammar,) if (grammar := self._grammars[phrases]) else ()
        return Recogniser(self._vosk.KaldiRecognizer(self._model, float(pcm.RATE), *more))

    def _grammar(self, phrases: tuple[str, ...]) -> str:
        if phrases and not self._takes_grammars:
            log.warning("%s takes no grammar: it hears everything", self._folder)
            return ""
        known = []
        for phrase in dict.fromkeys(" ".join(_words(phrase)) for phrase in phrases):
            unknown = [word for word in phrase.split() if self._model.vosk_model_find_word(word) < 0]
            if unknown:
                log.warning("%s cannot hear %r: it does not know %s", self._folder, phrase, ", ".join(unknown))
            elif phrase:
                known.append(phrase)
        return json.dumps([*known, _UNKNOWN], ensure_ascii=False) if known else ""


class Recogniser:
    """Understands the words of one turn. Of one thread at a time."""

    def __init__(self, recogniser: Any) -> None:
        self._recogniser = recogniser
        self._recogniser.SetWords(True)  # noqa: FBT003 - Vosk's own
        self._words: list[Word] = []

    def hear(self, audio: bytes) -> str:
        """Take audio; return the text so far."""
        if self._recogniser.AcceptWaveform(audio):
            self._words += _understood(self._recogniser.Result())
            return text(self._words)
        partial = json.loads(self._recogniser.PartialResult())["partial"].split()
        return " ".join([*(word.text for word in self._words), *(word for word in partial if word != _UNKNOWN)])

    def finish(self) -> Sequence[Word]:
        """Return all words."""
        return [*self._words, *_understood(self._recogniser.FinalResult())]


def text(words: Iterable[Word]) -> str:
    """Return what was said."""
    return " ".join(word.text for word in words)


def _understood(result: str) -> list[Word]:
    found = json.loads(result).get("result", ())
    words = [Word(each["word"], each["start"], each["end"], each["conf"]) for each in found]
    return [replace(word, confidence=min(1.0, word.confidence)) for word in words if word.text != _UNKNOWN]


def _words(phrase: str) -> Iterable[str]:
    return (word.strip(_PUNCTUATION) for word in phrase.lower().split())


def _check(folder: Path) -> None:
    """Look for what Vosk needs, as it says only that something is wrong. Raises ModelError."""
    if not folder.is_dir():
        raise ModelError(f"{folder}: there is no such directory")
    if not any((folder / each).is_file() for each in _ACOUSTIC):
        raise ModelError(f"{folder}: no model of Vosk's, {_ACOUSTIC[0]} is missing")
    graph = _graph(folder)
    if not (graph / _WHOLE).is_file() and not all((graph / part).is_file() for part in _PARTS):
        raise ModelError(f"{folder}: no model of Vosk's, it has neither {_WHOLE} nor {' and '.join(_PARTS)}")


def _graph(folder: Path) -> Path:
    return folder / "graph" if (folder / "graph").is_dir() else folder
