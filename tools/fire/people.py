"""People under fire: they want what others have, and ask again with the same id when they are not sure."""

import asyncio
import json
import random
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from tools.actor import Login
from tools.fire.boards import Watcher
from tools.fire.history import History
from tools.fire.member import Member
from tools.lean import Hello

Json = Mapping[str, Any]

_UNSURE_AFTER_S = 0.7
_POLL_S = (0.3, 1.5)
_PACE_S = (0.0, 0.08)
_FOR_NOW = ("queued", "offered", "preempting")
_LONG_S = (0.5, 1.5)
_MEAN_S = 1.0
_PAGE = 100
_ASKED = ("id", "action", "type", "wait", "client", "input")
_SURELY = 0.95  # how often one gives back what one has


@dataclass
class World:
    """What everybody may know: where there is something to use, what was seen of it, and who was offered what."""

    floors: Sequence[str]
    people: Sequence[str]
    sight: Watcher
    offers: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Open:
    """A request that waits for an answer: which one is enough, and when to look or to ask again."""

    is_enough: Callable[[Json], bool]
    again: asyncio.Event


class Asker(Member):
    """One who asks, and asks again."""

    def __init__(self, login: Login, history: History, dice: random.Random, world: World) -> None:
        super().__init__(login, history, dice)
        self.world = world
        kinds = sorted({floor.split("/")[0] for floor in world.floors})
        self.filters = tuple(f"{kind}/+/session/reply/{self.name}" for kind in kinds)
        self._boot = 0
        self._count = 0
        self._answers: dict[str, Json] = {}
        self._asked: dict[str, tuple[str, Json]] = {}
        self._open: dict[str, _Open] = {}

    async def act(self, over: asyncio.Event) -> None:
        """Run one errand after the other, and the last one to its end."""
        while not over.is_set():
            await self.errand(self.dice.choice(self.world.floors))
            await self.rest()
        for floor in self.world.floors:
            for action in ("leave", "release", "leave"):  # a channel takes back who loses it
                await self.ask(floor, action)
        for floor, body in list(self._asked.values()):
            if self._answers[body["id"]]["code"] in _FOR_NOW:  # what came of it was lost with a connection
                await self.outcome(floor, body)

    async def errand(self, floor: str) -> None:
        """Do what one came for."""

    async def rest(self) -> None:
        """Wait a moment."""
        await asyncio.sleep(self.dice.uniform(*_PACE_S))

    async def ask(self, floor: str, action: str, **more: Any) -> Json:
        """Ask, and ask again until there is an answer; return it."""
        self._count += 1
        body = {"id": f"{self.name}-{self._count}", "action": action, **more}
        return await self._insist(floor, body, bool, (_UNSURE_AFTER_S, _UNSURE_AFTER_S))

    async def outcome(self, floor: str, body: Json) -> Json:
        """Wait for the answer that counts; ask again now and then, since it may be lost."""
        return await self._insist(floor, body, lambda answer: answer.get("code") not in _FOR_NOW, _POLL_S)

    async def _insist(
        self, floor: str, body: Json, is_enough: Callable[[Json], bool], again_s: tuple[float, float]
    ) -> Json:
        again = asyncio.Event()
        self._open[body["id"]] = _Open(is_enough, again)
        self._asked[body["id"]] = (floor, body)
        while not is_enough(self._answers.get(body["id"], {})):
            again.clear()
            await self.here.wait()
            for _ in range(2 if self.dice.random() < 0.05 else 1):
                self.history.note("request", self.name, floor=floor, body=body)
                self.say(f"{floor}/session/request/{self.name}", body)
            with suppress(TimeoutError):
                async with asyncio.timeout(self.dice.uniform(*again_s)):
                    await again.wait()
        del self._open[body["id"]]
        return {**body, **self._answers[body["id"]]}

    def arrive(self) -> None:
        """Ask again at once what is not answered: the answer may be lost with the connection."""
        for request in self._open.values():
            request.again.set()

    def hear(self, topic: str, body: Json, *, retained: bool) -> None:
        """Take an answer."""
        floor = "/".join(topic.split("/")[:2])
        self.history.note("reply", self.name, conn=self.conn, floor=floor, retained=retained, body=body)
        if "id" in body:
            self._answers[body["id"]] = body
            request = self._open.get(body["id"])
            if request is not None and request.is_enough(body):
                request.again.set()


