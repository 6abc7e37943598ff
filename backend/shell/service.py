"""The loop: take what came in, decide, store, act. The only place where these four meet."""

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sqlalchemy.exc import OperationalError

from backend.core.engine import Arrived, Engine, Send, not_stored
from backend.core.facts import Resumed
from backend.shell.inbox import Connected, Inbox, Item, Stop
from backend.shell.journal import Journal
from backend.shell.link import Link

log = logging.getLogger(__name__)

_RETRY_S = 0.5


@dataclass(frozen=True, slots=True)
class Greeting:
    """What the backend says of itself whenever it is connected, and whom it tells besides."""

    birth: Send
    ready: Callable[[], None]


class Service:
    """Runs the engine between the inbox, the journal and the link."""

    def __init__(
        self, engine: Engine, journal: Journal, link: Link, inbox: Inbox, now: Callable[[], float], greeting: Greeting
    ) -> None:
        self._engine = engine
        self._journal = journal
        self._link = link
        self._inbox = inbox
        self._now = now
        self._greeting = greeting
        self._was_connected = False
        self._held: list[Item] = []

    async def run(self) -> None:
        """Serve until a `Stop` comes out of the inbox."""
        stopped = False
        while not stopped:
            items = self._held + await self._inbox.batch(self._patience())
            self._held = []
            stopped = any(isinstance(item, Stop) for item in items)
            await self._take([item for item in items if not isinstance(item, Stop)])
        if self._held:
            log.error("%d messages could not be stored and are lost", len(self._held))

    def _patience(self) -> float | None:
        """Return how many seconds the loop may wait for something to happen."""
        if self._held:
            return _RETRY_S
        deadline = self._engine.deadline()
        return None if deadline is None else max(0.0, deadline - self._now())

    async def _take(self, items: Sequence[Item]) -> None:
        """Decide on a batch, store it as one, then act. Without storage nothing happened.

        A bug of ours costs the message that shows it, and no other: the batch is taken again, piece by piece.
        """
        try:
            sends = await self._decide(items)
        except OperationalError:
            log.exception("the journal cannot be written")
            self._engine.roll_back()
            sends = self._hold(items)
        except Exception:
            self._engine.roll_back()
            if not items:
                raise
            log.exception("this is a bug in Talkstick; %d messages at hand", len(items))
            await self._take_each(items)
            return
        if sends:
            await self._link.send(sends)
        if any(isinstance(item, Connected) for item in items):
            self._greeting.ready()

    async def _take_each(self, items: Sequence[Item]) -> None:
        if len(items) == 1:
            log.error("dropped %r", items[0])
            return
        for item in items:
            await self._take([item])

    async def _decide(self, items: Sequence[Item]) -> list[Send]:
        """Step through the batch and commit it, in a thread, since that waits for the disk; return what to send."""
        now = self._now()
        sends = [send for item in items for send in self._step(item, now)] + self._engine.tick(now)
        changes = self._engine.changes()
        if changes:
            await asyncio.to_thread(self._journal.commit, changes, now)
        self._engine.committed()
        return sends

    def _step(self, item: Item, now: float) -> list[Send]:
        match item:
            case Arrived():
                return self._engine.receive(item, now)
            case Connected():
                return self._introduce(now)
            case _:
                return self._engine.hear(item, now)

    def _introduce(self, now: float) -> list[Send]:
        """Tell a broker that may know nothing, or old things, how everything stands."""
        resumed = self._engine.hear(Resumed(), now) if self._was_connected else []
        self._was_connected = True
        return [send for send in resumed if not send.retain] + self._engine.projection(now) + [self._greeting.birth]

    def _hold(self, items: Sequence[Item]) -> list[Send]:
        """After a failed commit: who asked is told, and everything else is tried again."""
        answers = []
        for item in items:
            answer = not_stored(self._engine.table, item) if isinstance(item, Arrived) else None
            if answer is None:
                self._held.append(item)
            else:
                answers.append(answer)
        return answers
