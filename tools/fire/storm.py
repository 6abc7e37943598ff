"""One run: people work, processes are killed, connections are cut, and then all must come to rest."""

import asyncio
import random
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from backend.core.principals import Role
from tools.actor import Login
from tools.fire.boards import Board, Watcher
from tools.fire.history import History, Json
from tools.fire.member import Member
from tools.fire.people import Admin, Asker, Person, World
from tools.fire.site import FireError, Part, Site

_KILL_AFTER_S = (0.2, 2.0)
_KILL_AT_ONCE = 0.15  # the share of starts during which it is killed again
_STARTS_S = (0.05, 0.8)
_CUT_EVERY_S = 0.3
_REST_WITHIN_S = 240.0  # no measurement: who takes longer is stuck, however slow the machine
_LOOK_EVERY_S = 0.1
_QUIET_LOOKS = 10
_CHANNELS = ("stage",)


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to happen, to how many."""

    broker: str
    kills: int
    seed: int
    port: int
    people: int = 12
    boards: int = 6


class Storm:
    """Everybody who takes part."""

    def __init__(self, plan: Plan, site: Site, history: History) -> None:
        self.plan = plan
        self.site = site
        self.history = history
        self.dice = random.Random(plan.seed)
        boards = [f"board-{number}" for number in range(plan.boards)]
        people = [f"person-{number}" for number in range(plan.people)]
        roles = dict.fromkeys(boards, Role.DEVICE) | dict.fromkeys((*people, "eyes", "ears"), Role.USER)
        logins = site.provision({**roles, "chief": Role.ADMIN}, _CHANNELS)
        self.floors = [f"devices/{name}" for name in boards] + [f"channels/{name}" for name in _CHANNELS]
        self.eyes, ears = (Watcher(logins[name], history, self._dice(), self.floors) for name in ("eyes", "ears"))
        self.askers = self._askers(logins, people)
        self.cuttable: list[Member] = [
            *(Board(logins[name], history, self._dice(), number) for number, name in enumerate(boards)),
            *self.askers,
            ears,
        ]
        self._fresh = logins["eyes"]

    def _askers(self, logins: dict[str, Login], people: Sequence[str]) -> list[Asker]:
        world = World(self.floors, people, self.eyes)
        persons = [Person(logins[name], self.history, self._dice(), world) for name in people]
        self.chief = Admin(logins["chief"], self.history, self._dice(), world)
        return [*persons, self.chief]

    def _dice(self) -> random.Random:
        return random.Random(self.dice.random())

    async def rage(self) -> None:
        """Kill and cut while all are at work; then let them finish, and write down how everything stands.

        Raises FireError where they cannot.
        """
        over = asyncio.Event()
        with living([*self.cuttable, self.eyes]):
            acting = [asyncio.create_task(asker.act(over)) for asker in self.askers]
            cutting = asyncio.create_task(self._cut())
            try:
                for number in range(self.plan.kills):
                    await asyncio.sleep(self.dice.uniform(*_KILL_AFTER_S))
                    await self._kill(number)
            finally:
                cutting.cancel()
                over.set()
            await self._finish(acting)
            await self._look()
            async with asyncio.timeout(_REST_WITHIN_S):
                await self.chief.remember()

    async def _kill(self, number: int) -> None:
        for part in self.site.parts:
            part.check()
        victims = self.dice.sample(self.site.parts, self.dice.choice((1, 1, 1, len(self.site.parts))))
        for part in victims:
            await part.kill()
        for part in self.site.parts:  # the backend cannot start without its broker
            if part in victims:
                await self._start(part, is_killed_again=self.dice.random() < _KILL_AT_ONCE)
        if (number + 1) % 10 == 0:
            print(f"{number + 1} of {self.plan.kills} times", flush=True)

    async def _start(self, part: Part, *, is_killed_again: bool) -> None:
        if is_killed_again:
            starting = asyncio.create_task(part.start())
            await asyncio.sleep(self.dice.uniform(*_STARTS_S))
            await part.kill()
            await starting
        await part.start()

    async def _cut(self) -> None:
        while True:
            await asyncio.sleep(self.dice.expovariate(1 / _CUT_EVERY_S))
            victim = self.dice.choice(self.cuttable)
            if victim.here.is_set():
                self.history.note("cut", victim.name, conn=victim.conn)
                victim.cut()

    async def _finish(self, acting: Sequence[asyncio.Task[None]]) -> None:
        """Let all finish what they are at. Who cannot, leaves a request without an answer in the history."""
        _, stuck = await asyncio.wait(acting, timeout=_REST_WITHIN_S)
        for task in stuck:
            task.cancel()
        for result in await asyncio.gather(*acting, return_exceptions=True):
            if isinstance(result, Exception):
                raise result

    async def _look(self) -> None:
        """Wait until all floors are free and nothing changes, and write down what fresh eyes see then."""
        fresh = Watcher(self._fresh, self.history, self._dice(), self.floors)
        with living([fresh]):
            until, quiet, seen = time.monotonic() + _REST_WITHIN_S, 0, dict[str, Json]()
            while quiet < _QUIET_LOOKS and time.monotonic() < until:
                await asyncio.sleep(_LOOK_EVERY_S)  # the last lease runs out by itself
                before, seen = seen, dict(fresh.documents)
                are_free = len(seen) == len(self.floors) and all(each.get("state") == "free" for each in seen.values())
                quiet = quiet + 1 if are_free and seen == before else 0
        for floor in self.floors:
            self.history.note("final", floor=floor, body=seen.get(floor, {}))


@contextmanager
def living(members: Sequence[Member]) -> Iterator[None]:
    """Let them live meanwhile."""
    lives = [asyncio.ensure_future(member.live()) for member in members]
    try:
        yield
    finally:
        for life, member in zip(lives, members, strict=True):
            life.cancel()
            member.cut()


async def run(plan: Plan, folder: Path) -> Path:
    """Run it; return the history. Raises FireError."""
    path = folder / "history.jsonl"
    site = Site(folder, plan.port, plan.broker)
    with History(path) as history:
        history.note("run", body={**asdict(plan), "settings": site.settings})
        storm = Storm(plan, site, history)
        site.set_up(history)
        try:
            for part in site.parts:
                await part.start()
            await storm.rage()
            for part in site.parts:
                part.check()
        finally:
            for part in site.parts:
                await part.kill()
    if site.complaints():
        raise FireError("the server's log tells of faults:\n" + "\n".join(site.complaints()[:10]))
    return path