class Person(Asker):
    """One who claims, uses, and gives back; or forgets to."""

    def hello(self) -> Hello:
        """Leave a last will for the app."""
        self._boot += 1
        will = json.dumps({"state": "lost", "boot": self._boot}).encode()
        return Hello(f"{self.name}-app", will=(f"users/{self.name}/clients/app/status", will))

    def pause_s(self) -> float:
        """Come back soon, or, now and then, so late that what one has is lost."""
        return self.dice.uniform(*_LONG_S) if self.dice.random() < 0.15 else super().pause_s()

    def arrive(self) -> None:
        """Say that the app is there."""
        self.say(f"users/{self.name}/clients/app/status", {"state": "online", "boot": self._boot}, retain=True)
        super().arrive()

    async def errand(self, floor: str) -> None:
        """Take what is offered, or claim; use it if it is granted."""
        if self.dice.random() < 0.1:
            self._meddle(floor)
        offered = next((each for each, to in self.world.offers.items() if to == self.name), None)
        if offered is not None:
            del self.world.offers[offered]
            answer = await self.ask(offered, "accept" if self.dice.random() < 0.8 else "decline")
            floor = offered
        else:
            wait = self.dice.random() < 0.75
            answer = await self.ask(floor, "claim", type="fire", wait=wait, client="app", input=self._input())
            if answer["code"] == "queued":
                answer = await self._wait(floor, answer)
        used = 0
        while answer["code"] == "granted" and answer["fence"] > used:
            used = answer["fence"]
            if await self._use(floor, used):
                return
            answer = await self._wait(floor, answer)  # an admin took it, and perhaps one is the next again

    async def _wait(self, floor: str, asked: Json) -> Json:
        """Wait for one's turn; or lose patience, which may come too late."""
        if self.dice.random() < 0.15:
            await self.rest()
            await self.ask(floor, "leave")
        return await self.outcome(floor, {key: value for key, value in asked.items() if key in _ASKED})

    async def _use(self, floor: str, fence: int) -> bool:
        """Do a few things with what one has; tell whether one has it still in the end, or gave it away."""
        for _ in range(self.dice.randrange(6)):
            await self.rest()
            if not await self._step(floor, fence):
                return False
        if self.dice.random() < 0.2:
            await self._hand_over(floor)
        if self.dice.random() < _SURELY:
            await self.ask(floor, "release", fence=fence)
            self._send(floor, fence)  # too late
        return True

    async def _step(self, floor: str, fence: int) -> bool:
        """Do something with what one has; tell whether one has it still."""
        match self.dice.randrange(7):
            case 0:
                answer = await self.ask(floor, "renew", fence=fence)
            case 1:
                answer = await self.ask(floor, "update", input=self._input(), fence=fence)
            case 2:
                answer = await self.ask(floor, "claim", wait=False, input=self._input())
                if answer["code"] == "queued":  # an admin took it, and one waits again
                    await self.ask(floor, "leave")
            case 3:
                answer = await self.ask(floor, "renew", fence=max(0, fence - 1))
                return bool(answer["code"] == "stale_fence")
            case _:
                self._send(floor, fence)
                return True
        return bool(answer["ok"]) and answer.get("fence") == fence

    async def _hand_over(self, floor: str) -> None:
        to = self.dice.choice([name for name in self.world.people if name != self.name])
        answer = await self.ask(floor, "offer", to=to)
        if answer["code"] == "offered":
            self.world.offers[floor] = to
            await self.outcome(floor, {key: answer[key] for key in ("id", "action", "to")})
            self.world.offers.pop(floor, None)

    def _meddle(self, floor: str) -> None:
        """Command what one does not hold, with a fence that anybody can read; or with one that is to come."""
        fence = self.world.sight.documents.get(floor, {}).get("fence", 0)
        self._send(floor, fence + self.dice.randrange(2))

    def _send(self, floor: str, fence: int) -> None:
        self._count += 1
        body = {"fence": fence, "by": self.name, "n": self._count}
        kind, topic = ("sent", "command/go") if floor.startswith("devices/") else ("data", f"data/{self.name}")
        self.history.note(kind, self.name, floor=floor, body=body)
        self.say(f"{floor}/{topic}", body)

    def _input(self) -> Json:
        self._count += 1
        return {self.name: self._count}


class Admin(Asker):
    """One who takes things away from others, now and then."""

    async def errand(self, floor: str) -> None:
        """Do one of the things that only admins may."""
        await asyncio.sleep(self.dice.expovariate(1 / _MEAN_S))
        action = self.dice.choice(("kick", "promote", "demote", "preempt"))
        if action == "preempt":
            await self._preempt(floor)
            return
        waiting = [place["user"] for place in self.world.sight.documents.get(floor, {}).get("queue", ())]
        user = self.dice.choice([*waiting, None]) if action != "demote" else None
        await self.ask(floor, action, **({"user": user} if user is not None else {}))

    async def remember(self) -> None:
        """Write down all sessions that the server remembers."""
        for floor in self.world.floors:
            page: Json = await self.ask(floor, "history", limit=_PAGE)
            while page.get("sessions"):
                for past in page["sessions"]:
                    self.history.note("past", floor=floor, body=past)
                page = await self.ask(floor, "history", limit=_PAGE, before=page["sessions"][-1]["fence"])

    async def _preempt(self, floor: str) -> None:
        asked = {"requeue": self.dice.random() < 0.7, "in_s": self.dice.choice((0, 0.3)), "client": "app"}
        answer = await self.ask(floor, "preempt", **asked)
        if answer["code"] in _FOR_NOW:
            answer = await self.outcome(floor, {"id": answer["id"], "action": "preempt", **asked})
        if answer["code"] == "granted":
            await self.rest()
            await self.ask(floor, "release")
