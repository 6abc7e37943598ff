"""What goes out, and who may hear it first."""

from collections.abc import Callable, Sequence
from typing import Protocol

from backend.core.engine import Send


class Outbox(Protocol):
    """Takes what was decided to the broker."""

    async def send(self, sends: Sequence[Send]) -> bool:
        """Publish in order; return once it is the broker's, or (False) some of it cannot be."""


class Overheard:
    """An outbox whose *listeners* learn what is sent before it is: who was told to have a floor may use it."""

    def __init__(self, outbox: Outbox, *listeners: Callable[[Sequence[Send]], None]) -> None:
        self._outbox = outbox
        self._listeners = listeners

    async def send(self, sends: Sequence[Send]) -> bool:
        """Publish in order."""
        for listen in self._listeners:
            listen(sends)
        return await self._outbox.send(sends)
