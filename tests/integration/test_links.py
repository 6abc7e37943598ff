"""How the backend hears and speaks: in the process of its broker, over MQTT, and at Mosquitto."""

import asyncio
from collections.abc import AsyncIterator, Callable, Collection, Coroutine, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, cast

import pytest
from aiomqtt import MqttError

from backend.core.automation import TriggerSensed
from backend.core.engine import Arrived, Send
from backend.core.topics import Tree
from backend.shell import inbox as module
from backend.shell.inbox import Connected, Inbox, Item
from backend.shell.link import Broker, Link
from backend.shell.local_link import LocalLink
from backend.shell.mosquitto import Steward
from backend.shell.mosquitto_link import MosquittoLink
from broker.server import EmbeddedBroker, Listener, running
from tests.rig import WITHIN_S
from tools.brokers import OpenDoor, mosquitto
from tools.lean import LeanClient
from tools.ports import HOST, free_port

TREE = Tree("lab/", frozenset({"status", "data", "request", "reply", "broadcast", "log", "backend", "unread"}))
SUBSCRIPTIONS = [("status/+", 1), ("data/+", 1), ("request/+", 1)]
WILL = Send("backend/status", b"lost", retain=True)

AnyLink = Link | LocalLink


class Content:
    """A steward that has nothing to do."""

    async def ready(self) -> None: ...

    async def settle(self) -> None: ...

    def heard(self, sends: Collection[Send]) -> None: ...


@asynccontextmanager
async def local(_folder: Path, inbox: Inbox) -> AsyncIterator[tuple[int, AnyLink]]:
    """Run an embedded broker; yield its port, and the link inside."""
    port = free_port()
    async with running([Listener("tcp", HOST, port)], OpenDoor()) as broker:
        yield port, LocalLink(broker, TREE, SUBSCRIPTIONS, inbox)


@asynccontextmanager
async def over_mqtt(_folder: Path, inbox: Inbox) -> AsyncIterator[tuple[int, AnyLink]]:
    """Run an embedded broker, to which the link connects."""
    port = free_port()
    async with running([Listener("tcp", HOST, port)], OpenDoor()):
        yield port, Link(Broker(HOST, port, "backend", "-", TREE), SUBSCRIPTIONS, WILL, inbox)


@asynccontextmanager
async def at_mosquitto(folder: Path, inbox: Inbox) -> AsyncIterator[tuple[int, AnyLink]]:
    """Run a Mosquitto that lets everybody do everything."""
    with mosquitto(folder) as target:
        where = Broker(HOST, target.port, "backend", "-", TREE)
        yield target.port, MosquittoLink(where, SUBSCRIPTIONS, WILL, inbox, cast("Steward", Content()), [])


class Outside:
    """A client that hears everything."""

    def __init__(self) -> None:
        self.heard: list[tuple[str, bytes]] = []
        self.client: LeanClient | None = None

    def of(self, topic: str) -> list[bytes]:
        """Return what was heard on a topic."""
        return [payload for heard, payload in self.heard if heard == topic]

    async def connect(self, port: int) -> LeanClient:
        """Connect, and subscribe to everything."""
        self.client = await LeanClient.connect(port, "alice", "-", lambda *message: self.heard.append(message))
        await self.client.subscribe("#")
        return self.client


async def until(true: Callable[[], bool]) -> None:
    """Wait for something that nobody tells."""
    async with asyncio.timeout(WITHIN_S):
        while not true():  # noqa: ASYNC110
            await asyncio.sleep(0.005)


def run(story: Coroutine[None, None, None]) -> None:
    asyncio.run(asyncio.wait_for(story, WITHIN_S))


@asynccontextmanager
async def linked(link: AnyLink) -> AsyncIterator[None]:
    """Let the link run."""
    task = asyncio.create_task(link.run())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def taken(inbox: Inbox, count: int) -> list[Item]:
    """Take so many items out of the inbox."""
    items: list[Item] = []
    while len(items) < count:
        found = await inbox.batch(WITHIN_S)
        assert found, items
        items += found
    return items


