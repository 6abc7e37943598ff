"""What was said, as WAV files: of devices whose settings ask for it, and of no others."""

import asyncio
import logging
import math
import shutil
import wave
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from backend.core.clock import DAY_S
from backend.shell.voice import pcm

log = logging.getLogger(__name__)

FOLDER = "recordings"
"""Where they are, in the data directory."""

_EACH = 100  # files of one device; the oldest go
_MOMENT = "%Y%m%dT%H%M%S.%fZ"  # in the name of a file; in UTC
_STORED_S = 60.0  # after so long the turn of a recording is stored, too


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

    def prune(self, begun: Mapping[str, float], now: float) -> None:
        """Forget what belongs to no conversation that is remembered; see `prune`."""
        self._do(prune, self._folder, begun, now)

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
        moment = datetime.fromtimestamp(at, UTC).strftime(_MOMENT)
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


def prune(folder: Path, begun: Mapping[str, float], now: float) -> None:
    """Forget the recordings below *folder* that are older than the conversation of their device, or have none.

    *begun* tells when each began: conversations are also forgotten where nobody who records hears of it. Raises OSError
    where one cannot be removed, once all others are.
    """
    kept: OSError | None = None
    for file in list(folder.glob("*/*.wav")):
        if _said_at(file) < min(begun.get(file.parent.name, now), now - _STORED_S):
            try:
                file.unlink(missing_ok=True)
            except OSError as error:
                kept = error
            with suppress(OSError):  # there are others
                file.parent.rmdir()
    if kept is not None:
        raise kept


def _said_at(file: Path) -> float:
    """Return when a recording ended, to the second above; one that has no such name is none of ours, and stays."""
    try:
        moment = datetime.strptime(file.stem.rpartition("-")[0], _MOMENT).replace(tzinfo=UTC)
    except ValueError:
        return math.inf
    return math.ceil(moment.timestamp())
