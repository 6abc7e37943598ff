"""Hears: speech is told from noise, and recognised, while it comes; in threads, so that nobody else has to wait."""

import asyncio
import logging
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import fmean
from typing import TypeVar

from backend.core.refusals import EXPLAINED, Code, Refused
from backend.shell.voice import pcm
from backend.shell.voice.activity import CHUNK, Detector, Gate
from backend.shell.voice.models import ModelError
from backend.shell.voice.recogniser import Model, Recogniser, Word, text

__all__ = ["Ears", "Heard", "Listener", "ModelError", "Word"]

log = logging.getLogger(__name__)

Result = TypeVar("Result")

_LEAST = 3 * CHUNK  # 96 ms at a time, as each change of threads costs about what is done in it
_PORTION = 5 * _LEAST  # half a second, so that a long utterance does not keep a thread from the others


@dataclass(frozen=True, slots=True)
class Heard:
    """What was understood. ``confidence``: 0 to 1, of all words together, None: there are none."""

    text: str
    confidence: float | None
    words: tuple[Word, ...]
    audio_s: float
    speech_s: float


class Ears:
    """The models by language, and *threads* that use them."""

    def __init__(self, models: Mapping[str, Path], threads: int) -> None:
        self._folders = dict(models)
        self._models: dict[str, Model] = {}
        self._loaded = asyncio.Event()
        self._pool = ThreadPoolExecutor(threads, "hearing")
        self._detectors: list[Detector] = []  # those that nobody uses

    @property
    def languages(self) -> Sequence[str]:
        """Those that are understood."""
        return sorted(self._models)

    async def load(self) -> list[ModelError]:
        """Load all models; until then nothing is understood. Return what is wrong with those that cannot be used."""
        problems = []
        for language, folder in self._folders.items():
            try:
                self._models[language] = await asyncio.get_running_loop().run_in_executor(self._pool, Model, folder)
            except ModelError as error:
                problems.append(error)
        self._loaded.set()
        return problems

    async def ready(self) -> None:
        """Return once all models are loaded."""
        await self._loaded.wait()

    def close(self) -> None:
        """Listen no more; what is under way is given up."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    def listen(self, language: str, grammar: Sequence[str] = (), silence_s: float = 0.8) -> "Listener":
        """Return what hears one turn, nothing but the phrases of *grammar* if there are any.

        *silence_s*: after how much of it a turn is over that said something. Raises Refused: ``voice_off``.
        """
        model = self._model(language)
        phrases = tuple(grammar)
        return Listener(self._pool, self._detectors, lambda: model.recogniser(phrases), silence_s)

    def _model(self, language: str) -> Model:
        """Return the model of a language; else that of its family, else one of the same family."""
        family, *_ = language.partition("-")
        for name in (language, family, *(each for each in self.languages if each.startswith(f"{family}-"))):
            if name in self._models:
                return self._models[name]
        raise Refused(Code.VOICE_OFF, f"the server has no speech model of this language, so it cannot hear: {language}")


class Listener:
    """Hears one turn. Of one task at a time; a call that failed, or was cancelled, is the last one."""

    def __init__(
        self,
        pool: ThreadPoolExecutor,
        detectors: list[Detector],
        recogniser: Callable[[], Recogniser],
        silence_s: float,
    ) -> None:
        self._pool = pool
        self._detectors = detectors
        self._detector: Detector | None = None
        self._make = recogniser
        self._recogniser: Recogniser | None = None
        self._gate = Gate(self._judge)
        self._silence_s = silence_s
        self._rest = bytearray()  # that waits for more
        self._text = ""
        self._one = threading.Lock()  # Vosk crashes where two threads use one recogniser
        self._closed = False

    @property
    def is_over(self) -> bool:
        """Whether somebody spoke, and then there was silence: the end of a turn that no board marks."""
        return self._gate.speech_s > 0 and self._gate.silence_s >= self._silence_s

    async def hear(self, audio: bytes) -> str | None:
        """Take PCM16LE, mono, 16 kHz, any number of bytes; return the text so far if it changed, else None.

        Raises Refused: ``hearing_failed``.
        """
        self._rest += audio
        whole = len(self._rest) // _LEAST * _LEAST
        chunks, self._rest = self._rest[:whole], self._rest[whole:]
        before = self._text
        for at in range(0, whole, _PORTION):
            self._text = await self._work(self._hear, bytes(chunks[at : at + _PORTION]))
        return self._text if self._text != before else None

    async def finish(self) -> Heard:
        """Return all that was understood, and close. Raises Refused: ``hearing_failed``."""
        heard = await self._work(self._finish)
        self.close()
        return heard

    def close(self) -> None:
        """Let go of the recogniser, when no thread uses it any more."""
        if not self._closed:
            self._closed = True
            with suppress(RuntimeError):  # the pool is closed, too
                self._pool.submit(self._drop)

    async def _work(self, job: Callable[..., Result], *arguments: bytes) -> Result:
        if self._closed:
            raise Refused(Code.HEARING_FAILED, "nobody listens to this turn any more")
        try:
            return await asyncio.get_running_loop().run_in_executor(self._pool, self._alone, job, *arguments)
        except BaseException as error:
            self.close()
            if not isinstance(error, Exception):
                raise
            log.exception("this is a bug in Talkstick, or in Vosk: a turn is lost")
            raise Refused(Code.HEARING_FAILED, f"{EXPLAINED[Code.HEARING_FAILED]}: {error}") from error

    def _alone(self, job: Callable[..., Result], *arguments: bytes) -> Result:
        with self._one:
            if self._closed:
                raise RuntimeError("this turn is over")
            return job(*arguments)

    def _hear(self, chunks: bytes) -> str:
        speech = self._gate.put(chunks)
        if not speech:
            return self._text
        if self._recogniser is None:
            self._recogniser = self._make()
        return self._recogniser.hear(speech)

    def _finish(self) -> Heard:
        audio_s = self._gate.audio_s + len(self._rest) / pcm.SECOND
        if self._rest:
            self._hear(bytes(self._rest) + bytes(-len(self._rest) % CHUNK))
        found = self._recogniser.finish() if self._recogniser is not None else ()
        at = self._gate.moment
        words = tuple(replace(word, start_s=at(word.start_s), end_s=at(word.end_s)) for word in found)
        confidence = fmean(word.confidence for word in words) if words else None
        return Heard(text(words), confidence, words, audio_s, self._gate.speech_s)

    def _judge(self, chunk: bytes) -> float:
        if self._detector is None:
            self._detector = self._detectors.pop() if self._detectors else Detector()
        return self._detector(chunk)

    def _drop(self) -> None:
        with self._one:
            self._recogniser = None
            if self._detector is not None:
                self._detector.reset()
                self._detectors.append(self._detector)
                self._detector = None
