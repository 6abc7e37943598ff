"""Publishers wait while the embedder cannot keep up: in place of losing messages that were acknowledged."""

import asyncio
from collections import deque

_AT_ONCE = 100  # so many make a batch for the embedder


class Turns:
    """Lets those who wait go on in the order they came, many at a time, whenever there is *room*."""

    def __init__(self) -> None:
        self.room = asyncio.Event()
        self.room.set()
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._calling: asyncio.Task[None] | None = None

    async def turn(self) -> None:
        """Wait for one's turn; where nobody waits and there is room, go on at once."""
        if self.room.is_set() and not self._waiting:
            return
        mine = asyncio.get_running_loop().create_future()
        self._waiting.append(mine)
        if self._calling is None or self._calling.done():
            self._calling = asyncio.create_task(self._call())
        await mine

    async def _call(self) -> None:
        while self._waiting:
            await self.room.wait()
            for _ in range(min(_AT_ONCE, len(self._waiting))):
                first = self._waiting.popleft()
                if not first.done():  # its connection may have ended
                    first.set_result(None)
            await asyncio.sleep(0)  # they go on now, and there may be no room any more
