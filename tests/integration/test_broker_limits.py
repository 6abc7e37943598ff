"""Who asks too much, or too often, is held back; the others notice nothing."""

import asyncio
import itertools
import json
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.conformance import packets
from tests.conformance.client import Client
from tests.conformance.links import Tcp
from tests.rig import WITHIN_S, Talkstick, serving
from tools.lean import LeanClient

NOT_AUTHORIZED, UNAVAILABLE = 5, 3
BACKLOG = 300_000


@pytest.fixture(scope="module")
def talkstick(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Talkstick]:
    limits = {"failed_logins": "3", "flapping": "4", "max_connections": "40", "max_backlog": str(BACKLOG)}
    with serving(tmp_path_factory.mktemp("limits"), **limits) as talkstick:
        yield talkstick


@pytest.fixture
def clients(talkstick: Talkstick) -> Iterator["Clients"]:
    with ExitStack() as stack:
        yield Clients(talkstick, stack)


class Clients:
    """Makes raw clients that end with the test."""

    def __init__(self, talkstick: Talkstick, stack: ExitStack) -> None:
        self._talkstick = talkstick
        self._stack = stack

    def new(self, room: int | None = None) -> Client:
        """Return a client that has not said CONNECT."""
        client = Client(Tcp(self._talkstick.port, room), WITHIN_S)
        self._stack.callback(client.end)
        return client

    def knock(self, name: str, secret: str, client_id: str = "") -> int:
        """Return the code of the CONNACK."""
        client = self.new()
        client.send(packets.connect(client_id, user=name, secret=secret))
        return client.connack()[1]

    def let_in(self, name: str, room: int | None = None) -> Client:
        """Return a client that was let in."""
        client = self.new(room)
        client.connect(packets.connect("", user=name, secret=self._talkstick.passwords[name]))
        return client


def test_who_guesses_too_often_is_not_asked_again_and_nobody_else_is_kept_out(
    talkstick: Talkstick, clients: Clients
) -> None:
    for _ in range(3):
        assert clients.knock("bob", "wrong") == NOT_AUTHORIZED
    for secret in ("wrong", talkstick.passwords["bob"]):
        assert clients.knock("bob", secret) == UNAVAILABLE, "nobody looks at it, for a minute"
    assert clients.knock("alice", talkstick.passwords["alice"]) == 0
    assert "'bob' from 127.0.0.1 is not let in: too many wrong logins" in talkstick.log.read_text()


def test_two_of_one_name_do_not_throw_each_other_out_for_ever(talkstick: Talkstick, clients: Clients) -> None:
    secret = talkstick.passwords["carol"]
    codes = [clients.knock("carol", secret, "twin") for _ in range(6)]
    assert codes == [0, 0, 0, 0, UNAVAILABLE, UNAVAILABLE]
    assert clients.knock("carol", secret, "single") == 0
    assert "'carol' from 127.0.0.1 is not let in: client id 'twin' connects too often" in talkstick.log.read_text()


def test_a_packet_that_is_too_large_is_refused_before_it_is_read(talkstick: Talkstick, clients: Clients) -> None:
    with talkstick.subscribe("admin", "devices/#") as admin:
        large = clients.let_in("alice")
        large.send(b"\x30" + packets.length(10_000_000), packets.text("devices/scale-1/command/go"))
        large.closed()
        talkstick.publish("scale-1", "devices/scale-1/heartbeat", {"boot": 1})
        admin.body("devices/scale-1/heartbeat", boot=1)


def test_a_reader_that_stops_is_not_waited_for(talkstick: Talkstick, clients: Clients) -> None:
    """It misses messages, the others do not; and when it reads on, it is served."""
    slow, sender = clients.let_in("alice", room=4096), clients.let_in("scale-1")
    assert slow.subscribe(("devices/scale-1/telemetry", 0)) == [0]
    padding, count = "x" * 20_000, 400
    with talkstick.subscribe("admin", "devices/scale-1/telemetry") as admin:
        for number in range(count):
            body = json.dumps({"number": number, "padding": padding}).encode()
            sender.publish("devices/scale-1/telemetry", body, 1)
            admin.body("devices/scale-1/telemetry", after=number, number=number)
    got = list[int]()
    for number in itertools.count(count):  # there is something to read, be it what is sent now
        sender.publish("devices/scale-1/telemetry", b'{"number":%d}' % number, 1)
        got.append(json.loads(slow.message().payload)["number"])
        if got[-1] >= count:
            break
    assert got == sorted(got)
    kept = sum(number < count for number in got)
    assert kept < count, "8 MB were never kept for it"
    assert kept * len(padding) >= BACKLOG


def test_there_is_room_for_so_many_and_then_again_when_one_leaves(talkstick: Talkstick, clients: Clients) -> None:
    connect = packets.connect("", user="alice", secret=talkstick.passwords["alice"])
    crowd = []
    while (another := clients.new()).is_let_in(connect):
        crowd.append(another)
    assert 30 < len(crowd) <= 40
    crowd[0].leave()
    while not clients.new().is_let_in(connect):
        pass


def test_an_address_that_connects_too_fast_is_held_back_for_a_moment(tmp_path: Path) -> None:
    with serving(tmp_path, connects_per_s="5") as talkstick, ExitStack() as stack:
        clients = Clients(talkstick, stack)
        burst = [clients.new() for _ in range(12)]
        for client in burst:
            client.send(packets.PINGREQ)
            client.closed()
        while not clients.new().is_let_in(packets.connect("", user="alice", secret=talkstick.passwords["alice"])):
            pass


def test_a_flood_of_one_costs_nobody_else_an_answer(talkstick: Talkstick) -> None:
    async def story() -> None:
        answers: asyncio.Queue[str] = asyncio.Queue()
        topic, port = "devices/scale-1/session/{}/{}", talkstick.port
        flooding = await LeanClient.connect(port, "alice", talkstick.passwords["alice"])
        asking = await LeanClient.connect(
            port, "admin", talkstick.passwords["admin"], lambda _, body: answers.put_nowait(json.loads(body)["id"])
        )
        await asking.subscribe(topic.format("reply", "admin"))
        flood = itertools.count()
        for number in range(20):
            while flooding.unacknowledged < 10_000:
                flooding.publish(topic.format("request", "alice"), b'{"id":"f%d","action":"renew"}' % next(flood))
            asking.publish(topic.format("request", "admin"), b'{"id":"a%d","action":"renew"}' % number)
            async with asyncio.timeout(WITHIN_S):
                assert await answers.get() == f"a{number}"
        flooding.cut()
        asking.close()

    asyncio.run(story())


def test_the_log_shows_no_bug(talkstick: Talkstick) -> None:
    assert "Traceback" not in talkstick.log.read_text()
