"""What is said to a device reaches its owner and nobody else, at both brokers, while owners change.

The brokers, the door, the steward, the watcher and the commands are the real ones; the test says what the server would.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Collection
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import pytest

from backend.app.table import TABLE
from backend.core.access import Rulebook
from backend.shell import address
from backend.shell.accounts import Accounts
from backend.shell.clock import SteadyClock
from backend.shell.database import open_database
from backend.shell.door import Door
from backend.shell.inbox import Inbox
from backend.shell.mosquitto import Steward
from backend.shell.mosquitto_rights import Rights
from backend.shell.watcher import Know, Watcher, marks
from broker.server import Listener, running
from tests.brokers.brokers import PEOPLE, Site
from tests.brokers.guest import Guest, content, guest
from tests.operator import Operator
from tests.rig import WITHIN_S

CONVERSATION, SPEECH, AUDIO = "devices/scale-1/conversation", "devices/scale-1/speech/7", "devices/scale-1/audio/7"
MINE = "devices/printer-1/conversation"
FILTERS = {"bob": ("devices/+/conversation", "devices/#", "backend/broadcast")}

Publish = Callable[[str, bytes], Awaitable[None]]


@dataclass
class Stage:
    """A broker, and how the server publishes there."""

    site: Site
    publish: Publish


async def _nobody_listens(_triggers: object) -> None: ...


@asynccontextmanager
async def watched(site: Site, door: Door, know: Know) -> AsyncIterator[None]:
    """Let the broker learn what the commands change."""
    database = open_database(site.talkstick.data)
    watcher = Watcher(database, Inbox(), door, _nobody_listens, SteadyClock())
    await watcher.tell()
    door.open()
    watching = asyncio.create_task(watcher.run(know))
    try:
        yield
    finally:
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)
        database.dispose()


@asynccontextmanager
async def embedded(folder: Path) -> AsyncIterator[Stage]:
    """Run the embedded broker."""
    site = Site.made(folder)
    database = open_database(site.talkstick.data)
    accounts = Accounts(database)
    door, listeners = Door(Rulebook(TABLE), accounts, ""), [Listener("tcp", "127.0.0.1", site.port)]
    async with running(listeners, door, accounts=marks(accounts.verifiers())) as broker:

        async def publish(topic: str, payload: bytes) -> None:
            broker.publish(topic, payload)

        async with watched(site, door, broker.know):
            yield Stage(site, publish)
    database.dispose()


@asynccontextmanager
async def at_mosquitto(folder: Path) -> AsyncIterator[Stage]:
    """Run a Mosquitto, and who keeps it in step."""
    site = Site.made(folder)
    site.export(folder / "mosquitto")
    assert site.mosquitto is not None
    database = open_database(site.talkstick.data)
    accounts = Accounts(database)
    rights = Rights(Rulebook(TABLE), "")
    site.mosquitto.start()
    steward = Steward(*address.parsed(site.broker, None), rights, accounts.principals)
    try:
        await steward.start()
        door = Door(Rulebook(TABLE), accounts, "")
        async with watched(site, door, steward.follow), guest(site, "backend") as server:
            yield Stage(site, server.publish)
    finally:
        await steward.close()
        site.mosquitto.stop()
        database.dispose()


STAGES: dict[str, Callable[[Path], AbstractAsyncContextManager[Stage]]] = {
    "embedded": embedded,
    "mosquitto": at_mosquitto,
}


class Audience:
    """Everybody, subscribed to everything that they can think of."""

    def __init__(self, stage: Stage, people: dict[str, Guest]) -> None:
        self._stage = stage
        self.people = people
        self._numbers = count()

    async def run(self, *arguments: str) -> None:
        """Type a command."""
        await asyncio.to_thread(Operator(self._stage.site.talkstick.data).run, *arguments)

    async def hears(self, topic: str) -> set[str]:
        """Say something as the server does; return whom it reaches."""
        said, over = next(self._numbers), next(self._numbers)
        await self._stage.publish(topic, b'{"said": %d}' % said)
        await self._stage.publish("backend/broadcast", b'{"over": %d}' % over)
        for who in self.people.values():
            await who.body("backend/broadcast", over=over)
        return {name for name, who in self.people.items() if heard(who, topic, said)}

    async def until(self, topic: str, *names: str) -> None:
        """Say something until it reaches these, and nobody else."""
        reached: Collection[str] = ()
        try:
            async with asyncio.timeout(WITHIN_S):
                while reached != set(names):
                    reached = await self.hears(topic)
        except TimeoutError:
            raise AssertionError(f"{topic} reaches {sorted(reached)}, not {sorted(names)}") from None


def heard(who: Guest, topic: str, number: int) -> bool:
    """Tell whether it came, and as something that is said now, not as something that was kept."""
    found = [message for message in who.got if str(message.topic) == topic and content(message).get("said") == number]
    assert not any(message.retain for message in found)
    return bool(found)


@asynccontextmanager
async def audience(stage: Stage) -> AsyncIterator[Audience]:
    """Let everybody in."""
    async with AsyncExitStack() as stack:
        people = {
            name: await stack.enter_async_context(guest(stage.site, name, *FILTERS.get(name, ("#",))))
            for name in PEOPLE
        }
        yield Audience(stage, people)


@pytest.mark.parametrize("broker", STAGES)
def test_who_hears_what_is_said_to_a_device(broker: str, tmp_path: Path) -> None:
    async def story() -> None:
        async with STAGES[broker](tmp_path) as stage, audience(stage) as everybody:
            await hears_what_is_said(everybody)
            async with guest(stage.site, "bob", "devices/#", "backend/broadcast") as late:
                await stage.publish("backend/broadcast", b'{"over": -1}')
                await late.body("backend/broadcast", over=-1)
                assert late.topics() == {"backend/broadcast"}, "nothing was kept"

    asyncio.run(story())


async def hears_what_is_said(everybody: Audience) -> None:
    assert await everybody.hears(CONVERSATION) == await everybody.hears(SPEECH) == {"admin", "scale-1", "alice"}

    await everybody.run("device", "owner", "scale-1", "bob", "--yes")
    await everybody.until(CONVERSATION, "admin", "scale-1", "bob")
    assert await everybody.hears(SPEECH) == {"admin", "scale-1", "bob"}

    await everybody.run("voice", "set", "scale-1", "heard=holder")
    await everybody.until(CONVERSATION, "admin", "scale-1", "alice", "bob", "ears", "bot", "zigbee2mqtt")
    assert await everybody.hears(SPEECH) == {"admin", "scale-1", "bob"}, "what is open is read, not heard"
    assert await everybody.hears(MINE) == {"admin", "printer-1"}, "and it is one device's only"
    assert await everybody.hears("devices/scale-1/conversation/reply/alice") == {"admin", "alice"}

    await everybody.run("voice", "set", "scale-1", "--unset", "heard")
    await everybody.until(CONVERSATION, "admin", "scale-1", "bob")

    await everybody.run("device", "owner", "printer-1", "alice")
    await everybody.until(MINE, "admin", "printer-1", "alice")
    assert await everybody.hears(CONVERSATION) == {"admin", "scale-1", "bob"}

    await everybody.run("device", "owner", "scale-1", "--none", "--yes")
    await everybody.until(CONVERSATION, "admin", "scale-1")
    assert await everybody.hears(MINE) == {"admin", "printer-1", "alice"}


@pytest.mark.parametrize("broker", STAGES)
def test_what_a_device_hears_is_for_the_server_and_of_that_device(broker: str, tmp_path: Path) -> None:
    async def story() -> None:
        async with STAGES[broker](tmp_path) as stage, audience(stage) as everybody:
            for number, name in enumerate(PEOPLE):
                await everybody.people[name].publish(AUDIO, {"said": number}, qos=0)
                await everybody.people[name].publish(CONVERSATION, {"said": -1})
            await everybody.people["scale-1"].publish(AUDIO, {"said": 99}, qos=0)
            await everybody.people["admin"].body(AUDIO, said=99)
            await everybody.hears(SPEECH)
            came = {
                name: [content(each) for each in who.got if str(each.topic) == AUDIO]
                for name, who in everybody.people.items()
            }
            may_say = [list(PEOPLE).index(name) for name in ("admin", "scale-1")]  # admins do it in the device's place
            assert came.pop("admin") == [{"said": number} for number in (*may_say, 99)]
            assert not any(came.values())
            for who in everybody.people.values():
                assert not heard(who, CONVERSATION, -1)

    asyncio.run(story())
