"""One worker process that speaks, seen from the server: asked by lines of JSON, believed only what makes sense."""

import asyncio
import json
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Self

from pydantic import BaseModel, Field

PROGRAM: Sequence[str] = (sys.executable, "-P", str(Path(__file__).with_name("speaker.py")))
"""The worker's program. Run by its file, so that it starts without the package, whatever the working directory is."""

_START_S = 30.0  # usually 0.15; an overloaded machine takes its time
_MOST_PCM = 128 * 2**20  # bytes, which no sentence ever has
_BUFFER = 2**20  # bytes


@dataclass(frozen=True, slots=True)
class Voice:
    """Who speaks: a voice of espeak-ng by its *name*, or whichever speaks the *language*."""

    language: str = "en"
    name: str | None = None
    speed: int = 165
    """Words a minute."""
    volume: float = 1.0
    """0 to 1."""


@dataclass(frozen=True, slots=True)
class Speech:
    """One sentence as audio."""

    pcm: bytes
    """Mono PCM16LE."""
    rate: int
    """Samples a second."""
    voice: str = ""
    """Which voice it was."""
    missing: str | None = None
    """The voice or language that was asked for, where there is none."""

    @property
    def seconds(self) -> float:
        """How long it sounds."""
        return len(self.pcm) / 2 / self.rate


class WorkerError(Exception):
    """A worker did not start, or hung, died, or answered nonsense. It must be ended."""


class _Hello(BaseModel):
    voices: tuple[str, ...] = ()
    failed: str | None = None


class _Answer(BaseModel):
    size: Annotated[int, Field(ge=0, le=_MOST_PCM, multiple_of=2, alias="bytes")]
    rate: Annotated[int, Field(ge=8_000, le=48_000)]
    voice: str
    missing: str | None


class Worker:
    """A worker that is ready. Asked for one sentence at a time."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        if process.stdin is None or process.stdout is None:
            msg = "it has no pipes"
            raise WorkerError(msg)
        self._process = process
        self._asks, self._answers = process.stdin, process.stdout
        self.voices: tuple[str, ...] = ()
        self.spoken = 0

    @classmethod
    async def started(cls, program: Sequence[str]) -> Self:
        """Return a worker once it is ready. Raises WorkerError."""
        pipe = asyncio.subprocess.PIPE
        try:
            # Not in the terminal's group: what is typed there is meant for the server alone.
            process = await asyncio.create_subprocess_exec(
                *program, stdin=pipe, stdout=pipe, limit=_BUFFER, start_new_session=True
            )
        except OSError as error:
            raise WorkerError(str(error)) from error
        worker = cls(process)
        try:
            await worker._greeted()
        except BaseException:
            await worker.end()
            raise
        return worker

    @property
    def pid(self) -> int:
        """The process."""
        return self._process.pid

    @property
    def alive(self) -> bool:
        """Whether the process runs, as far as is known."""
        return self._process.returncode is None

    async def speak(self, text: str, voice: Voice, deadline_s: float) -> Speech:
        """Return *text* spoken. Raises WorkerError."""
        try:
            async with asyncio.timeout(deadline_s):
                self._asks.write(json.dumps({"text": text, **asdict(voice)}).encode() + b"\n")
                await self._asks.drain()
                head = _Answer.model_validate_json(await self._answers.readline())
                pcm = await self._answers.readexactly(head.size)
        except TimeoutError:
            msg = f"it did not speak within {deadline_s:g} s"
            raise WorkerError(msg) from None
        except (OSError, EOFError, ValueError) as error:
            msg = f"it died, or answered nonsense: {error}"
            raise WorkerError(msg) from error
        self.spoken += 1
        return Speech(pcm, head.rate, head.voice, head.missing)

    async def end(self) -> None:
        """Kill the process, which leaves nothing behind, and wait until it is gone."""
        with suppress(ProcessLookupError):
            self._process.kill()
        await self._process.wait()

    async def _greeted(self) -> None:
        try:
            async with asyncio.timeout(_START_S):
                hello = _Hello.model_validate_json(await self._answers.readline())
        except TimeoutError:
            msg = f"it was not ready within {_START_S:g} s"
            raise WorkerError(msg) from None
        except ValueError as error:
            msg = f"it died, or answered nonsense: {error}"
            raise WorkerError(msg) from error
        if hello.failed is not None:
            raise WorkerError(hello.failed)
        self.voices = hello.voices
