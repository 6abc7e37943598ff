"""The loop: take what came in, decide, store, act. The only place where these four meet."""

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sqlalchemy.exc import SQLAlchemyError

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
        """Decide on a batch, commit it as one, then act."""
        now = self._now()
        sends = self._decide(items, now)
        if await self._commit(now):
            self._engine.committed()
        else:
            self._engine.roll_back()
            sends = self._hold(items)
        if sends:
            await self._link.send(sends)
        if any(isinstance(item, Connected) for item in items):
            self._greeting.ready()

    def _decide(self, items: Sequence[Item], now: float) -> list[Send]:
        """Step through the batch. A bug costs the message that shows it, and no other."""
        sends: list[Send] = []
        for index, item in enumerate(items):
            try:
                sends += self._step(item, now)
            except Exception:
                log.exception("this is a bug in Talkstick; dropped %r", item)
                self._engine.roll_back()
                return self._decide([*items[:index], *items[index + 1 :]], now)
        return sends + self._engine.tick(now)

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

    async def _commit(self, now: float) -> bool:
        """Store what changed, in a thread, since it waits for the disk. False: nothing was stored."""
        changes = self._engine.changes()
        if not changes:
            return True
        try:
            await asyncio.to_thread(self._journal.commit, changes, now)
        except SQLAlchemyError:
            log.exception("the journal cannot be written")
            return False
        return True

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