@pytest.mark.parametrize("site", [local, over_mqtt, at_mosquitto])
def test_what_is_retained_comes_first_and_what_happens_next_comes_next(site: Any, tmp_path: Path) -> None:
    async def story() -> None:
        inbox = Inbox()
        async with site(tmp_path, inbox) as (port, link):
            outside = Outside()
            client = await outside.connect(port)
            client.publish("lab/status/a", b"1", retain=True)
            client.publish("status/a", b"another tree", retain=True)
            await until(lambda: len(outside.heard) == 2)
            async with linked(link):
                assert await taken(inbox, 2) == [Connected(), Arrived("status/a", b"1", retained=True)]
                client.publish("lab/request/a", b"2")
                client.publish("lab/unheard", b"3")
                client.publish("lab/status/a", b"4", retain=True)
                assert await taken(inbox, 2) == [Arrived("request/a", b"2"), Arrived("status/a", b"4")]
                await link.send([Send("reply", b"%d" % number, retain=number == 49) for number in range(50)])
                await until(lambda: len(outside.of("lab/reply")) == 50)
                assert outside.of("lab/reply") == [b"%d" % number for number in range(50)]

    run(story())


class Deaf(OpenDoor):
    """Refuses a subscription for a while."""

    def __init__(self, topic: str) -> None:
        self.topic = topic
        self.asked = 0

    def may_subscribe(self, _name: str, topic_filter: str) -> bool:
        self.asked += topic_filter == self.topic
        return topic_filter != self.topic


def test_a_server_that_may_not_hear_all_it_must_says_so_and_tries_again(caplog: pytest.LogCaptureFixture) -> None:
    async def story() -> None:
        inbox, door, port = Inbox(), Deaf("lab/request/+"), free_port()
        async with running([Listener("tcp", HOST, port)], door):
            link = Link(Broker(HOST, port, "backend", "-", TREE), SUBSCRIPTIONS, WILL, inbox)
            async with linked(link):
                await until(lambda: door.asked >= 3)
                assert caplog.text.count("no connection to the broker (it refuses to send lab/request/+)") >= 2
                assert "connected to the broker" not in caplog.text
                assert await inbox.batch(0) == []
                door.topic = ""
                assert await taken(inbox, 1) == [Connected()]

    run(story())


def test_a_source_that_is_refused_is_said_and_everything_else_is_heard(caplog: pytest.LogCaptureFixture) -> None:
    async def story() -> None:
        inbox, door, port = Inbox(), Deaf("shed/door"), free_port()
        async with running([Listener("tcp", HOST, port)], door):
            link = Link(Broker(HOST, port, "backend", "-", TREE), SUBSCRIPTIONS, WILL, inbox)
            async with linked(link):
                assert await taken(inbox, 1) == [Connected()]
                await link.watch(["shed/door", "shed/window"], [])
                assert "the broker refuses to send shed/door;" in caplog.text
                client = await Outside().connect(port)
                client.publish("shed/window", b"1")
                client.publish("lab/request/a", b"2")
                assert await taken(inbox, 2) == [Arrived("shed/window", b"1"), Arrived("request/a", b"2")]

    run(story())


