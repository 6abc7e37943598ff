"""Publishers wait while the embedder cannot keep up: in place of losing messages that were acknowledged."""

import asyncio
from collections import deque
from collections.abc import Callable

_LOOK_EVERY_S = 0.005
_AT_ONCE = 50


class Turns:
    """Lets those who wait go on in the order they came, a few at a time, whenever it is not busy."""

    def __init__(self, is_busy: Callable[[], bool]) -> None:
        self._is_busy = is_busy
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._watching: asyncio.Task[None] | None = None

    def must_wait(self) -> bool:
        """Tell whether who comes now has to wait for its turn."""
        return bool(self._waiting) or self._is_busy()

    async def turn(self) -> None:
        """Wait for one's turn."""
        mine = asyncio.get_running_loop().create_future()
        self._waiting.append(mine)
        if self._watching is None or self._watching.done():
            self._watching = asyncio.create_task(self._watch())
        await mine

    async def _watch(self) -> None:
        while self._waiting:
            for _ in range(min(_AT_ONCE, len(self._waiting)) if not self._is_busy() else 0):
                first = self._waiting.popleft()
                if not first.done():  # its connection may have ended
                    first.set_result(None)
            await asyncio.sleep(_LOOK_EVERY_S)
