"""What measuring triggers needs: a server with triggers and profiles, somebody who owns them, somebody who watches."""

import asyncio
import json
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

from backend.core.principals import Principal, Role
from backend.features.stats.messages import REPLY as ADMIN_REPLY
from backend.features.stats.messages import REQUEST as ADMIN_REQUEST
from backend.features.triggers.messages import PROFILE, REPLY, REQUEST, TRIGGER
from backend.shell.accounts import Accounts
from backend.shell.database import open_database
from backend.shell.triggers import Put, Triggers
from tools.lean import LeanClient
from tools.ports import free_port
from tools.server import Server

Json = Mapping[str, Any]

IDLE, BUSY, CROWD = "idle", "busy", "crowd"
"""Triggers: with profiles that do nothing, with such as publish something, with more runs than there are workers."""
RUNS = 100
CROWDED = 200
FLAPPING = 20
TAKES_S = 3.0  # each run of the crowd
DONE = "bench/done"

_OWNER, _ADMIN, _SECRET = "alice", "root", "bench"
_BOUNDLESS = 10**9
_ANSWER_WITHIN_S = 120.0


def flapping() -> Sequence[str]:
    """Return the triggers that flap."""
    return [f"flap-{number}" for number in range(FLAPPING)]


@dataclass(frozen=True, slots=True)
class Subscribed:
    """A profile that runs with a trigger, and how."""

    trigger: str
    profile: str
    plan: Json


def subscriptions() -> Iterator[Subscribed]:
    """Yield all of them. A flapping trigger has one that monitors and acts, and one that runs once."""
    monitoring, once = {"mode": "monitoring"}, {"mode": "one_shot", "run": "latest"}
    for number in range(RUNS):
        yield Subscribed(IDLE, f"nothing-{number}", monitoring)
        yield Subscribed(BUSY, f"telling-{number}", monitoring)
    for number in range(CROWDED):
        yield Subscribed(CROWD, f"waiting-{number}", {"mode": "one_shot"})
    for trigger in flapping():
        yield Subscribed(trigger, "telling-0", monitoring)
        yield Subscribed(trigger, "nothing-0", once)


def _profile(name: str) -> Json:
    tells = [{"do": "publish", "topic": DONE, "body": {"profile": "{{ profile }}", "active": "{{ active }}"}}]
    match name.partition("-")[0]:
        case "telling":
            return {"start": tells, "end": tells}
        case "waiting":
            return {"start": [{"do": "wait", "seconds": TAKES_S}]}
        case _:
            return {}


class PromiseError(Exception):
    """Something was lost, or left over; the message says what."""


def insist(what: str, *, found: object, wanted: object) -> None:
    """Insist that something is so. Raises PromiseError."""
    if found != wanted:
        raise PromiseError(f"{what}: {found}, not {wanted}")


def provisioned(data: Path) -> Server:
    """Return a server that does not run yet, whose triggers all belong to one account."""
    own = {"requests_per_minute": _BOUNDLESS, "ws_port": 0, "stats_s": 1.0}
    server = Server(data, free_port(), own)
    server.provision([])
    database, now = open_database(data), time.time()
    for who in (Principal(_OWNER, Role.USER, "Alice", topics=("bench/#",)), Principal(_ADMIN, Role.ADMIN, "Root")):
        Accounts(database).add(who, _SECRET, now)
    wanted = list(subscriptions())
    profiles = [Put("profile", name, _profile(name)) for name in dict.fromkeys(each.profile for each in wanted)]
    triggers = [Put("trigger", name, {"owner": _OWNER}) for name in dict.fromkeys(each.trigger for each in wanted)]
    Triggers(database).put([*profiles, *triggers], now)
    database.dispose()
    return server


