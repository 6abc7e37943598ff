"""Publishers wait while the embedder cannot keep up: in place of losing messages that were acknowledged."""

import asyncio


class Turns:
    """Lets those who wait go on in the order they came, one after the other, while there is *room*."""

    def __init__(self) -> None:
        self.room = asyncio.Event()
        self.room.set()
        self._line = asyncio.Lock()

    async def turn(self) -> None:
        """Wait for one's turn; where nobody waits and there is room, go on at once."""
        async with self._line:
            await self.room.wait()
