"""A thousand boards and a few people in one process, for hours: lean clients that come, go, and come back."""

import asyncio
import json
import logging
import random
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from backend.features.clients.messages import STATUS as APP
from backend.features.presence.messages import HEARTBEAT, PRESENCE, STATUS, TELEMETRY
from backend.features.sessions.messages import COMMAND, EVENT, REPLY, REQUEST, RESULT, SESSION
from backend.features.stats.messages import STATS
from tools.actor import Login
from tools.lean import Hello, LeanClient

log = logging.getLogger(__name__)

_SPEAKS_EVERY_S = 5.0
_BOARD_STAYS_S, _PERSON_STAYS_S = 300.0, 120.0  # on average
_AWAY_S = (1.0, 5.0)
_ANSWER_WITHIN_S = 15.0
_KEEP_ALIVE_S = 60
_HOT = 20  # so many boards are wanted by several people at once


@dataclass
class Seen:
    """What the crowd did and saw. ``waits``: seconds from claim to grant; ``codes``: how requests were answered."""

    published: int = 0
    heard: int = 0
    connected: int = 0
    logins: int = 0
    waits: list[float] = field(default_factory=list)
    codes: Counter[str] = field(default_factory=Counter)
    refused: Mapping[str, int] = field(default_factory=dict)
    errors: Counter[str] = field(default_factory=Counter)


class Member:
    """Somebody who connects, stays a while, leaves with or without a goodbye, and comes back."""

    stays_s = _BOARD_STAYS_S

    def __init__(self, login: Login, seen: Seen, gate: asyncio.Semaphore) -> None:
        self.login = login
        self.dice = random.Random(login.name)
        self.client: LeanClient | None = None
        self._seen = seen
        self._gate = gate

    async def live(self) -> None:
        """Come and go until cancelled; no error ends it."""
        while True:
            try:
                await self._visit()
            except asyncio.CancelledError:
                raise
            except Exception as error:  # noqa: BLE001 - an hour's run must not end for one of a thousand
                log.warning("%s: %r", self.login.name, error)
                self._seen.errors[type(error).__name__] += 1
            await asyncio.sleep(self.dice.uniform(*_AWAY_S))

    async def _visit(self) -> None:
        async with self._gate:  # all at once would wait longer for their hashes than a client has patience
            client = await LeanClient.connect(
                self.login.port, self.login.name, self.login.password, self._hear, self.hello()
            )
        self.client = client
        self._seen.connected += 1
        self._seen.logins += 1
        try:
            await self.arrive(client)
            if (
                not await _within(self.dice.expovariate(1 / self.stays_s), self.stay(client))
                and self.dice.random() < 0.5
            ):
                self.leave(client)
        finally:
            self._seen.connected -= 1
            client.cut()  # after a goodbye there is nothing left to cut
            self.client = None

    def say(self, topic: str, body: Mapping[str, Any], qos: int = 1, *, retain: bool = False) -> None:
        """Publish; nothing where there is no connection."""
        if self.client is not None:
            self._seen.published += 1
            self.client.publish(topic, json.dumps(body).encode(), qos, retain=retain)

    def _hear(self, topic: str, payload: bytes) -> None:
        self._seen.heard += 1
        self.hear(topic, payload)

    # What the kinds of members differ in

    def hello(self) -> Hello:
        """Return how to connect."""
        return Hello(client_id="app", keep_alive_s=_KEEP_ALIVE_S)

    async def arrive(self, client: LeanClient) -> None:
        """Subscribe, and say hello."""

    async def stay(self, client: LeanClient) -> None:
        """Do what one does, until cancelled. Returns where the connection broke."""
        await client.gone.wait()

    def leave(self, client: LeanClient) -> None:
        """Say goodbye."""
        client.close()

    def hear(self, topic: str, payload: bytes) -> None:
        """Take a message."""


class Board(Member):
    """A board that lives: heartbeats and telemetry, and results for commands. Every tenth keeps its session."""

    def __init__(self, login: Login, seen: Seen, gate: asyncio.Semaphore, number: int) -> None:
        super().__init__(login, seen, gate)
        self._boot = 0
        self._clean = number % 10 != 0

    def hello(self) -> Hello:
        """Count the boot; the last will belongs to it."""
        self._boot += 1
        will = json.dumps({"state": "lost", "boot": self._boot}).encode()
        return Hello("board", self._clean, _KEEP_ALIVE_S, (STATUS.at(device=self.login.name), will))

    async def arrive(self, client: LeanClient) -> None:
        """Listen to the session and to commands, then say that it is there."""
        await client.subscribe(SESSION.at(device=self.login.name))
        await client.subscribe(COMMAND.bound(device=self.login.name))
        self._status("online")

    async def stay(self, client: LeanClient) -> None:
        """Say something every few seconds."""
        name = self.login.name
        for number in count():
            pause_s = _SPEAKS_EVERY_S * self.dice.uniform(0.5, 1.5)
            if await _within(pause_s, client.gone.wait()):
                return
            if number % 2:
                self.say(HEARTBEAT.at(device=name), {"boot": self._boot}, qos=0)
            else:
                self.say(TELEMETRY.at(device=name), {"celsius": self.dice.gauss(40, 5), "reading": number})

    def leave(self, client: LeanClient) -> None:
        """Say that it goes."""
        self._status("disconnected")
        client.close()

    def hear(self, topic: str, payload: bytes) -> None:
        """Answer a command with a result."""
        if COMMAND.match(topic) is not None:
            fence = json.loads(payload)["fence"]
            self.say(RESULT.at(device=self.login.name), {"fence": fence, "output": {"grams": 12.5}, "complete": False})

    def _status(self, state: str) -> None:
        self.say(STATUS.at(device=self.login.name), {"state": state, "boot": self._boot}, retain=True)


