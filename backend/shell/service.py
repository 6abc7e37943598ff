"""The loop: take what came in, decide, store, act. The only place where these four meet."""

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from backend.core.automation import ErrandDone
from backend.core.effects import Consult
from backend.core.engine import Arrived, Engine, Send, not_stored
from backend.core.facts import BrokerReached, PhraseMade, Resumed, StorageBack
from backend.core.messages import refusal
from backend.core.refusals import EXPLAINED, Code
from backend.features.directory.feature import DirectoryLoaded
from backend.shell.inbox import Connected, Inbox, Item, Stop
from backend.shell.journal import Journal, NotStoredError
from backend.shell.outbox import Outbox

log = logging.getLogger(__name__)

_RETRY_S = 0.5
_HELD_AT_MOST = 10_000  # messages
_SAID_ONCE = (ErrandDone, DirectoryLoaded)
"""What is few, and would be missed for good: a run waits for ever, and nobody hears of a new account."""
_MADE_AGAIN = (PhraseMade,)
"""What only saves work, and is large: the memory is no place to keep it until a disk has room again."""


@dataclass(frozen=True, slots=True)
class Greeting:
    """What the backend says of itself whenever it is connected, and whom it tells besides."""

    birth: Send
    ready: Callable[[], None]


class Service:
    """Runs the engine between the inbox, the journal and the link.

    ``answered`` hears what is done; ``perform`` begins what takes longer, without waiting.
    """

    def __init__(
        self,
        engine: Engine,
        journal: Journal,
        outbox: Outbox,
        inbox: Inbox,
        now: Callable[[], float],
        greeting: Greeting,
    ) -> None:
        self._engine = engine
        self._journal = journal
        self._outbox = outbox
        self._inbox = inbox
        self._now = now
        self._greeting = greeting
        self.answered: Callable[[Sequence[Item]], None] = lambda _items: None
        self.perform: Callable[[object], None] = lambda _what: None
        self._was_connected = False
        self._storing = True
        self._held: list[Item] = []

    async def run(self) -> None:
        """Serve until a `Stop` comes out of the inbox."""
        stopped = False
        while not stopped:
            items = await self._next()
            stopped = any(isinstance(item, Stop) for item in items)
            await self._take([item for item in items if not isinstance(item, Stop)])
        if self._held:
            log.error("%d messages could not be stored and are lost", len(self._held))

    async def _next(self) -> list[Item]:
        """Return what is to be taken next; after a failed commit the same again, after a pause."""
        if self._storing:
            deadline = self._engine.deadline()
            return await self._inbox.batch(None if deadline is None else max(0.0, deadline - self._now()))
        await asyncio.sleep(_RETRY_S)
        held, self._held = self._held, []
        return held + await self._inbox.batch(0)

    async def _take(self, items: Sequence[Item]) -> None:
        """Decide on a batch, store it as one, then act. Without storage nothing happened.

        A bug of ours costs the message that shows it, and no other: the batch is taken again, piece by piece.
        """
        try:
            sends = await self._decide(items)
        except NotStoredError as error:
            if self._storing:  # say it once, not twice a second
                log.error("the journal cannot be written: %s", error.__cause__)
            self._storing = False
            self._engine.roll_back()
            sends = self._hold(items)
        except Exception:
            self._engine.roll_back()
            if not items:
                raise
            log.exception("this is a bug in Talkstick; %d messages at hand", len(items))
            await self._take_each(items)
            return
        await self._act(items, sends)

    async def _act(self, items: Sequence[Item], sends: list[Send]) -> None:
        """Do what was decided, now that it is stored. What is begun comes first: to send waits for the broker."""
        for what in self._engine.performed():
            self._begin(what)
        sends += [await self._consult(asked) for asked in self._engine.consulted()]
        if sends:
            await self._outbox.send(sends)
        if self._storing:
            self.answered(items)
        if any(isinstance(item, Connected) for item in items):
            self._greeting.ready()

    def _begin(self, what: object) -> None:
        try:
            self.perform(what)
        except Exception:
            log.exception("this is a bug in Talkstick; not begun: %r", what)

    async def _take_each(self, items: Sequence[Item]) -> None:
        if len(items) == 1:
            log.error("dropped %r", items[0])
            return
        for item in items:
            await self._take([item])

    async def _decide(self, items: Sequence[Item]) -> list[Send]:
        """Step through the batch and commit it, in a thread, since that waits for the disk; return what to send."""
        now = self._now()
        sends = [] if self._storing else self._engine.hear(StorageBack(), now)
        sends += [send for item in items for send in self._step(item, now)] + self._engine.tick(now)
        sends += self._engine.documents()
        changes = self._engine.changes()
        if changes or self._journal.is_due(now):
            await asyncio.to_thread(self._journal.commit, changes, now)
            self._storing = True
        self._engine.committed()
        return sends

    async def _consult(self, asked: Consult) -> Send:
        """Answer a request from what is stored, or as the same one was answered a moment ago."""
        now = self._now()
        known = self._engine.recall(asked.asked, now)
        if known is not None:
            return known
        try:
            reply = await asyncio.to_thread(self._journal.consult, asked, now)
        except NotStoredError as error:
            log.error("the journal cannot answer: %s", error.__cause__)
            reply = refusal(asked.asked.id, Code.NOT_STORED, EXPLAINED[Code.NOT_STORED])
        else:
            if asked.once:
                return self._engine.learn(asked.asked, reply, now)
        return Send(asked.asked.reply_topic, asked.asked.noted(reply).payload())

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
        known = [*(send for send in resumed if not send.retain), *self._engine.projection(now), self._greeting.birth]
        return known + self._engine.hear(BrokerReached(), now)

    def _hold(self, items: Sequence[Item]) -> list[Send]:
        """After a failed commit: who asked is told; everything else is kept, up to a limit, and tried again."""
        answers: list[Send] = []
        for item in items:
            if isinstance(item, _MADE_AGAIN):
                continue
            answer = not_stored(self._engine.table, item) if isinstance(item, Arrived) else None
            if answer is not None:
                answers.append(answer)
            elif len(self._held) < _HELD_AT_MOST or isinstance(item, _SAID_ONCE):
                self._held.append(item)
            else:
                log.error("too much waits for storage; lost %r", item)
        return answers