class Owner:
    """Owns all triggers and subscriptions, and asks what an admin may ask."""

    def __init__(self) -> None:
        self._answers: dict[str, asyncio.Future[Json]] = {}
        self._ids = count()
        self._client: LeanClient
        self._admin: LeanClient

    async def connect(self, port: int) -> None:
        """Connect, and subscribe all profiles. Raises RuntimeError where one is refused."""
        self._client = await LeanClient.connect(port, _OWNER, _SECRET, self._heard)
        await self._client.subscribe(REPLY.at(trigger="+", principal=_OWNER))
        self._admin = await LeanClient.connect(port, _ADMIN, _SECRET, self._heard)
        await self._admin.subscribe(ADMIN_REPLY.at(principal=_ADMIN))
        for each in subscriptions():
            body = {"action": "subscribe", "profile": each.profile, **each.plan}
            await self._ask(self._client, REQUEST.at(trigger=each.trigger, principal=_OWNER), body)

    def says(self, trigger: str, *, active: bool) -> None:
        """Say whether a trigger is active."""
        body = b'{"active":true,"data":{"lux":12}}' if active else b'{"active":false,"data":{"lux":12}}'
        self._client.publish(TRIGGER.at(trigger=trigger), body, retain=True)

    async def stats(self) -> Json:
        """Ask how everything stands."""
        reply = await self._ask(self._admin, ADMIN_REQUEST.at(principal=_ADMIN), {"action": "stats"})
        return dict(reply["stats"])

    async def listed(self, trigger: str) -> None:
        """Ask something that is answered in order with all that comes in; in few words, for answers are remembered."""
        await self._ask(self._client, REQUEST.at(trigger=trigger, principal=_OWNER), {"action": "runs", "limit": 1})

    def close(self) -> None:
        """Say goodbye."""
        self._client.close()
        self._admin.close()

    async def _ask(self, client: LeanClient, topic: str, body: Json) -> Json:
        request_id = f"r{next(self._ids)}"
        answer = self._answers[request_id] = asyncio.get_running_loop().create_future()
        client.publish(topic, json.dumps({**body, "id": request_id}).encode())
        async with asyncio.timeout(_ANSWER_WITHIN_S):
            reply: Json = await answer
        if not reply["ok"]:
            raise RuntimeError(f"{body}: {reply}")
        return reply

    def _heard(self, _topic: str, payload: bytes) -> None:
        reply = json.loads(payload)
        answer = self._answers.pop(reply["id"], None)
        if answer is not None and not answer.done():
            answer.set_result(reply)


class Onlooker:
    """Sees the profile sessions, and what profiles publish, as any subscriber does."""

    def __init__(self) -> None:
        self.documents: dict[tuple[str, str], Json] = {}
        """The last document of each subscription."""
        self.done = 0
        """How much was published by profiles."""
        self.messages = 0
        self._states: dict[str, Counter[str]] = {}
        self._until: tuple[Callable[[], bool], asyncio.Future[float]] | None = None
        self._client: LeanClient

    async def connect(self, port: int, qos: int) -> None:
        """Watch."""
        self._client = await LeanClient.connect(port, _ADMIN, _SECRET, self._heard)
        await self._client.subscribe(PROFILE.filter, qos)
        await self._client.subscribe(DONE, qos)

    def number(self, trigger: str, state: str) -> int:
        """Return how many profiles of a trigger are in a state."""
        return self._states.get(trigger, Counter())[state]

    async def until(self, condition: Callable[[], bool], within_s: float = 60.0) -> float:
        """Return the moment at which something was seen to be so, by the clock for measuring. Raises TimeoutError."""
        if condition():
            return time.perf_counter()
        seen: asyncio.Future[float] = asyncio.get_running_loop().create_future()
        self._until = condition, seen
        async with asyncio.timeout(within_s):
            return await seen

    def close(self) -> None:
        """Say goodbye."""
        self._client.close()

    def _heard(self, topic: str, payload: bytes) -> None:
        self.messages += 1
        if topic == DONE:
            self.done += 1
        else:
            self._document(topic, json.loads(payload))
        if self._until is not None and self._until[0]():
            self._until[1].set_result(time.perf_counter())
            self._until = None

    def _document(self, topic: str, body: Json) -> None:
        _, trigger, _, profile = topic.split("/")
        states = self._states.setdefault(trigger, Counter())
        before = self.documents.get((trigger, profile))
        if before is not None:
            states[before["state"]] -= 1
        states[body["state"]] += 1
        self.documents[trigger, profile] = body


async def bare_fan_out(port: int, rounds: int, payload: bytes, qos: int) -> Sequence[float]:
    """Let the bare broker pass on as many retained messages; return how long each time took, in ms."""
    heard, taken = 0, list[float]()
    all_in = asyncio.Event()

    def hear(_topic: str, _payload: bytes) -> None:
        nonlocal heard
        heard += 1
        if heard % RUNS == 0:
            all_in.set()

    listener = await LeanClient.connect(port, "ears", "-", hear)
    await listener.subscribe("bare/#", qos)
    sender = await LeanClient.connect(port, "sender", "-")
    for _ in range(rounds):
        all_in.clear()
        start = time.perf_counter()
        for number in range(RUNS):
            sender.publish(f"bare/{number}", payload, retain=True)
        async with asyncio.timeout(30):
            await all_in.wait()
        taken.append((time.perf_counter() - start) * 1000)
        await asyncio.sleep(0.05)
    for client in (sender, listener):
        client.close()
    return taken