class Person(Member):
    """Claims one board after another, commands it, gives it back; now and then does what is not allowed."""

    stays_s = _PERSON_STAYS_S

    def __init__(self, login: Login, seen: Seen, gate: asyncio.Semaphore, boards: Sequence[str]) -> None:
        super().__init__(login, seen, gate)
        self._boards = boards
        self._ids = count()
        self._waiting: dict[str, asyncio.Future[Mapping[str, Any]]] = {}
        self._status = APP.at(principal=login.name, client="app")

    def hello(self) -> Hello:
        """Leave a last will."""
        return Hello("app", keep_alive_s=_KEEP_ALIVE_S, will=(self._status, b'{"state":"lost"}'))

    async def arrive(self, client: LeanClient) -> None:
        """Listen to the answers, and say that it is there."""
        await client.subscribe(REPLY.bound(principal=self.login.name))
        self.say(self._status, {"state": "online"}, retain=True)

    async def stay(self, client: LeanClient) -> None:
        """Use boards, one at a time."""
        while not client.gone.is_set():
            await asyncio.sleep(self.dice.expovariate(1.0))
            among = self._boards[:_HOT] if self.dice.random() < 0.3 else self._boards
            await self._use(self.dice.choice(among))

    def leave(self, client: LeanClient) -> None:
        """Say that it goes."""
        self.say(self._status, {"state": "disconnected"}, retain=True)
        client.close()

    async def _use(self, board: str) -> None:
        start = time.perf_counter()
        granted = await self._ask(board, "claim", type="soak", input={"for": self.login.name})
        if granted["code"] == "granted":
            self._seen.waits.append(time.perf_counter() - start)
            self.say(COMMAND.at(device=board, name="tare"), {"fence": granted["fence"]})
            await asyncio.sleep(self.dice.uniform(0.1, 0.5))
            await self._ask(board, "release")
        elif self.dice.random() < 0.5:
            self.say(COMMAND.at(device=board, name="tare"), {"fence": 1})  # not the holder: refused

    async def _ask(self, board: str, action: str, **more: Any) -> Mapping[str, Any]:
        number = f"{action}-{next(self._ids)}-{time.time_ns()}"
        answer: asyncio.Future[Mapping[str, Any]] = asyncio.get_running_loop().create_future()
        self._waiting[number] = answer
        self.say(REQUEST.at(device=board, principal=self.login.name), {"id": number, "action": action, **more})
        try:
            async with asyncio.timeout(_ANSWER_WITHIN_S):
                return await answer
        finally:
            del self._waiting[number]

    def hear(self, topic: str, payload: bytes) -> None:
        """Take an answer."""
        del topic
        body = json.loads(payload)
        self._seen.codes[body["code"]] += 1
        answer = self._waiting.get(body.get("id", ""))
        if answer is not None and not answer.done():
            answer.set_result(body)


class Observer(Member):
    """Sees everything, as ``talkstick watch`` does, and what the backend counts."""

    stays_s = 10 * _PERSON_STAYS_S

    async def arrive(self, client: LeanClient) -> None:
        """Subscribe to what all boards say."""
        for topic in (PRESENCE, SESSION, EVENT, TELEMETRY, STATS):
            await client.subscribe(topic.filter)

    def hear(self, topic: str, payload: bytes) -> None:
        """Keep the counters."""
        if topic == STATS.at():
            self._seen.refused = json.loads(payload)["refused"]


async def _within(seconds: float, something: Awaitable[Any]) -> bool:
    """Wait for something, at most so long; tell whether it ended. A timeout of its own is an error of its own."""
    try:
        async with asyncio.timeout(seconds) as patience:
            await something
    except TimeoutError:
        if not patience.expired():
            raise
        return False
    return True


async def live_until(over: asyncio.Event, members: Sequence[Member], each: Callable[[], Awaitable[None]]) -> None:
    """Let them all live, and *each* run beside them, until *over* is set or *each* returns or fails."""
    lives = [asyncio.create_task(member.live()) for member in members]
    watching = asyncio.ensure_future(each())
    ending = asyncio.create_task(over.wait())
    try:
        await asyncio.wait([watching, ending], return_when=asyncio.FIRST_COMPLETED)
        if watching.done():
            watching.result()
    finally:
        for task in (watching, ending, *lives):
            task.cancel()
        await asyncio.gather(watching, ending, *lives, return_exceptions=True)
