"""Where the relay of channels meets the connection: it answers what comes in at once."""

import asyncio
from collections.abc import Callable
from contextlib import suppress

from backend.core.engine import Arrived, Send
from backend.features.channels.feature import Relay
from backend.shell.inbox import Inbox


class Relaying:
    """Lets the relay answer data, and tells the engine which floors are used."""

    def __init__(self, relay: Relay, inbox: Inbox, now: Callable[[], float]) -> None:
        self._relay = relay
        self._inbox = inbox
        self._now = now
        self._sooner = asyncio.Event()
        self._awaited: float | None = None

    def take(self, message: Arrived) -> list[Send] | None:
        """Answer data at once; None: the message is no data."""
        sends = self._relay.take(message, self._now())
        due = self._relay.due() if sends else None
        if due is not None and (self._awaited is None or due < self._awaited):
            self._sooner.set()
        return sends

    async def run(self) -> None:
        """Tell which floors are used, until cancelled: their time without data is what ends a session."""
        while True:
            self._awaited = self._relay.due()
            with suppress(TimeoutError):
                async with asyncio.timeout(None if self._awaited is None else max(0.0, self._awaited - self._now())):
                    await self._sooner.wait()
            self._sooner.clear()
            for fact in self._relay.tell(self._now()):
                self._inbox.add(fact)
