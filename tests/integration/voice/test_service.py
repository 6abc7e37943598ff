"""Conversations through the real service: stored first, then begun, then answered."""

import asyncio
import json
from collections.abc import Iterator, Sequence
from itertools import chain, repeat
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine as Database
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from backend.core.clock import DAY_S
from backend.core.engine import Arrived, Send
from backend.core.facts import PhraseMade, TurnEnded
from backend.core.measures import Measured
from backend.features.voice.feature import Announce, HushOrdered
from backend.shell.database import open_database
from backend.shell.inbox import Stop
from backend.shell.voice.memory import Memory
from tests.integration.test_shell import Backend, Outbox
from tests.rig import WITHIN_S

CONVERSATION = "devices/scale-1/conversation"
TURN = TurnEnded("scale-1", 1, 1000.0, heard="hello", answer="Hello.")


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    opened = open_database(tmp_path)
    yield opened
    opened.dispose()


def asked(who: str, action: str, request_id: str = "r1", **keys: Any) -> Arrived:
    body = {"id": request_id, "action": action, **keys}
    return Arrived(f"{CONVERSATION}/request/{who}", json.dumps(body).encode())


def replies(outbox: Outbox, who: str) -> list[dict[str, Any]]:
    return outbox.bodies(f"{CONVERSATION}/reply/{who}")


def exchanges(database: Database) -> int:
    return len(asyncio.run(Memory(database).exchanges("scale-1")))


def test_what_is_begun_is_stored_before_and_answered_after(database: Database) -> None:
    """A device that is to hush shall not wait for the broker, nor speak on after an answer that says it is silent."""
    happened: list[str] = []

    class Told(Outbox):
        async def send(self, sends: Sequence[Send]) -> bool:
            happened.extend("sent" for send in sends if send.topic.startswith(CONVERSATION))
            return True

    backend = Backend(database, Told())

    def begin(what: object) -> None:
        assert isinstance(what, HushOrdered)
        with database.connect() as other:
            stored = other.execute(text("SELECT count(*) FROM replyrow")).scalar_one()
        happened.append(f"begun, with {stored} answer stored")

    backend.service.perform = begin
    asyncio.run(backend.live(asked("alice", "stop")))
    assert happened == ["begun, with 1 answer stored", "sent"]


def test_a_bug_in_what_is_begun_costs_nothing_else(database: Database, caplog: pytest.LogCaptureFixture) -> None:
    outbox = Outbox()
    backend = Backend(database, outbox)
    begun: list[object] = []

    def begin(what: object) -> None:
        begun.append(what)
        raise ZeroDivisionError

    backend.service.perform = begin
    asyncio.run(backend.live(asked("alice", "stop", "s1"), asked("bob", "say", "s2", text="Hello."), TURN))
    assert [type(what) for what in begun] == [HushOrdered, Announce]
    assert [reply["id"] for reply in replies(outbox, "alice")] == ["s1"]
    assert exchanges(database) == 1
    assert "this is a bug in Talkstick" in caplog.text


def test_what_was_forgotten_is_told_and_a_repetition_forgets_no_more(database: Database) -> None:
    outbox = Outbox()
    device = asked("scale-1", "forget", "f1")
    asyncio.run(Backend(database, outbox).live(TURN, device, device))
    asyncio.run(Backend(database, outbox).live(TURN, device))
    answers = replies(outbox, "scale-1")
    assert [(reply["code"], reply["turns_deleted"]) for reply in answers] == [("forgotten", 1)] * 3
    assert exchanges(database) == 1, "what was said after it"


def test_where_nothing_can_be_forgotten_that_is_the_answer(
    database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    outbox = Outbox()
    backend = Backend(database, outbox)
    with database.begin() as connection:
        connection.execute(text("CREATE TRIGGER no BEFORE DELETE ON turnrow BEGIN SELECT RAISE(FAIL, 'broken'); END"))
    asyncio.run(backend.live(TURN, asked("scale-1", "forget", "f1")))
    (reply,) = replies(outbox, "scale-1")
    assert (reply["ok"], reply["code"]) == (False, "not_stored")
    assert exchanges(database) == 1
    assert "the journal cannot answer" in caplog.text
    with database.begin() as connection:
        connection.execute(text("DROP TRIGGER no"))
    asyncio.run(Backend(database, outbox).live(asked("scale-1", "forget", "f1")))
    assert replies(outbox, "scale-1")[-1]["turns_deleted"] == 1, "asked again, it is done"


def test_while_the_disk_is_full_turns_wait_for_it_and_audio_does_not(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    outbox = Outbox()
    backend = Backend(database, outbox)
    asyncio.run(backend.live())
    write, failures = backend.journal._write, chain([True], repeat(False))

    def failing(connection: Any, changes: Any, now: float) -> None:
        if next(failures):
            raise OperationalError("INSERT", {}, Exception("database or disk is full"))
        write(connection, changes, now)

    monkeypatch.setattr(backend.journal, "_write", failing)

    async def story() -> None:
        for item in (PhraseMade("scale-1", "key", "Hello.", b"audio", 0.1, 1000.0), TURN):
            backend.inbox.add(item)
        serving = asyncio.create_task(backend.service.run())
        backend.inbox.add(asked("scale-1", "forget", "f1"))
        assert (await outbox.wait_for(f"{CONVERSATION}/reply/scale-1"))["code"] == "not_stored"
        backend.inbox.add(asked("scale-1", "stats", "s1"))
        backend.inbox.add(Stop())
        await serving

    asyncio.run(asyncio.wait_for(story(), WITHIN_S))
    assert replies(outbox, "scale-1")[-1]["stats"]["turns"] == 1
    assert exchanges(database) == 1
    assert asyncio.run(Memory(database).phrase("scale-1", "key")) is None


def test_a_server_on_which_nothing_happens_forgets_all_the_same(database: Database) -> None:
    asyncio.run(Backend(database, Outbox()).live(TURN))
    backend = Backend(database, Outbox())
    asyncio.run(backend.live())
    assert exchanges(database) == 1
    backend.now += 30 * DAY_S
    asyncio.run(backend.live(Measured({}, {}, {})))
    assert exchanges(database) == 0
