"""The backend inside the process of its broker: nothing to connect, to encode, or to acknowledge."""

import asyncio
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Protocol

from backend.core.engine import Arrived, Send
from backend.shell.clock import ticks
from backend.shell.inbox import Connected, Inbox
from backend.shell.link import Direct, at_once

_AT_ONCE = 16  # messages, before others have their turn: who gets them must acknowledge some before it gets more


class Broker(Protocol):
    """A broker in this process."""

    def attach(
        self, filters: Iterable[str], take: Callable[[str, bytes], None], room: asyncio.Event
    ) -> Iterator[tuple[str, bytes]]:
        """Hand over every message on these topics; return those that are retained. Publishers wait for room."""

    def publish(self, topic: str, payload: bytes, *, retain: bool = False) -> None:
        """Pass a message on."""


class LocalLink:
    """Takes from the broker what the backend reads, and gives it what was decided. It needs no last will.

    ``direct`` is asked before the inbox is. At the broker, topics begin with *prefix*.
    """

    def __init__(self, broker: Broker, prefix: str, subscriptions: Sequence[tuple[str, int]], inbox: Inbox) -> None:
        self._broker = broker
        self._prefix = prefix
        self._filters = [prefix + topic for topic, _ in subscriptions]
        self._inbox = inbox
        self.direct: Direct = lambda _arrived: None

    async def run(self) -> None:
        """Read what is retained, and whatever comes, until cancelled."""
        self._inbox.add(Connected())
        for topic, payload in self._broker.attach(self._filters, self._take, self._inbox.room):
            self._take(topic, payload, retained=True)
            await self._inbox.room.wait()  # before the next is looked up
        await asyncio.get_running_loop().create_future()

    async def send(self, sends: Sequence[Send]) -> None:
        """Publish in order."""
        for number, send in enumerate(sends, 1):
            self._publish(send)
            if number % _AT_ONCE == 0:
                await asyncio.sleep(0)

    def _take(self, topic: str, payload: bytes, *, retained: bool = False) -> None:
        arrived = Arrived(topic.removeprefix(self._prefix), payload, retained, ticks())
        sends = at_once(self.direct, arrived)
        if sends is None:
            self._inbox.add(arrived)
            return
        for send in sends:
            self._publish(send)

    def _publish(self, send: Send) -> None:
        self._broker.publish(self._prefix + send.topic, send.payload, retain=send.retain)