@pytest.mark.parametrize("site", [local, over_mqtt, at_mosquitto])
def test_what_is_answered_at_once_never_enters_the_inbox(
    site: Any, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    def relay(arrived: Arrived) -> Sequence[Send] | None:
        if not arrived.topic.startswith("data/"):
            return None
        if arrived.payload == b"13":
            raise ZeroDivisionError
        return [Send("broadcast", arrived.payload), Send("log", arrived.payload)]

    async def story() -> None:
        inbox, outside = Inbox(), Outside()
        async with site(tmp_path, inbox) as (port, link):
            link.direct = relay
            client = await outside.connect(port)
            async with linked(link):
                assert await taken(inbox, 1) == [Connected()]
                for number in range(100):
                    client.publish("lab/data/a", b"%d" % number)
                client.publish("lab/request/a", b"claim")
                assert await taken(inbox, 1) == [Arrived("request/a", b"claim")]
                await until(lambda: len(outside.heard) == 299)
                said = [message for message in outside.heard if message[0] in ("lab/broadcast", "lab/log")]
                good = [b"%d" % number for number in range(100) if number != 13]
                assert said == [(topic, each) for each in good for topic in ("lab/broadcast", "lab/log")]

    run(story())
    assert caplog.text.count("this is a bug in Talkstick") == 1


def test_publishers_wait_while_the_inbox_is_full_and_nothing_acknowledged_is_lost(tmp_path: Path) -> None:
    clients, each = 30, 100

    async def story() -> None:
        inbox = Inbox()
        async with local(tmp_path, inbox) as (port, link), linked(link):
            assert await taken(inbox, 1) == [Connected()]
            publishers = [await LeanClient.connect(port, f"p{number}", "-") for number in range(clients)]
            for number in range(each):
                for publisher in publishers:
                    publisher.publish("lab/request/a", b"%d" % number)

            def acknowledged() -> int:
                return clients * each - sum(publisher.unacknowledged for publisher in publishers)

            await until(lambda: acknowledged() >= module._FULL)
            await asyncio.sleep(0.2)  # what was not held back would come now
            told = acknowledged()
            first = await inbox.batch(0)
            assert told <= len(first), "of nothing that is not here"
            assert module._FULL <= len(first) <= module._FULL + clients
            rest = await taken(inbox, clients * each - len(first))
            assert len(first) + len(rest) == clients * each
            await until(lambda: not any(publisher.unacknowledged for publisher in publishers))

    run(story())


def test_more_retained_messages_than_there_is_room_for_come_bit_by_bit(tmp_path: Path) -> None:
    many = 3 * module._FULL

    async def story() -> None:
        inbox = Inbox()
        async with local(tmp_path, inbox) as (port, link):
            publisher = await LeanClient.connect(port, "a", "-")
            for number in range(many):
                publisher.publish(f"lab/status/{number:05}", b"old", retain=True)
            await until(lambda: not publisher.unacknowledged)
            async with linked(link):
                await until(lambda: not inbox.room.is_set())
                publisher.publish(f"lab/status/{many - 1:05}", b"new", retain=True)
                await until(lambda: not publisher.unacknowledged)
                told = [item for item in await taken(inbox, many + 2) if isinstance(item, Arrived)]
                assert len({item.topic for item in told}) == many
                assert [item.payload for item in told if item.topic == told[-1].topic] == [b"new", b"new"]

    run(story())


def test_what_the_backend_retains_is_not_kept_over_a_restart(tmp_path: Path) -> None:
    async def retained(broker: EmbeddedBroker) -> list[tuple[str, bytes]]:
        return list(broker.attach(["#"], lambda *_: None, asyncio.Event()))

    async def story() -> None:
        port, store = free_port(), tmp_path / "broker.db"
        async with running([Listener("tcp", HOST, port)], OpenDoor(), store=store) as broker:
            client = await LeanClient.connect(port, "a", "-")
            for topic in ("theirs", "once theirs", "cleared"):
                client.publish(topic, b"1", retain=True)
            await until(lambda: not client.unacknowledged)
            broker.publish("ours", b"2", retain=True)
            broker.publish("once theirs", b"2", retain=True)
            broker.publish("cleared", b"", retain=True)
            assert dict(await retained(broker)) == {"theirs": b"1", "ours": b"2", "once theirs": b"2"}
        async with running([Listener("tcp", HOST, port)], OpenDoor(), store=store) as broker:
            assert await retained(broker) == [("theirs", b"1")]

    run(story())


def test_a_connection_on_which_nothing_is_answered_is_made_again(tmp_path: Path) -> None:
    async def story() -> None:
        inbox = Inbox()
        async with over_mqtt(tmp_path, inbox) as (_port, link):
            assert isinstance(link, Link)
            running_link = asyncio.create_task(link.run())
            assert Connected() in await inbox.batch(WITHIN_S)
            publish = link._publish

            async def unheard(_client: object, _send: Send) -> None:
                raise MqttError("Operation timed out")

            link._publish = unheard  # type: ignore[assignment, method-assign]
            await link.send([Send("status/a", b"1")])
            link._publish = publish  # type: ignore[method-assign]
            assert Connected() in await inbox.batch(WITHIN_S), "it connected again"
            await link.send([Send("status/a", b"2")])
            running_link.cancel()

    asyncio.run(asyncio.wait_for(story(), WITHIN_S))


@pytest.mark.parametrize("site", [local, over_mqtt, at_mosquitto])
def test_filters_come_and_go_while_it_runs(site: Any, tmp_path: Path) -> None:
    async def story() -> None:
        inbox, outside = Inbox(), Outside()
        async with site(tmp_path, inbox) as (port, link):
            client = await outside.connect(port)
            client.publish("zig/hall", b"retained", retain=True)
            await until(lambda: len(outside.heard) == 1)
            async with linked(link):
                assert await taken(inbox, 1) == [Connected()]
                overlapping = ["zig/hall", "stat/+/POWER", "stat/lamp/+", "status/a", "unread/+"]
                await link.watch(overlapping, overlapping)
                assert await taken(inbox, 1) == [Arrived("zig/hall", b"retained", retained=True)]
                for topic in ("stat/lamp/POWER", "stat/fan/POWER", "lab/status/a", "zig/other", "status/a", "zig/hall"):
                    client.publish(topic, b"ON")
                once = [Arrived(each, b"ON") for each in ("stat/lamp/POWER", "stat/fan/POWER", "status/a", "zig/hall")]
                assert await taken(inbox, 4) == once

                await link.watch(["zig/hall", "unread/+"], ["zig/hall"])
                assert await taken(inbox, 1) == [Arrived("zig/hall", b"retained", retained=True)], "once more"
                client.publish("stat/lamp/POWER", b"OFF")
                await link.send([Send("zig/hall", b"own"), Send("unread/a", b"own")])
                assert await taken(inbox, 2) == [Arrived("zig/hall", b"own"), Arrived("unread/a", b"own")]
                await until(lambda: outside.of("lab/unread/a") == [b"own"])
                assert outside.of("zig/hall")[-1:] == [b"own"]

                await link.watch([], [])
                client.publish("zig/hall", b"unheard")
                client.publish("lab/request/a", b"last")
                assert await taken(inbox, 1) == [Arrived("request/a", b"last")]

    run(story())


@pytest.mark.parametrize("site", [local, over_mqtt, at_mosquitto])
def test_what_is_retained_where_it_listens_anyhow_comes_again_for_whom_it_is_new(site: Any, tmp_path: Path) -> None:
    async def story() -> None:
        inbox, outside = Inbox(), Outside()
        async with site(tmp_path, inbox) as (port, link):
            client = await outside.connect(port)
            for each in ("a", "b"):
                client.publish(f"lab/status/{each}", each.encode(), retain=True)
            await until(lambda: len(outside.heard) == 2)
            retained = [Arrived(f"status/{each}", each.encode(), retained=True) for each in ("a", "b")]
            async with linked(link):
                connected, *come = await taken(inbox, 3)
                assert (connected, sorted(come, key=str)) == (Connected(), retained)
                await link.watch(["status/a"], ["status/a"])
                assert await taken(inbox, 1) == retained[:1]
                await link.watch(["status/a", "status/+"], ["status/+"])
                assert sorted(await taken(inbox, 2), key=str) == retained
                await link.watch(["status/a", "status/+"], [])
                for topic in ("lab/status/a", "lab/status/b", "lab/request/a"):
                    client.publish(topic, b"now")
                once = [Arrived(topic, b"now") for topic in ("status/a", "status/b", "request/a")]
                assert await taken(inbox, 3) == once, "it is subscribed to as before"
                await link.watch([], [])
                client.publish("lab/status/a", b"then")
                assert await taken(inbox, 1) == [Arrived("status/a", b"then")], "it comes anyhow"

    run(story())


@pytest.mark.parametrize("site", [over_mqtt, at_mosquitto])
def test_after_a_loss_it_listens_to_the_same_again(site: Any, tmp_path: Path) -> None:
    async def story() -> None:
        inbox, outside = Inbox(), Outside()
        async with site(tmp_path, inbox) as (port, link):
            await link.watch(["zig/+"], ["zig/+"])  # before there is a connection
            client = await outside.connect(port)
            client.publish("zig/hall", b"1", retain=True)
            await until(lambda: len(outside.heard) == 1)
            async with linked(link):
                for _ in range(2):
                    assert await taken(inbox, 2) == [Connected(), Arrived("zig/hall", b"1", retained=True)]
                    client.publish("zig/hall", b"2")
                    assert await taken(inbox, 1) == [Arrived("zig/hall", b"2")]
                    link._break()

    run(story())


def test_a_flood_of_a_source_waits_too(tmp_path: Path) -> None:
    clients, each = 10, 200

    async def story() -> None:
        inbox, told = Inbox(), TriggerSensed("pir", True, {})

        def sense(_arrived: Arrived) -> Sequence[Send]:
            inbox.add(told)
            return ()

        async with local(tmp_path, inbox) as (port, link), linked(link):
            link.direct = sense
            assert await taken(inbox, 1) == [Connected()]
            await link.watch(["zig/+"], [])
            publishers = [await LeanClient.connect(port, f"p{number}", "-") for number in range(clients)]
            for _ in range(each):
                for publisher in publishers:
                    publisher.publish("zig/hall", b"ON")
            await until(lambda: not inbox.room.is_set())
            await asyncio.sleep(0.2)  # what was not held back would come now
            first = await inbox.batch(0)
            assert module._FULL <= len(first) <= module._FULL + clients
            assert len(first) + len(await taken(inbox, clients * each - len(first))) == clients * each

    run(story())
