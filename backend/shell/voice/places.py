"""Room for so many turns at a time; who comes later waits in order, and knows its position."""

import asyncio
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager


class Places:
    """A fair semaphore that tells everybody who waits how many are before it."""

    def __init__(self, number: int) -> None:
        self._free = number
        self._waiting: OrderedDict[asyncio.Future[None], Callable[[int], None]] = OrderedDict()

    @property
    def waiting(self) -> int:
        """How many wait."""
        return len(self._waiting)

    @asynccontextmanager
    async def place(self, tell: Callable[[int], None]) -> AsyncIterator[None]:
        """Hold a place; *tell* hears the position while there is none: 1 is next."""
        if self._free:
            self._free -= 1
        else:
            await self._wait(tell)
        try:
            yield
        finally:
            self._pass_on()

    async def _wait(self, tell: Callable[[int], None]) -> None:
        turn = asyncio.get_running_loop().create_future()
        self._waiting[turn] = tell
        tell(len(self._waiting))
        try:
            await turn
        except asyncio.CancelledError:
            if not turn.cancelled():
                self._pass_on()  # it had just got one
            elif self._waiting.pop(turn, None) is not None:
                self._tell()
            raise

    def _pass_on(self) -> None:
        while self._waiting:
            turn, _tell = self._waiting.popitem(last=False)
            if not turn.cancelled():
                turn.set_result(None)
                self._tell()
                return
        self._free += 1

    def _tell(self) -> None:
        for position, tell in enumerate(self._waiting.values(), 1):
            tell(position)
