"""The audio of one turn on its way from the connection to the recogniser."""

import asyncio
from collections.abc import Callable

from backend.core.refusals import EXPLAINED, Code, Refused
from backend.features.voice.assembly import Assembly
from backend.features.voice.frames import Codec, Frame

MISSING_S = 0.3  # how long a missing frame is waited for, once others came after it
SILENT_S = 2.0  # after so long without any frame, the last one was lost, or the board
MOST_BYTES = 4 * 1024 * 1024  # of one turn that waits for a recogniser: two minutes of the largest codec


class Feed:
    """Frames go in as they arrive; payloads come out in order. ``ended_at`` is when the last of them came."""

    def __init__(
        self, codec: Codec, now: Callable[[], float], missing_s: float = MISSING_S, silent_s: float = SILENT_S
    ) -> None:
        self.assembly = Assembly(codec)
        self.ended_at: float | None = None
        self._now = now
        self._missing_s = missing_s
        self._silent_s = silent_s
        self._last_at = now()
        self._ready: list[bytes] = []
        self._size = 0
        self._news = asyncio.Event()

    def put(self, frame: Frame) -> None:
        """Take a frame."""
        if self.ended_at is not None:
            return
        self._last_at = self._now()
        self._add(self.assembly.add(frame))
        if self.assembly.is_over or self._size > MOST_BYTES:
            self.ended_at = self._last_at
        if self._ready or self.ended_at is not None:
            self._news.set()

    def end(self) -> None:
        """Take no more: what was said is over, whatever the board still sends."""
        if self.ended_at is None:
            self.ended_at = self._now()
        self._news.set()

    async def read(self) -> list[bytes] | None:
        """Return the payloads that are there by now, at least one; None: that was all. Raises Refused: ``too_long``."""
        if self._size > MOST_BYTES:
            raise Refused(Code.TOO_LONG, EXPLAINED[Code.TOO_LONG])
        while not self._ready:
            if self.ended_at is not None:
                return None
            self._news.clear()
            await self._wait()
        ready, self._ready = self._ready, []
        return ready

    async def _wait(self) -> None:
        """Wait for news; go on without what does not come."""
        missing = self.assembly.waits
        try:
            async with asyncio.timeout(self._missing_s if missing else self._silent_s):
                await self._news.wait()
        except TimeoutError:
            self._add(self.assembly.flush())
            if self.assembly.is_over or not missing:
                self.ended_at = self._last_at

    def _add(self, payloads: list[bytes]) -> None:
        self._ready += payloads
        self._size += sum(map(len, payloads))
