"""What was said, as WAV files: of devices whose settings ask for it, and of no others."""

import asyncio
import logging
import shutil
import wave
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from backend.core.clock import DAY_S
from backend.shell.voice import pcm

log = logging.getLogger(__name__)

_EACH = 100  # files of one device; the oldest go


class Recordings:
    """A folder for each device, below *folder*. Files older than *days* are forgotten when the next is written."""

    def __init__(self, folder: Path, days: float) -> None:
        self._folder = folder
        self._days = days
        self._work: set[asyncio.Future[None]] = set()

    def keep(self, device: str, turn: int, at: float, audio: bytes) -> None:
        """Write an utterance, without anybody waiting for it; *audio* is what the recogniser heard."""
        self._do(self._write, device, turn, at, audio)

    def erase(self, device: str) -> None:
        """Forget all that was said on a device."""
        self._do(self._erase, device)

    async def close(self) -> None:
        """Finish what was begun."""
        await asyncio.gather(*self._work, return_exceptions=True)

    def _do(self, what: Any, *arguments: Any) -> None:
        work = asyncio.get_running_loop().run_in_executor(None, what, *arguments)
        self._work.add(work)
        work.add_done_callback(self._done)

    def _done(self, work: "asyncio.Future[None]") -> None:
        self._work.discard(work)
        if not work.cancelled() and (error := work.exception()) is not None:
            log.error("a recording cannot be written or removed: %s", error)

    def _write(self, device: str, turn: int, at: float, audio: bytes) -> None:
        place = self._folder / device
        place.mkdir(mode=0o700, parents=True, exist_ok=True)
        moment = datetime.fromtimestamp(at, UTC).strftime("%Y%m%dT%H%M%S.%fZ")
        with wave.open(str(place / f"{moment}-{turn}.wav"), "wb") as file:
            file.setnchannels(1)
            file.setsampwidth(2)
            file.setframerate(pcm.RATE)
            file.writeframes(audio)
        self._make_room(place, at)

    def _make_room(self, place: Path, now: float) -> None:
        files = sorted(place.glob("*.wav"))  # by time, as they are named
        oldest = now - self._days * DAY_S
        for file in [*files[:-_EACH], *(each for each in files[-_EACH:] if each.stat().st_mtime < oldest)]:
            file.unlink(missing_ok=True)

    def _erase(self, device: str) -> None:
        shutil.rmtree(self._folder / device, ignore_errors=True)
