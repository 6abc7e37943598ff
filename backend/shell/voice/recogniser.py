"""Vosk: models, which all turns share, and recognisers, of which each turn has its own."""

import json
import logging
import subprocess
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from backend.shell.voice import pcm
from backend.shell.voice.models import ModelError, graph

log = logging.getLogger(__name__)

_UNKNOWN = "[unk]"
_PUNCTUATION = '.,;:!?¡¿…"()'
_TRIAL = "import sys, vosk; vosk.KaldiRecognizer(vosk.Model(sys.argv[1]), 16_000.0).AcceptWaveform(bytes(32_000))"
_PARTS = ("HCLr.fst", "Gr.fst")  # of a model that takes grammars; others have one HCLG.fst
_GRAMMARS = 16  # that a model remembers
_NAMED = 20  # words in a complaint


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
        _try(folder)
        # Half a second, which nobody should wait for who has no model.
        import vosk  # noqa: PLC0415

        vosk.SetLogLevel(-1)
        self._vosk = vosk
        self._model = vosk.Model(str(folder))
        self._folder = folder
        self._takes_grammars = all((graph(folder) / part).is_file() for part in _PARTS)
        self._grammars: dict[tuple[str, ...], str] = {}

    def recogniser(self, phrases: tuple[str, ...]) -> "Recogniser":
        """Return a recogniser that hears nothing but these phrases; without any, everything.

        Phrases with words that the model does not know are left out. Where none is left, or where the model takes no
        grammar, it hears everything.
        """
        grammar = self._grammars.get(phrases)
        if grammar is None:
            if len(self._grammars) >= _GRAMMARS:
                self._grammars.clear()
            grammar = self._grammars[phrases] = self._grammar(phrases)
        more = (grammar,) if grammar else ()
        return Recogniser(self._vosk.KaldiRecognizer(self._model, float(pcm.RATE), *more))

    def _grammar(self, phrases: tuple[str, ...]) -> str:
        if phrases and not self._takes_grammars:
            log.warning("%s takes no grammar: it hears everything", self._folder)
            return ""
        plain = dict.fromkeys(" ".join(_words(phrase)) for phrase in phrases)
        words = {word for phrase in plain for word in phrase.split()}
        unknown = {word for word in words if self._model.vosk_model_find_word(word) < 0}
        known = [phrase for phrase in plain if phrase and unknown.isdisjoint(phrase.split())]
        if unknown:
            missing = len(plain) - len(known)
            log.warning(
                "%s cannot hear %d of %d phrases: it does not know %s",
                self._folder,
                missing,
                len(plain),
                ", ".join(sorted(unknown)[:_NAMED]),
            )
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


def _try(folder: Path) -> None:
    """Let another process hear a moment with a model: a broken one makes Vosk crash, or hear nothing.

    Raises ModelError, with what Vosk says of it.
    """
    if not folder.is_dir():
        raise ModelError(f"{folder}: there is no such directory")
    command = (sys.executable, "-c", _TRIAL, str(folder))
    tried = subprocess.run(command, capture_output=True, check=False)  # noqa: S603 - that is this program
    errors = [line for line in tried.stderr.decode(errors="replace").splitlines() if line.startswith("ERROR")]
    if tried.returncode or errors:
        why = errors[0].removeprefix("ERROR").lstrip(": ") if errors else f"it crashes ({tried.returncode})"
        raise ModelError(f"{folder}: a file of the model is missing or broken, says Vosk: {why}")
