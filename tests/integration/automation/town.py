"""The engine as it is, its journal, and what does errands: they see the broker in a list."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager, suppress
from typing import Any, Literal

from backend.app.table import TABLE
from backend.core.access import Rulebook
from backend.core.automation import ErrandDone
from backend.core.effects import Asked
from backend.core.engine import Arrived, Send
from backend.core.facts import Announced
from backend.core.principals import Principal
from backend.features.sessions.policy import Limits, Policy
from backend.features.triggers.definitions import profile_definition
from backend.features.triggers.state import CallOff, Context, Errand, RunOver
from backend.features.voice.feature import Announce
from backend.shell.automation.workshop import workshop
from backend.shell.deeds import Deeds
from backend.shell.inbox import Inbox
from tests.house import BOUNDLESS, POLICY, House, memory_database, surroundings
from tests.rig import WITHIN_S

SCALE, PRINTER = "scale-1", "printer-1"
Phase = Literal["start", "repeat", "end"]


class Town:
    """Errands are begun, and what comes of them is told. Time passes for the engine when the test says so."""

    def __init__(self, policy: Policy = POLICY, quotas: Limits = BOUNDLESS, prefix: str = "") -> None:
        self.prefix = prefix
        self.house = House(memory_database(), policy, quotas=quotas)
        for device in (SCALE, PRINTER):
            self.house.receive(f"devices/{device}/status", {"state": "online", "boot": 1})
        self.house.commit()
        self.inbox = Inbox()
        self.deeds = Deeds(self.inbox)
        self.sent: list[Send] = []
        self.published: list[Send] = []
        self.told: list[ErrandDone] = []
        self.speaks = True
        self.away = 0  # so often the broker is not there
        self.news = asyncio.Condition()
        self.surroundings = surroundings(self.house, self.inbox, self.deeds)

    async def send(self, sends: Iterable[Send]) -> bool:
        """Stand where the broker stands, for what errands publish."""
        self.away -= 1
        if self.away >= 0:
            return False
        for send in sends:
            self.published.append(send)
            self.inbox.add(Arrived(send.topic, send.payload))
        await self._tell()
        return True

    @asynccontextmanager
    async def alive(self) -> AsyncIterator["Town"]:
        """Serve for the time of the block; then nothing may be left over."""
        async with workshop(
            self.surroundings, Rulebook(TABLE, self.prefix), TABLE.tree(self.prefix), self
        ) as self.shop:
            serving = asyncio.create_task(self._serve())
            try:
                yield self
                await self.shop.end()
            finally:
                serving.cancel()
                with suppress(asyncio.CancelledError):
                    await serving

    async def _serve(self) -> None:
        while True:
            for item in await self.inbox.batch(None):
                self._take(item)
            self._act(self.house.commit())
            await self._tell()

    def _take(self, item: object) -> None:
        match item:
            case ErrandDone():
                self.told.append(item)
            case Arrived(topic=topic, payload=payload):
                self.house.receive(topic, payload)
            case _:
                self.house.pending += self.house.engine.hear(item, self.house.now)

    def _act(self, sends: list[Send]) -> None:
        self.sent += sends
        self.deeds.learn(sends)
        self.shop.learn(sends)
        for what in self.house.performed:
            if isinstance(what, Announce) and self.speaks:
                self.announced(what.asked, what.device)
        self.house.performed.clear()

    async def _tell(self) -> None:
        async with self.news:
            self.news.notify_all()

    # What a test does

    def asks(self, who: Principal, device: str, action: str, **keys: Any) -> dict[str, Any]:
        """Ask something of a session, as an app would; return the answer."""
        answer = self.house.asks(who, device, action, **keys)
        self._act(self.house.commit())
        return answer

    def says(self, topic: str, body: Mapping[str, Any]) -> None:
        """Let a message arrive."""
        self.house.receive(topic, body)
        self._act(self.house.commit())

    def passes(self, seconds: float) -> None:
        """Let time pass, for the engine."""
        self.house.passes(seconds)
        self._act(self.house.commit())

    def announced(self, asked: Asked, device: str) -> None:
        """Let a device begin to say what it was asked to."""
        self.inbox.add(Announced(asked, device, turn=1))

    def begin(self, *actions: Mapping[str, Any], run: str = "run-1", phase: Phase = "start", **seen: Any) -> None:
        """Let an errand begin."""
        definition = profile_definition({"name": "Greeter", phase: list(actions)})
        self.shop.perform(Errand(phase, definition, context(run, self.house.now, **seen)))

    def call_off(self, run: str = "run-1") -> None:
        """Let an errand end."""
        self.shop.perform(CallOff(run))

    def over(self, run: str = "run-1") -> None:
        """Let a run be over."""
        self.shop.perform(RunOver(run))

    async def until(self, expected: Any, what: str = "what was expected") -> Any:
        """Return what *expected* returns as soon as it is true."""
        async with self.news:
            try:
                async with asyncio.timeout(WITHIN_S):
                    await self.news.wait_for(expected)
            except TimeoutError:
                raise AssertionError(f"{what} did not come; told {self.told}, sent {self.sent[-5:]}") from None
        return expected()

    async def outcome(self, run: str = "run-1") -> ErrandDone:
        """Return what was told of the run's errand, once it is; it is taken off the list."""
        done: ErrandDone = await self.until(lambda: next((each for each in self.told if each.session == run), None))
        self.told.remove(done)
        return done

    async def does(self, *actions: Mapping[str, Any], **more: Any) -> ErrandDone:
        """Let an errand be done; return what is told."""
        self.begin(*actions, **more)
        return await self.outcome(more.get("run", "run-1"))

    async def at_rest(self) -> None:
        """Wait until nothing is done for any run, and nothing is held."""
        runs: dict[str, Any] = vars(self.shop.end.__self__)["_runs"]  # type: ignore[attr-defined]
        while tasks := [task for run in runs.values() for task in run.tasks]:
            await asyncio.wait(tasks)
        assert runs == {}

    async def free(self, device: str) -> None:
        """Wait until nobody has a device, nor waits for it."""
        session = self.house.session
        await self.until(lambda: session(device).running is None and not session(device).queue, f"{device} is free")

    async def waits(self, who: str, device: str) -> None:
        """Wait until somebody waits for a device."""
        await self.until(lambda: self.house.session(device).waiter(who), f"{who} waits for {device}")

    async def holds(self, who: str, device: str) -> int:
        """Wait until somebody holds a device; return the fence."""
        await self.until(lambda: self.house.session(device).holder == who, f"{who} holds {device}")
        return self.house.session(device).fence

    def commands(self, device: str = SCALE) -> list[dict[str, Any]]:
        """Return the commands that a device got."""
        start = f"devices/{device}/command/"
        return [json.loads(send.payload) for send in self.published if send.topic.startswith(start)]


def context(run: str, now: float, **seen: Any) -> Context:
    """Return what the templates of a run see."""
    plain: dict[str, Any] = {
        "trigger": "pir",
        "trigger_name": "The PIR",
        "profile": "greeter",
        "profile_name": "Greeter",
        "mode": "one_shot",
        "owner": "alice",
        "active": True,
        "data": {"who": "Bob", "grams": 5},
        "config": {},
        "started_at": now,
    }
    return Context(session=run, **{**plain, **seen})


def command(name: str = "tare", device: str = SCALE, **keys: Any) -> dict[str, Any]:
    """Return the action that sends a command."""
    return {"do": "command", "device": device, "name": name, **keys}
