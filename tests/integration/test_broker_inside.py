"""The embedded broker in this process: what only shows from inside, or where the moment matters."""

import asyncio
import sqlite3
import struct
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from amqtt.errors import BrokerError

from broker.keeper import Changes, Keeper
from broker.limits import Limits
from broker.server import EmbeddedBroker, Listener, running
from tests.rig import WITHIN_S
from tools.brokers import OpenDoor
from tools.lean import Hello, LeanClient, connect_packet, field, packet, publish_packet, subscribe_packet
from tools.ports import free_port

HOST = "127.0.0.1"


class Raw:
    """A client that sends bytes, and reads when it is told to."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    async def next(self) -> tuple[int, bytes]:
        """Read the next packet."""
        async with asyncio.timeout(WITHIN_S):
            head, size = await self.reader.readexactly(2)
            assert size < 128
            return head, await self.reader.readexactly(size)

    async def any(self) -> tuple[int, bytes]:
        """Read the next packet, whatever its size."""
        head, size = await self.reader.readexactly(2)
        if size >= 128:
            size += 128 * ((await self.reader.readexactly(1))[0] - 1)
        return head, await self.reader.readexactly(size)


@asynccontextmanager
async def raw(port: int, client_id: str, *, clean: bool = True) -> AsyncIterator[Raw]:
    reader, writer = await asyncio.open_connection(HOST, port)
    client = Raw(reader, writer)
    try:
        writer.write(connect_packet("alice", "-", Hello(clean=clean), client_id))
        assert (await client.next())[1][1] == 0
        yield client
    finally:
        writer.transport.abort()


def run(story: Callable[[int, EmbeddedBroker], Coroutine[None, None, None]], **options: Any) -> None:
    async def main() -> None:
        port = free_port()
        door = options.pop("door", OpenDoor())
        async with running([Listener("tcp", HOST, port)], door, **options) as broker, asyncio.timeout(WITHIN_S):
            await story(port, broker)

    asyncio.run(main())


async def longest_turn(work: Coroutine[None, None, None]) -> float:
    """Do some work; return the seconds of the longest moment in which nobody else had a turn."""
    loop, longest = asyncio.get_running_loop(), 0.0
    task, last = asyncio.ensure_future(work), loop.time()
    while not task.done():
        await asyncio.sleep(0.001)
        now = loop.time()
        longest, last = max(longest, now - last), now
    await task
    return longest


async def until(true: Callable[[], bool]) -> None:
    """Wait for something that nobody tells."""
    while not true():  # noqa: ASYNC110
        await asyncio.sleep(0.01)


async def until_answered(client: Raw, kind: int) -> None:
    """Read until a packet of that kind comes, whatever comes before."""
    while (await client.any())[0] != kind:
        pass


async def retain(port: int, count: int) -> None:
    publisher = await LeanClient.connect(port, "alice", "-")
    for number in range(count):
        publisher.publish(f"r/{number}", b"x", 1, retain=True)
    await until(lambda: not publisher.unacknowledged)
    publisher.close()


def test_who_subscribes_to_everything_many_times_holds_nobody_up() -> None:
    async def story(port: int, _broker: EmbeddedBroker) -> None:
        await retain(port, 20_000)
        async with raw(port, "greedy") as greedy:

            async def ask() -> None:
                greedy.writer.write(packet(0x82, b"\0\1" + b"\0\1#\0" * 1000))
                head, size = await greedy.reader.readexactly(2)
                assert (head, size) == (0x90, 0xEA)  # a SUBACK with a thousand codes

            assert await longest_turn(ask()) < 5.0, "it took 100 s where each filter was looked up at once"
            filters = b"".join(field(f"+/+/{number}") + b"\0" for number in range(1000))
            greedy.writer.write(packet(0x82, b"\0\2" + filters) + b"\xc0\0")
            assert await longest_turn(until_answered(greedy, 0xD0)) < 5.0, "nor do filters that find nothing"

    run(story)


def test_a_packet_of_ten_thousands_of_filters_is_refused_before_it_is_decoded() -> None:
    async def story(port: int, _broker: EmbeddedBroker) -> None:
        async with raw(port, "greedy") as greedy:
            greedy.writer.write(packet(0x82, b"\0\1" + b"\0\1a\0" * 60_000))
            with pytest.raises(asyncio.IncompleteReadError):
                await greedy.next()

    run(story)


def test_a_secret_that_becomes_void_during_the_login_lets_nobody_in() -> None:
    class SlowDoor(OpenDoor):
        def __init__(self) -> None:
            self.asked, self.goes_on, self.right = asyncio.Event(), asyncio.Event(), True

        async def authenticate(self, _name: str, _secret: str) -> bool:
            right = self.right
            self.asked.set()
            await self.goes_on.wait()
            return right

    async def main() -> None:
        port, door = free_port(), SlowDoor()
        async with running([Listener("tcp", HOST, port)], door, accounts={"alice": "old"}) as broker:
            login = asyncio.create_task(LeanClient.connect(port, "alice", "-"))
            await door.asked.wait()
            door.right = False
            await broker.know({"alice": "new"})
            door.goes_on.set()
            with pytest.raises(ConnectionRefusedError):
                await login

    asyncio.run(main())


def test_a_handshake_under_way_does_not_hold_up_the_shutdown() -> None:
    async def main() -> None:
        port, ws_port = free_port(), free_port()
        listeners = [Listener("tcp", HOST, port), Listener("ws", HOST, ws_port)]
        async with running(listeners, OpenDoor(), Limits(connect_s=2)):
            _, silent = await asyncio.open_connection(HOST, ws_port)
            silent.write(b"GET /mqtt HTTP/1.1\r\n")
            _, quiet = await asyncio.open_connection(HOST, port)
            begin = asyncio.get_running_loop().time()
        assert asyncio.get_running_loop().time() - begin < 8
        for writer in (silent, quiet):
            writer.transport.abort()

    asyncio.run(main())


def test_who_reads_slowly_but_steadily_is_not_closed() -> None:
    async def story(port: int, _broker: EmbeddedBroker) -> None:
        async with raw(port, "slow") as slow:
            slow.writer.write(subscribe_packet("t", b"\0\1", 0))
            assert (await slow.next())[0] == 0x90
            publisher = await LeanClient.connect(port, "bob", "-")
            for _ in range(150):
                publisher.publish("t", b"x" * 20_000, 0)
            taken = 0
            async with asyncio.timeout(WITHIN_S):
                while (
                    taken < 900_000
                ):  # it takes longer than a client may take nothing, and never takes nothing for long
                    taken += len(await slow.reader.readexactly(30_000))
                    await asyncio.sleep(0.12)
            publisher.close()

    run(story, limits=Limits(stalled_s=3.0))


def test_so_many_sessions_of_an_account_are_kept_and_no_more() -> None:
    async def story(port: int, broker: EmbeddedBroker) -> None:
        for number in range(12):
            async with raw(port, f"c{number}", clean=False) as client:
                client.writer.write(b"\xe0\x00")
                assert await client.reader.read() == b""
        kept = list(broker._house.router.sessions)
        assert kept == [f"alice/c{number}" for number in range(7, 12)], "those that were left last"

    run(story, limits=Limits(kept_sessions=5, flapping=1000))


def test_where_fewer_sessions_are_kept_after_a_restart_the_others_are_forgotten(tmp_path: Path) -> None:
    async def main() -> None:
        port, store = free_port(), tmp_path / "broker.db"
        listeners = [Listener("tcp", HOST, port)]
        async with running(listeners, OpenDoor(), store=store):
            for number in range(4):
                async with raw(port, f"c{number}", clean=False) as client:
                    client.writer.write(subscribe_packet("t", b"\0\1", 1))
                    assert (await client.next())[0] == 0x90
                    client.writer.write(b"\xe0\x00")
                    assert await client.reader.read() == b""
        for _ in range(2):  # what was forgotten leaves no rows that the next start would stumble over
            async with running(listeners, OpenDoor(), Limits(kept_sessions=2), store) as broker:
                assert list(broker._house.router.sessions) == ["alice/c2", "alice/c3"]
                publisher = await LeanClient.connect(port, "bob", "-")
                publisher.publish("t", b"x", 1)
                await until(lambda publisher=publisher: not publisher.unacknowledged)  # type: ignore[misc]
                publisher.close()

    asyncio.run(main())


def test_retained_messages_that_a_restart_cut_off_come_afterwards(tmp_path: Path) -> None:
    async def main() -> None:
        port, store = free_port(), tmp_path / "broker.db"
        listeners = [Listener("tcp", HOST, port)]
        async with running(listeners, OpenDoor(), store=store):
            await retain(port, 100)
            async with raw(port, "c", clean=False) as client:
                client.writer.write(subscribe_packet("r/#", b"\0\1", 1))
                while (await client.next())[0] != 0x90:
                    pass
        async with running(listeners, OpenDoor(), store=store):
            got = asyncio.Queue[str]()
            again = await LeanClient.connect(
                port, "alice", "-", lambda topic, _: got.put_nowait(topic), Hello(client_id="c", clean=False)
            )
            async with asyncio.timeout(WITHIN_S):
                missing = {f"r/{number}" for number in range(100)}
                while missing:
                    missing.discard(await got.get())
            again.close()

    asyncio.run(main())


@pytest.fixture
def is_full(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """Fill the disk, until it holds something false."""
    write, is_full = Keeper._write, [True]

    def full(self: Keeper, changed: Changes) -> None:
        if is_full[0]:
            raise sqlite3.OperationalError("database or disk is full")
        write(self, changed)

    monkeypatch.setattr(Keeper, "_write", full)
    return is_full


def numbered(number: int) -> bytes:
    return struct.pack("!H", number)


def test_while_the_disk_is_full_only_what_must_be_kept_waits(tmp_path: Path, is_full: list[bool]) -> None:
    async def story(port: int, _broker: EmbeddedBroker) -> None:
        async with raw(port, "board") as board, raw(port, "app") as app:
            board.writer.write(publish_packet("a/status", b"x", numbered(1), retain=True))
            board.writer.write(publish_packet("a/b", b"in order", numbered(2)) + b"\xc0\0")
            assert (await board.next())[0] == 0xD0, "it is served, and told nothing of what is not kept"
            app.writer.write(subscribe_packet("+/c", numbered(1)))
            assert (await app.next())[0] == 0x90, "a clean session's subscription need not be kept"
            app.writer.write(publish_packet("a/c", b"y", numbered(2)))
            assert {(await app.next())[0], (await app.next())[0]} == {0x32, 0x40}, "nor what passes through"
            is_full[0] = False
            assert [await board.next(), await board.next()] == [(0x40, numbered(1)), (0x40, numbered(2))]

    run(story, store=tmp_path / "broker.db")


def receive(client: Raw) -> None:
    client.writer.write(packet(0x34, field("a/b") + numbered(1) + b"x"))


def clear(client: Raw) -> None:
    client.writer.write(publish_packet("a/b", b"", numbered(1), retain=True))


def unsubscribe(client: Raw) -> None:
    client.writer.write(packet(0xA2, numbered(1) + field("a/b")))


@pytest.mark.parametrize("ask", [receive, clear, unsubscribe])
def test_while_the_disk_is_full_what_is_asked_again_waits_as_what_was_asked_first(
    tmp_path: Path, is_full: list[bool], ask: Callable[[Raw], None]
) -> None:
    async def story(port: int, _broker: EmbeddedBroker) -> None:
        is_full[0] = False
        async with raw(port, "c", clean=False) as client:
            client.writer.write(subscribe_packet("a/b", numbered(1), 0))
            client.writer.write(publish_packet("a/b", b"x", numbered(2), retain=True))
            await until_answered(client, 0x40)
            is_full[0] = True
        for _ in range(2):  # the second connection asks for what the first one was not told
            async with raw(port, "c", clean=False) as client:
                ask(client)
                client.writer.write(b"\xc0\0")
                heard = []
                while 0xD0 not in heard:
                    heard.append((await client.any())[0])
                assert not {0x40, 0x50, 0xB0} & set(heard)
        is_full[0] = False

    run(story, store=tmp_path / "broker.db")


def test_while_the_disk_is_full_a_hasty_client_waits_with_its_next_packet(tmp_path: Path, is_full: list[bool]) -> None:
    async def story(port: int, broker: EmbeddedBroker) -> None:
        async with raw(port, "hasty") as hasty:
            one = publish_packet("a/b", b"x", numbered(1), retain=True)
            hasty.writer.write(one * 5000)
            connection = next(iter(broker._connections))
            await until(lambda: connection._unanswered > 1000)
            await asyncio.sleep(0.2)  # it would have grown by all the others
            assert connection._unanswered < 1100
            is_full[0] = False
            for _ in range(5000):
                assert (await hasty.next())[0] == 0x40

    run(story, store=tmp_path / "broker.db")


def test_who_waits_for_its_turn_is_not_silent_and_comes_in_the_order_it_came() -> None:
    order = list[int]()

    async def story(port: int, broker: EmbeddedBroker) -> None:
        room = asyncio.Event()  # there is none, until it is set
        broker.attach([], lambda *_: None, room)
        hearing = await LeanClient.connect(port, "bob", "-", lambda _, body: order.append(int(body)))
        await hearing.subscribe("t", 0)
        hello = Hello(keep_alive_s=1)
        waiting = list[LeanClient]()
        for number in range(80):
            client = await LeanClient.connect(port, "alice", "-", hello=hello)
            client.publish("t", b"-1", 0)
            client.publish("t", b"%d" % number, 1)
            waiting.append(client)
            await until(lambda: len(order) == len(waiting))
        await asyncio.sleep(2.0)
        assert order == [-1] * 80, "one each, before it had to wait"
        assert not any(client.gone.is_set() for client in waiting), "keep-alive was over after 1.5 s"
        room.set()
        await until(lambda: len(order) == 160)
        assert order[80:] == list(range(80))
        for client in (hearing, *waiting):
            client.close()

    run(story)


def test_one_port_on_two_addresses() -> None:
    async def main() -> None:
        port = free_port()
        async with running([Listener("tcp", host, port) for host in ("127.0.0.1", "127.0.0.2")], OpenDoor()):
            for host in ("127.0.0.1", "127.0.0.2"):
                _, writer = await asyncio.open_connection(host, port)
                writer.transport.abort()

    asyncio.run(main())


def test_a_listener_that_fails_takes_the_others_with_it() -> None:
    async def main() -> None:
        port, taken = free_port(), await asyncio.start_server(lambda *_: None, HOST, 0)
        used = int(taken.sockets[0].getsockname()[1])
        async with taken:
            with pytest.raises(BrokerError):
                async with running([Listener("tcp", HOST, port), Listener("tcp", HOST, used)], OpenDoor()):
                    pass
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection(HOST, port)

    asyncio.run(main())
