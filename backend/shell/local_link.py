"""The backend inside the process of its broker: nothing to connect, to encode, or to acknowledge."""

import asyncio
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from typing import Protocol

from backend.core.engine import Arrived, Send
from backend.core.topics import Tree
from backend.shell.clock import ticks
from backend.shell.inbox import Connected, Inbox
from backend.shell.link import Direct, at_once
from backend.shell.watching import Watching

_AT_ONCE = 16  # messages, before others have their turn: who gets them must acknowledge some before it gets more


class Broker(Protocol):
    """A broker in this process."""

    def attach(
        self, filters: Iterable[str], take: Callable[[str, bytes], None], room: asyncio.Event
    ) -> Iterator[tuple[str, bytes]]:
        """Hand over every message on these topics; return those that are retained. Publishers wait for room."""

    def detach(self, filters: Iterable[str], take: Callable[[str, bytes], None]) -> None:
        """Hand over no more of what only these filters cover."""

    def publish(self, topic: str, payload: bytes, *, retain: bool = False) -> None:
        """Pass a message on."""


class LocalLink:
    """Takes from the broker what the backend reads, and gives it what was decided. It needs no last will.

    ``direct`` is asked before the inbox is.
    """

    def __init__(self, broker: Broker, tree: Tree, subscriptions: Sequence[tuple[str, int]], inbox: Inbox) -> None:
        self._broker = broker
        self._tree = tree
        self._filters = [tree.on_wire(topic) for topic, _ in subscriptions]
        self._watching = Watching(self._filters)
        self._inbox = inbox
        self._is_attached = False
        self.direct: Direct = lambda _arrived: None

    async def run(self) -> None:
        """Read what is retained, and whatever comes, until cancelled."""
        self._inbox.add(Connected())
        self._is_attached = True
        self._watching.anew()
        await self._attach(self._filters)
        await self._listen()
        await asyncio.get_running_loop().create_future()

    async def watch(self, filters: Iterable[str], fresh: Collection[str]) -> None:
        """Hear these besides, in place of those before; what is retained under *fresh* ones comes, though it came."""
        on_wire = self._tree.on_wire
        self._watching.want(map(on_wire, filters), [on_wire(each) for each in fresh])
        if self._is_attached:
            await self._listen()

    async def send(self, sends: Sequence[Send]) -> bool:
        """Publish in order."""
        for number, send in enumerate(sends, 1):
            self._publish(send)
            if number % _AT_ONCE == 0:
                await asyncio.sleep(0)
        return True

    async def _listen(self) -> None:
        new, gone = self._watching.changes()
        self._watching.settled()
        await self._attach(new)
        self._broker.detach(gone, self._take)  # last: rather twice than not at all

    async def _attach(self, filters: Sequence[str]) -> None:
        for topic, payload in self._broker.attach(filters, self._take, self._inbox.room):
            self._take(topic, payload, retained=True)
            await self._inbox.room.wait()  # before the next is looked up

    def _take(self, topic: str, payload: bytes, *, retained: bool = False) -> None:
        arrived = Arrived(self._tree.off_wire(topic), payload, retained, ticks())
        sends = at_once(self.direct, arrived)
        if sends is None:
            self._inbox.add(arrived)
            return
        for send in sends:
            self._publish(send)

    def _publish(self, send: Send) -> None:
        self._broker.publish(self._tree.on_wire(send.topic), send.payload, retain=send.retain)
