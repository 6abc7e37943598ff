"""Everything that happens to the backend arrives here, in order."""

import asyncio
from collections import deque
from dataclasses import dataclass

from backend.core.engine import Arrived
from backend.core.facts import Fact
from backend.features.directory.feature import DirectoryLoaded

_FULL = 500  # items; more only makes everybody's messages late
_BATCH = 1_000


@dataclass(frozen=True, slots=True)
class Connected:
    """The broker is there (again), and has forgotten what it may have known."""


@dataclass(frozen=True, slots=True)
class Stop:
    """Finish what came before, and come to an end."""


Item = Arrived | Fact | DirectoryLoaded | Connected | Stop


class Inbox:
    """A queue that is emptied in batches. It takes everything; who can wait does so until there is ``room``."""

    def __init__(self) -> None:
        self.room = asyncio.Event()
        self.room.set()
        self._items: deque[Item] = deque()
        self._filled = asyncio.Event()

    def add(self, item: Item) -> None:
        """Add something that cannot wait."""
        self._items.append(item)
        self._filled.set()
        if len(self._items) >= _FULL:
            self.room.clear()

    async def put(self, item: Item) -> None:
        """Add something once there is room."""
        await self.room.wait()
        self.add(item)

    async def batch(self, wait_s: float | None) -> list[Item]:
        """Return all that is there (at least one, at most a thousand), or nothing after *wait_s* seconds."""
        if not self._items:
            self._filled.clear()
            try:
                async with asyncio.timeout(wait_s):
                    await self._filled.wait()
            except TimeoutError:
                return []
        items = [self._items.popleft() for _ in range(min(_BATCH, len(self._items)))]
        if len(self._items) < _FULL:
            self.room.set()
        return items
