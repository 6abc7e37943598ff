"""What an intent does is what its speaker could do: by the same engine, with the same answers."""

import asyncio
import json
from collections.abc import Callable, Coroutine, Iterator
from contextlib import suppress
from typing import Any, TypeVar

import pytest

from backend.core.engine import Arrived, Send
from backend.shell.deeds import Deeds
from backend.shell.inbox import Inbox
from backend.shell.voice.asking import Outcome
from backend.shell.voice.world import House
from tests.house import House as Engine
from tests.house import memory_database, surroundings
from tests.people import ALICE, BOB
from tests.rig import WITHIN_S

SCALE = "scale-1"
Result = TypeVar("Result")


class Town:
    """A house, and a world to look at it and act in it."""

    def __init__(self, runner: asyncio.Runner) -> None:
        self.runner = runner
        self.engine = Engine(memory_database())
        self.engine.receive(f"devices/{SCALE}/status", {"state": "online", "boot": 1})
        self.engine.commit()
        self.inbox = Inbox()
        self.deeds = Deeds(self.inbox)
        self.sent: list[Send] = []
        self.world = House(surroundings(self.engine, self.inbox, self.deeds), self._send)

    async def _send(self, send: Send) -> None:
        self.sent.append(send)
        self.engine.receive(send.topic, send.payload)

    def does(self, deed: Callable[[House], Coroutine[Any, Any, Result]]) -> Result:
        """Let something be done, while the engine serves."""

        async def story() -> Result:
            serving = asyncio.create_task(self._serve())
            try:
                return await asyncio.wait_for(deed(self.world), WITHIN_S)
            finally:
                serving.cancel()
                with suppress(asyncio.CancelledError):
                    await serving

        return self.runner.run(story())

    async def _serve(self) -> None:
        while True:
            for item in await self.inbox.batch(None):
                assert isinstance(item, Arrived)
                self.engine.receive(item.topic, item.payload)
            self.deeds.learn(self.engine.commit())


@pytest.fixture
def town() -> Iterator[Town]:
    with asyncio.Runner() as runner:
        yield Town(runner)


def test_a_device_is_claimed_for_long_and_given_back(town: Town) -> None:
    assert town.does(lambda world: world.claim(SCALE, "alice")) == Outcome(ok=True, code="granted")
    thing = town.world.thing(SCALE)
    assert thing is not None
    assert (thing.holder, thing.holder_name, thing.name, thing.online) == ("alice", "Alice", "The scale", True)
    assert thing.ends_s == 600, "as long as nothing may happen: nobody renews it"
    assert town.does(lambda world: world.claim(SCALE, "bob")) == Outcome(ok=False, code="busy")
    assert town.does(lambda world: world.release(SCALE, "bob")) == Outcome(ok=False, code="not_holder")
    assert town.does(lambda world: world.release(SCALE, "alice")) == Outcome(ok=True, code="released")
    again = town.world.thing(SCALE)
    assert again is not None
    assert again.holder is None


def test_a_command_carries_the_fence_and_is_its_holders(town: Town) -> None:
    tare = {"grams": 5}
    assert town.does(lambda world: world.command(SCALE, "alice", "tare", tare)).code == "not_holder"
    fence = town.engine.asks(ALICE, SCALE, "claim")["fence"]
    town.engine.commit()
    assert town.does(lambda world: world.command(SCALE, "bob", "tare", tare)).code == "not_holder"
    assert town.does(lambda world: world.command(SCALE, "alice", "tare/#", tare)).code == "bad_id"
    assert town.does(lambda world: world.command(SCALE, "alice", "tare", tare)).ok
    (send,) = town.sent
    assert (send.topic, json.loads(send.payload)) == (f"devices/{SCALE}/command/tare", {"grams": 5, "fence": fence})


def test_what_is_asked_twice_is_done_twice(town: Town) -> None:
    for _ in range(2):
        assert town.does(lambda world: world.claim(SCALE, "alice")).code == "granted"
        assert town.does(lambda world: world.release(SCALE, "alice")).code == "released"


def test_who_waits_is_told_of(town: Town) -> None:
    town.engine.asks(ALICE, SCALE, "claim")
    town.engine.asks(BOB, SCALE, "claim", wait=True)
    town.engine.commit()
    thing = town.world.thing(SCALE)
    assert thing is not None
    assert (thing.waiting, thing.next_name) == (1, "Bob")


def test_names_are_the_same_object_until_the_directory_changes(town: Town) -> None:
    names = town.world.names()
    assert names == {"scale-1": "The scale", "printer-1": "The printer"}
    assert town.world.names() is names
    town.engine.knows({"alice": ALICE})
    town.engine.commit()
    assert town.world.names() == {}
    assert town.world.thing(SCALE) is None
