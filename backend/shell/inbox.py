"""Everything that happens to the backend arrives here, in order."""

import asyncio
import logging
from dataclasses import dataclass

from backend.core.engine import Arrived
from backend.core.facts import Fact
from backend.features.directory.feature import DirectoryLoaded

log = logging.getLogger(__name__)

_ROOM = 10_000  # messages; beyond, the reader of the connection waits
_BATCH = 1_000


@dataclass(frozen=True, slots=True)
class Connected:
    """The broker is there (again), and has forgotten what it may have known."""


@dataclass(frozen=True, slots=True)
class Stop:
    """Finish what came before, and come to an end."""


Item = Arrived | Fact | DirectoryLoaded | Connected | Stop


class Inbox:
    """A bounded queue that is emptied in batches."""

    def __init__(self) -> None:
        self._queue: asyncio.Queue[Item] = asyncio.Queue(_ROOM)

    def __len__(self) -> int:
        return self._queue.qsize()

    async def put(self, item: Item) -> None:
        """Add something; wait while there is no room."""
        await self._queue.put(item)

    def offer(self, item: Item) -> None:
        """Add something that may be lost where there is no room, and be it only for a counter."""
        try:
            self._queue.put_nowait(item)
        except asyncio.QueueFull:
            log.warning("the inbox is full; lost %r", item)

    async def batch(self, wait_s: float | None) -> list[Item]:
        """Return all that is there (at least one, at most a thousand), or nothing after *wait_s* seconds."""
        try:
            async with asyncio.timeout(wait_s):
                items = [await self._queue.get()]
        except TimeoutError:
            return []
        while len(items) < _BATCH and not self._queue.empty():
            items.append(self._queue.get_nowait())
        return items
