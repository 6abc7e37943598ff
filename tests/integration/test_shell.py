"""The shell with its real parts: SQLite that is full, a broker that goes away, a machine with a bug."""

import asyncio
import json
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import aiomqtt
import pytest
from sqlalchemy import Engine as Database
from sqlalchemy import create_engine, event, text
from sqlalchemy.exc import OperationalError

from backend.app.table import TABLE
from backend.core.access import Rulebook
from backend.core.desk import Desk
from backend.core.engine import Arrived, Engine, Send
from backend.core.facts import Resumed
from backend.core.principals import Principal, Role, Roster
from backend.features.channels import feature as channels
from backend.features.directory import feature as directory
from backend.features.presence import feature as presence
from backend.features.sessions import feature as sessions
from backend.features.sessions.machine import Resulted
from backend.features.stats import feature as stats
from backend.features.voice import feature as voice
from backend.shell import service
from backend.shell.accounts import Accounts, verify
from backend.shell.database import open_database
from backend.shell.door import Door
from backend.shell.inbox import Connected, Inbox, Item, Stop
from backend.shell.journal import Journal
from backend.shell.link import Broker, Link
from backend.shell.service import Greeting, Service
from broker.server import Listener, running
from tests.rig import WITHIN_S
from tools.brokers import OpenDoor
from tools.ports import free_port

PEOPLE = {
    "alice": Principal("alice", Role.USER, "Alice"),
    "bob": Principal("bob", Role.USER, "Bob"),
    "scale-1": Principal("scale-1", Role.DEVICE, "Scale"),
}
BIRTH = Send("backend/status", b'{"state":"online"}', retain=True)
ONLINE = Arrived("devices/scale-1/status", b'{"state":"online","boot":1}')


def ask(who: str, request_id: str, **body: object) -> Arrived:
    payload = json.dumps({"id": request_id, **body}).encode()
    return Arrived(f"devices/scale-1/session/request/{who}", payload)


class Outbox:
    """Stands where the link stands, and keeps what was sent."""

    def __init__(self) -> None:
        self.sent: list[Send] = []
        self._waiters: dict[str, asyncio.Future[dict[str, Any]]] = {}

    async def send(self, sends: Sequence[Send]) -> bool:
        self.sent += sends
        for send in sends:
            if send.topic in self._waiters:
                self._waiters.pop(send.topic).set_result(json.loads(send.payload))
        return True

    async def wait_for(self, topic: str) -> dict[str, Any]:
        """Return the next body that is sent on a topic."""
        waiter: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
        self._waiters[topic] = waiter
        return await waiter

    def bodies(self, topic: str) -> list[dict[str, Any]]:
        return [json.loads(send.payload) for send in self.sent if send.topic == topic]


class Backend:
    """Engine, journal and service on a real database, without a broker."""

    def __init__(self, database: Database, link: Any) -> None:
        accounts_desk = directory.desk()
        desks: list[Desk[Any]] = [
            accounts_desk,
            presence.desk(presence.Limits()),
            sessions.desk(sessions.Policy()),
            channels.desk(),
            stats.desk(),
            voice.desk(),
        ]
        self.engine = Engine(TABLE, desks, directory.Listing(accounts_desk))
        self.journal = Journal(database, voice.archives(voice.Bounds()))
        self.now = 1000.0
        self.journal.load(self.engine, self.now)
        self.inbox = Inbox()
        greeting = Greeting(BIRTH, lambda: None)
        self.service = Service(self.engine, self.journal, link, self.inbox, lambda: self.now, greeting)

    async def live(self, *items: Item) -> None:
        """Serve these items, and stop."""
        for item in (Resumed(), directory.DirectoryLoaded(PEOPLE), *items, Stop()):
            await self.inbox.put(item)
        await self.service.run()


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    opened = open_database(tmp_path)
    yield opened
    opened.dispose()


def fill(database: Database) -> None:
    """Let the database be as large as it is, and no larger: what a full disk looks like to SQLite."""
    with database.connect() as connection:
        pages = connection.execute(text("PRAGMA page_count")).scalar_one()
    event.listen(database, "connect", lambda made, _record: made.execute(f"PRAGMA max_page_count={pages}"))
    database.dispose()  # the limit is of each connection: none goes on that was made before


