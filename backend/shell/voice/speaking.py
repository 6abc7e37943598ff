"""What speaks: a pool of worker processes, each of which may hang or die at any time."""

import asyncio
import logging
from collections.abc import Coroutine, Sequence
from types import TracebackType
from typing import Any, Self, TypeVar

from backend.core.refusals import Code, Refused
from backend.shell.complaints import Complaints
from backend.shell.voice.worker import PROGRAM, Speech, Voice, Worker, WorkerError

__all__ = ["Speakers", "SpeakersError", "Speech", "Voice", "pause_s"]

_ATTEMPTS = 2
_AT_ONCE = 4  # failures in a row after which a new worker is no longer started at once
_LONGEST_PAUSE_S = 30.0

T = TypeVar("T")
_log = logging.getLogger(__name__)


class SpeakersError(Exception):
    """Nothing on this machine can speak; the message says what to install."""


class Speakers:
    """So many *workers* that speak at once, and one more that is ready where one of them fails.

    Each sentence has *deadline_s* seconds on a worker. One that is late, dies or answers nonsense is killed and
    replaced, and the sentence is tried once more on another. No more than *most* sentences are taken at a time. A
    worker is replaced after *sentences_each*, too, so that no leak of a library grows for ever.
    """

    def __init__(
        self,
        workers: int = 2,
        deadline_s: float = 5.0,
        most: int = 64,
        sentences_each: int = 1000,
        program: Sequence[str] = PROGRAM,
    ) -> None:
        self.voices: tuple[str, ...] = ()
        """The voices there are, once the pool has started; each can have a variant, as in ``en-us+f3``."""
        self._number = workers
        self._deadline_s = deadline_s
        self._most = most
        self._sentences_each = sentences_each
        self._program = program
        self._places = asyncio.Semaphore(workers)
        self._idle = asyncio.LifoQueue[Worker]()
        self._workers: set[Worker] = set()
        self._tasks: set[asyncio.Task[Any]] = set()
        self._failures = 0
        self._taken = 0
        self._complaints = Complaints(_log)

    async def __aenter__(self) -> Self:
        """Return with one worker ready, and the others on their way. Raises SpeakersError where none can be."""
        try:
            first = await Worker.started(self._program)
        except WorkerError as error:
            msg = f"no voice: {error}; install espeak-ng (Debian: apt install espeak-ng), or the wheel espeakng-loader"
            raise SpeakersError(msg) from error
        self.voices = first.voices
        self._take(first)
        for _ in range(self._number):
            self._spawn(self._hire())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        """End all workers."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, *(worker.end() for worker in self._workers), return_exceptions=True)

    @property
    def pids(self) -> frozenset[int]:
        """The processes of the workers, as far as they run."""
        return frozenset(worker.pid for worker in self._workers if worker.alive)

    async def speak(self, text: str, voice: Voice) -> Speech:
        """Return *text* spoken. Raises Refused: ``speech_failed``.

        Where the call is cancelled, the worker comes to the end of the sentence, and is free then.
        """
        if self._taken >= self._most:
            raise Refused(Code.SPEECH_FAILED, "too many sentences wait to be spoken")
        self._taken += 1
        try:
            async with asyncio.timeout((_ATTEMPTS + 1) * self._deadline_s), self._places:
                return await self._attempted(text, voice)
        except TimeoutError:
            raise Refused(Code.SPEECH_FAILED, "nothing was free to speak in time") from None
        finally:
            self._taken -= 1

    async def _attempted(self, text: str, voice: Voice) -> Speech:
        for _ in range(_ATTEMPTS):
            worker = await self._free()
            try:
                return await asyncio.shield(self._spawn(self._spoken(worker, text, voice)))
            except WorkerError as error:
                _log.warning("speech worker %d is replaced: %s", worker.pid, error)
        raise Refused(Code.SPEECH_FAILED, f"the synthesiser failed {_ATTEMPTS} times with this sentence")

    async def _free(self) -> Worker:
        while not (worker := await self._idle.get()).alive:
            self._replace(worker)
        return worker

    async def _spoken(self, worker: Worker, text: str, voice: Voice) -> Speech:
        """Return what *worker* makes of it; it is then free for the next sentence, or gone."""
        try:
            speech = await worker.speak(text, voice, self._deadline_s)
        except WorkerError:
            self._failures += 1
            self._replace(worker)
            raise
        self._failures = 0
        if worker.spoken >= self._sentences_each:
            self._replace(worker)
        else:
            self._idle.put_nowait(worker)
        if speech.missing is not None:
            self._complaints.say("voice", "no voice for %r, so %s speaks", speech.missing, speech.voice)
        return speech

    def _take(self, worker: Worker) -> None:
        self._workers.add(worker)
        self._idle.put_nowait(worker)

    def _replace(self, worker: Worker) -> None:
        self._spawn(self._dismiss(worker))
        self._spawn(self._hire())

    async def _dismiss(self, worker: Worker) -> None:
        await worker.end()
        self._workers.discard(worker)

    async def _hire(self) -> None:
        """Start a worker, later and later while each of them fails."""
        while True:
            await asyncio.sleep(pause_s(self._failures))
            try:
                self._take(await Worker.started(self._program))
            except WorkerError as error:
                self._failures += 1
                _log.warning("a speech worker could not be started: %s", error)
            else:
                return

    def _spawn(self, work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task


def pause_s(failures: int) -> float:
    """Return how long to wait for the next worker after so many failures in a row."""
    return min(_LONGEST_PAUSE_S, 0.1 * 2.0 ** min(failures - _AT_ONCE, 20)) if failures > _AT_ONCE else 0.0
