"""Gets devices for runs, in the name of the subscription's owner, and gives them back.

To the engine all that one owner does is one holder. So the runs of an owner take turns on a device; what the owner
holds by itself is used, and stays its own; and a place in the queue that an app of it has is not taken from that app.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Coroutine, Iterable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any
from weakref import WeakValueDictionary

from backend.core.desk import Desk
from backend.core.engine import Send
from backend.core.floors import device_floor
from backend.core.ids import is_id
from backend.core.messages import FreeJson
from backend.core.refusals import EXPLAINED, Code, Refused
from backend.features.sessions.feature import REPLY, REQUEST
from backend.features.sessions.messages import SESSION
from backend.features.sessions.state import Running, Session, Waiter
from backend.shell.deeds import Deeds, Question, Reply, Requests

_SESSIONS = Requests(REQUEST, REPLY)

_RENEW_S = 10.0  # at most this long apart: somebody whose apps are all away is given not much longer
_PAUSE_S = 1.0
_TRIES = 5
_PUT_OFF = (Code.RATE_LIMITED, Code.NOT_STORED, Code.CLIENT_LOST, Code.SUPERSEDED)


@dataclass(frozen=True, slots=True)
class Wish:
    """Which device is wanted, by whom, for which run, and for what; the run waits for it ``wait_s`` seconds."""

    device: str
    owner: str
    run: str
    type: str
    wait_s: float
    input: FreeJson = field(default_factory=dict)

    @property
    def levels(self) -> Mapping[str, str]:
        """The levels of the topics on which it is asked."""
        return {"device": self.device, "principal": self.owner}


@dataclass(slots=True)
class Hold:
    """A device that may be used. ``claim`` is the id of the request that got it; None: its owner had it already."""

    wish: Wish
    fence: int
    claim: str | None = None
    was_complete: bool = False
    """The device had said that the work was done: then it is nobody's fault that the session ended."""
    is_shared: bool = False
    """Its owner asked for it, too, and was told that it has it: it is for the owner to give it back."""

    def hear(self, reply: Reply) -> None:
        """Notice that the owner got by itself what is held here."""
        if reply["code"] == "granted" and reply.get("fence") == self.fence and reply.get("id") != self.claim:
            self.is_shared = True


async def to_the_end(deed: Coroutine[Any, Any, None]) -> None:
    """Do something that must not be left half done, though whoever does it is cancelled meanwhile."""
    doing, cancelled = asyncio.create_task(deed), None
    while not doing.done():
        try:
            await asyncio.wait([doing])
        except asyncio.CancelledError as error:
            cancelled = error
    doing.result()
    if cancelled is not None:
        raise cancelled


async def put_off(reply: Reply, codes: Iterable[Code]) -> None:
    """Wait until it is worth asking again. Raises Refused where it is not: for other reasons than these *codes*."""
    if reply["code"] not in codes:
        raise refused(reply)
    await asyncio.sleep(reply.get("retry_in_s") or _PAUSE_S)


def refused(reply: Reply) -> Refused:
    """Return the error that a refusal of the engine is."""
    code = Code(reply["code"])
    return Refused(code, reply.get("message") or EXPLAINED[code])