def test_a_full_disk_refuses_what_was_asked_and_changes_nothing(
    database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    outbox = Outbox()
    asyncio.run(Backend(database, outbox).live(ONLINE, ask("alice", "a1", action="claim", type="before")))
    assert outbox.bodies("devices/scale-1/session")[-1]["holder"] == "alice"

    fill(database)
    outbox = Outbox()
    large = "x" * 60_000
    asyncio.run(Backend(database, outbox).live(ask("alice", "a2", action="update", input={"large": large})))
    replies = outbox.bodies("devices/scale-1/session/reply/alice")
    assert [(reply["id"], reply["code"]) for reply in replies] == [("a2", "not_stored")]
    assert outbox.bodies("devices/scale-1/session") == []
    assert "database or disk is full" in caplog.text

    again = Backend(database, Outbox())
    session = again.engine.desks[2].states["devices/scale-1"]
    assert (session.running.holder, session.running.input, session.fence) == ("alice", {}, 1)


def test_what_was_not_asked_is_tried_again_until_there_is_room(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    outbox = Outbox()
    backend = Backend(database, outbox)
    asyncio.run(backend.live(ONLINE, ask("alice", "a1", action="claim")))
    write, failures = backend.journal._write, iter([True, True, False])
    read_only = create_engine(f"sqlite:///file:{database.url.database}?mode=ro&uri=true")

    def failing(connection: Any, changes: Any, now: float) -> None:
        if next(failures):
            with read_only.connect() as other:
                other.execute(text("DELETE FROM replyrow"))
        write(connection, changes, now)

    monkeypatch.setattr(backend.journal, "_write", failing)
    result = Arrived("devices/scale-1/result", b'{"fence":1,"output":{"kg":7},"complete":true}')

    async def story() -> None:
        serving = asyncio.create_task(backend.service.run())
        await backend.inbox.put(result)
        happened = await outbox.wait_for("devices/scale-1/session/event")
        assert happened["event"] == "completed"
        await backend.inbox.put(Stop())
        await serving

    asyncio.run(asyncio.wait_for(story(), WITHIN_S))
    read_only.dispose()
    assert outbox.bodies("devices/scale-1/session")[-1]["output"] == {"kg": 7}


def test_what_nobody_says_again_is_kept_however_much_waits_for_storage(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "_HELD_AT_MOST", 1)
    outbox = Outbox()
    backend = Backend(database, outbox)
    asyncio.run(backend.live(ONLINE, ask("alice", "a1", action="claim")))
    write, failures = backend.journal._write, iter([True, False, False])

    def failing(connection: Any, changes: Any, now: float) -> None:
        if next(failures):
            raise OperationalError("INSERT", {}, Exception("database or disk is full"))
        write(connection, changes, now)

    monkeypatch.setattr(backend.journal, "_write", failing)
    result = Arrived("devices/scale-1/result", b'{"fence":1,"output":{"kg":7},"complete":true}')
    zoe = Principal("zoe", Role.USER, "Zoe")

    async def story() -> None:
        for item in (result, result, directory.DirectoryLoaded({**PEOPLE, "zoe": zoe})):
            backend.inbox.add(item)
        serving = asyncio.create_task(backend.service.run())
        await outbox.wait_for("devices/scale-1/session/event")
        backend.inbox.add(ask("zoe", "z1", action="claim"))
        assert (await outbox.wait_for("devices/scale-1/session/reply/zoe"))["code"] == "busy"
        backend.inbox.add(Stop())
        await serving

    asyncio.run(asyncio.wait_for(story(), WITHIN_S))


def test_a_full_disk_is_retried_calmly_though_a_lease_is_over(
    database: Database, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    outbox = Outbox()
    backend = Backend(database, outbox)
    asyncio.run(backend.live(ONLINE, ask("alice", "a1", action="claim")))
    attempts: list[float] = []
    thrice = threading.Event()

    def full(_connection: Any, _changes: Any, _now: float) -> None:
        attempts.append(time.monotonic())
        if len(attempts) == 3:
            thrice.set()
        raise OperationalError("INSERT", {}, Exception("database or disk is full"))

    monkeypatch.setattr(backend.journal, "_write", full)
    backend.now += 1000

    async def story() -> None:
        task = asyncio.create_task(backend.service.run())
        assert await asyncio.to_thread(thrice.wait, WITHIN_S)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    asyncio.run(story())
    assert attempts[2] - attempts[0] > 0.9, "half a second after the last"
    assert caplog.text.count("the journal cannot be written") == 1
    assert backend.engine.desks[2].states["devices/scale-1"].holder == "alice"
    monkeypatch.undo()
    for item in (ask("alice", "a2", action="renew"), Stop()):
        backend.inbox.add(item)
    asyncio.run(backend.service.run())
    replies = outbox.bodies("devices/scale-1/session/reply/alice")
    assert replies[-1]["code"] == "renewed", "nobody could renew meanwhile, so nobody loses for it"


def test_a_bug_costs_one_message_and_no_more(
    database: Database, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    outbox = Outbox()
    backend = Backend(database, outbox)
    desk = backend.engine.desks[2]
    step = desk.step

    def with_a_bug(state: Any, event: object, now: float) -> Any:
        if isinstance(event, Resulted):
            raise ZeroDivisionError
        return step(state, event, now)

    monkeypatch.setattr(desk, "step", with_a_bug)
    result = Arrived("devices/scale-1/result", b'{"fence":1}')
    asyncio.run(backend.live(ONLINE, ask("alice", "a1", action="claim"), result, ask("bob", "b1", action="claim")))
    assert outbox.bodies("devices/scale-1/session/reply/alice")[-1]["code"] == "granted"
    assert outbox.bodies("devices/scale-1/session/reply/bob")[-1]["code"] == "busy"
    assert "this is a bug in Talkstick" in caplog.text


def test_nothing_is_sent_before_it_is_stored(database: Database) -> None:
    stored: list[int] = []

    class Looking(Outbox):
        async def send(self, sends: Sequence[Send]) -> bool:
            with database.connect() as connection:
                stored.append(connection.execute(text("SELECT count(*) FROM replyrow")).scalar_one())
            return await super().send(sends)

    outbox = Looking()
    asyncio.run(Backend(database, outbox).live(ONLINE, ask("alice", "a1", action="claim")))
    assert outbox.bodies("devices/scale-1/session/reply/alice")[-1]["code"] == "granted"
    assert stored[-1] == 1


def test_an_answer_from_what_is_stored_says_what_was_ignored_too(database: Database) -> None:
    outbox, root = Outbox(), Principal("root", Role.ADMIN, "Root")
    request = Arrived("devices/scale-1/conversation/request/root", b'{"id":"1","action":"history","limt":5}')
    asyncio.run(Backend(database, outbox).live(directory.DirectoryLoaded({**PEOPLE, "root": root}), request))
    (reply,) = outbox.bodies("devices/scale-1/conversation/reply/root")
    assert (reply["ok"], reply["turns"], reply["ignored"]) == (True, [], ["limt: did you mean limit?"])


def test_a_broker_that_comes_back_is_told_everything_again(database: Database) -> None:
    port = free_port()
    listeners = [Listener("tcp", "127.0.0.1", port)]

    async def story() -> None:
        link: Any = None
        backend = Backend(database, link)
        link = Link(Broker("127.0.0.1", port, "backend", "-"), TABLE.subscriptions(), BIRTH, backend.inbox)
        backend = Backend(database, link)
        link._inbox = backend.inbox
        await backend.inbox.put(Resumed())
        await backend.inbox.put(directory.DirectoryLoaded(PEOPLE))
        tasks = [asyncio.create_task(link.run()), asyncio.create_task(backend.service.run())]
        await backend.inbox.put(ONLINE)
        await backend.inbox.put(ask("alice", "a1", action="claim"))
        async with running(listeners, OpenDoor()):
            while (await retained(port))["holder"] != "alice":
                pass  # that it is free was published a moment before
        async with running(listeners, OpenDoor()):
            after = await retained(port)
        assert (after["holder"], after["fence"]) == ("alice", 1)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    asyncio.run(asyncio.wait_for(story(), WITHIN_S))


async def retained(port: int) -> dict[str, Any]:
    """Return the session document, as a newcomer gets it."""
    async with aiomqtt.Client("127.0.0.1", port, username="alice", password="pw", timeout=WITHIN_S) as alice:
        await alice.subscribe("devices/scale-1/session", qos=1)
        async for message in alice.messages:
            return dict(json.loads(message.payload))
    raise AssertionError("the connection ended")


def test_a_secret_is_verified_and_never_stored(database: Database, tmp_path: Path) -> None:
    accounts = Accounts(database)
    accounts.add(PEOPLE["alice"], "correct horse", 0.0)
    stored = accounts.verifier_of("alice")
    assert stored is not None
    assert stored.startswith("$7$210000$")
    assert verify(stored, "correct horse")
    assert not verify(stored, "wrong")
    assert not verify(None, "correct horse")
    assert b"correct horse" not in b"".join(path.read_bytes() for path in tmp_path.iterdir() if path.is_file())


def test_an_old_secret_opens_nothing_once_it_was_changed(database: Database) -> None:
    accounts = Accounts(database)
    accounts.add(PEOPLE["alice"], "old", 0.0)

    async def story() -> None:
        door = Door(Rulebook(TABLE, roster=Roster(PEOPLE)), accounts, "")
        door.open()
        assert await door.authenticate("alice", "old")
        assert await door.authenticate("alice", "old")
        accounts.set_secret("alice", "new")
        assert not await door.authenticate("alice", "old")
        assert await door.authenticate("alice", "new")
        accounts.remove("alice")
        assert not await door.authenticate("alice", "new")

    asyncio.run(story())


def test_a_newcomer_without_a_connection_waits_for_one(database: Database) -> None:
    outbox = Outbox()
    asyncio.run(Backend(database, outbox).live(Connected()))
    assert outbox.sent[-1] == BIRTH
    topics = {send.topic for send in outbox.sent}
    assert {"devices/scale-1/session", "devices/scale-1/presence", "backend/stats"} <= topics