class Claiming:
    """Claims devices, and gives them back. It hears what goes out, to notice when a session changes."""

    def __init__(self, deeds: Deeds, sessions: Desk[Session]) -> None:
        self._deeds = deeds
        self._sessions = sessions
        self._turns: WeakValueDictionary[tuple[str, str], asyncio.Lock] = WeakValueDictionary()
        self._watching: dict[str, set[asyncio.Event]] = {}
        self._holds: dict[str, Hold] = {}  # by the topic on which their owner is answered; they take turns

    def learn(self, sends: Iterable[Send]) -> None:
        """Look for sessions that changed in what goes out, and for what owners got by themselves."""
        if self._watching:  # so it is while anything is held
            for send in sends:
                for changed in self._watching.get(send.topic, ()):
                    changed.set()
                if send.topic in self._holds:
                    self._holds[send.topic].hear(json.loads(send.payload))

    @asynccontextmanager
    async def held(self, wish: Wish) -> AsyncIterator[Hold]:
        """Hold a device for the time of the block. Raises Refused."""
        if not is_id(wish.device):
            raise Refused(Code.BAD_ID, f"{wish.device[:80]!r} is no device")
        turn = self._turns.setdefault((wish.owner, wish.device), asyncio.Lock())
        try:
            async with asyncio.timeout(wish.wait_s):
                await turn.acquire()
                try:
                    hold = await self._got(wish)
                except BaseException:
                    turn.release()
                    raise
        except TimeoutError:
            raise self._why_not(wish) from None
        answers = REPLY.at(**wish.levels)
        self._holds[answers] = hold
        keeping = asyncio.create_task(self._keep(hold))
        try:
            yield hold
        finally:
            keeping.cancel()
            try:
                if not hold.is_shared:
                    await to_the_end(self._give_back(hold.wish, hold.claim))
            finally:
                del self._holds[answers]
                turn.release()

    def check(self, hold: Hold) -> None:
        """Insist that the device is still held. Raises Refused: ``not_holder``."""
        if self._running(hold) is None:
            raise Refused(Code.NOT_HOLDER, f"{hold.wish.device} is held no longer by {hold.wish.owner} for this run")

    def is_over(self, hold: Hold) -> bool:
        """Tell whether the session ended because the device had said that its work was done."""
        return self._running(hold) is None and (hold.was_complete or self._is_complete(hold))

    async def work_anew(self, hold: Hold) -> None:
        """See to it that the next result of the device is not taken for that of the work before. Raises Refused."""
        running = self._running(hold)
        if running is not None and running.complete:
            body = {"action": "update", "input": {}, "fence": hold.fence}
            reply = await self._deeds.ask(_SESSIONS, body, **hold.wish.levels)
            if not reply["ok"]:
                raise refused(reply)
        hold.was_complete = False

    async def completed(self, hold: Hold) -> None:
        """Return once the device has said that its work is done. Raises Refused: ``not_holder``."""
        with self._changes(hold.wish.device) as changed:
            while not self._is_complete(hold):
                self.check(hold)
                await changed.wait()
                changed.clear()
        hold.was_complete = True

    def _is_complete(self, hold: Hold) -> bool:
        running = self._running(hold)
        if running is not None:
            return running.complete
        session = self._sessions.states.get(device_floor(hold.wish.device))
        return session is not None and (session.fence, session.reason) == (hold.fence, "completed")

    # Claiming

    async def _got(self, wish: Wish) -> Hold:
        """Return the device, as soon as it is its owner's. Raises Refused."""
        while True:
            await self._until_nobody_waits_for(wish)
            running = self._session(wish.device).running
            if running is not None and running.holder == wish.owner:
                is_ours = running.claim.client == wish.run  # of before a restart: nobody else would give it back
                return Hold(wish, running.fence, running.claim.asked.id if is_ours else None)
            body = {"action": "claim", "wait": True, "type": wish.type, "client": wish.run, "input": wish.input}
            with self._deeds.asking(_SESSIONS, body, **wish.levels) as claim:
                reply = await self._final(wish, claim)
                if reply["ok"]:
                    return Hold(wish, reply["fence"], claim.id)
            await put_off(reply, _PUT_OFF)

    async def _until_nobody_waits_for(self, wish: Wish) -> None:
        """Wait while an app of the owner waits for the device itself: a claim of ours would take its place."""
        with self._changes(wish.device) as changed:
            while (waiter := self._session(wish.device).waiter(wish.owner)) is not None and waiter.client != wish.run:
                await changed.wait()
                changed.clear()

    async def _final(self, wish: Wish, claim: Question) -> Reply:
        """Return the answer that is no ``queued``; who waits no longer leaves the queue."""
        try:
            reply = await claim.reply()
            while reply["code"] == "queued":
                reply = await claim.reply()
        except BaseException:
            await to_the_end(self._withdraw(wish, claim))
            raise
        return reply

    async def _withdraw(self, wish: Wish, claim: Question) -> None:
        if not claim.is_answered:  # it may be under way still
            await claim.soon()
        await self._give_back(wish, claim.id)

    async def _give_back(self, wish: Wish, claim: str | None) -> None:
        """End what a claim led to, and nothing else: a session, or a place in the queue."""
        for _ in range(_TRIES):
            match self._place(wish.device, claim):
                case Running(fence=fence):
                    body: dict[str, Any] = {"action": "release", "fence": fence}
                case Waiter():
                    body = {"action": "leave"}
                case _:
                    return
            reply = await self._deeds.ask(_SESSIONS, body, **wish.levels)
            if reply["code"] in _PUT_OFF:
                await asyncio.sleep(min(reply.get("retry_in_s") or _PAUSE_S, _RENEW_S))

    def _place(self, device: str, claim: str | None) -> Running | Waiter | None:
        """Return what a claim led to: who was made to wait on may wait, or hold, with another fence by now."""
        session = self._sessions.states.get(device_floor(device))
        if session is None or claim is None:
            return None
        if session.running is not None and session.running.claim.asked.id == claim:
            return session.running
        return next((waiter for waiter in session.queue if waiter.asked.id == claim), None)

    def _why_not(self, wish: Wish) -> Refused:
        session = self._session(wish.device)
        running = session.running
        if running is not None:
            who = running.claim.name if running.holder != wish.owner else f"another run of {wish.owner}"
            return Refused(Code.BUSY, f"{wish.device} was in use by {who} for {wish.wait_s:g} s")
        code = Code.DEVICE_OFFLINE if not session.reachable else Code.TIMED_OUT
        return Refused(code, f"{wish.device} could not be had within {wish.wait_s:g} s: {EXPLAINED[code]}")

    # Keeping

    async def _keep(self, hold: Hold) -> None:
        """Renew what was claimed, and notice when its work is done, until it is lost; then wait for it no longer."""
        clock = asyncio.get_running_loop().time
        renewed_at = clock()
        with self._changes(hold.wish.device) as changed:
            while (running := self._running(hold)) is not None:
                hold.was_complete = running.complete
                due = renewed_at + min(running.lease_s / 3, _RENEW_S)
                if hold.claim is not None and (running.client_lost or clock() >= due):
                    body = {"action": "renew", "fence": hold.fence}
                    await self._deeds.ask(_SESSIONS, body, **hold.wish.levels)
                    renewed_at = clock()
                    continue
                with suppress(TimeoutError):
                    async with asyncio.timeout_at(due if hold.claim is not None else None):
                        await changed.wait()
                changed.clear()
        await self._give_back(hold.wish, hold.claim)

    @contextmanager
    def _changes(self, device: str) -> Iterator[asyncio.Event]:
        """Return what is set whenever the session of a device has changed."""
        changed, topic = asyncio.Event(), SESSION.at(device=device)
        others = self._watching.setdefault(topic, set())
        others.add(changed)
        try:
            yield changed
        finally:
            others.discard(changed)
            if not others:
                del self._watching[topic]

    def _running(self, hold: Hold) -> Running | None:
        """Return the session that is held, or None where it is lost."""
        session = self._sessions.states.get(device_floor(hold.wish.device))
        running = session.running if session is not None else None
        is_same = running is not None and (running.holder, running.fence) == (hold.wish.owner, hold.fence)
        return running if is_same else None

    def _session(self, device: str) -> Session:
        """Return the session of a device. Raises Refused: ``unknown_device``."""
        session = self._sessions.states.get(device_floor(device))
        if session is None or not session.provisioned:
            raise Refused(Code.UNKNOWN_DEVICE, f"no device {device[:80]} is provisioned")
        return session
