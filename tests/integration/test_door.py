"""The door: secrets and certificates, and storms of wrong logins."""

import asyncio
import threading
from collections.abc import Coroutine
from typing import Any

import aiomqtt
import pytest
from sqlalchemy import Engine as Database

from backend.app.table import TABLE
from backend.core.access import Rulebook
from backend.core.principals import Principal, Role, Roster
from backend.core.refusals import Code
from backend.shell import door as door_module
from backend.shell import logins
from backend.shell.accounts import Accounts
from backend.shell.door import Door
from backend.shell.logins import Logins
from broker.server import Listener, running
from tests.rig import WITHIN_S
from tools.ports import free_port

ALICE = Principal("alice", Role.USER, "Alice")


class Argon:
    """Stands for the slow check: holds up whatever concerns alice, or nobody, until it is let go."""

    def __init__(self) -> None:
        self.let_go = threading.Event()
        self.asked: list[tuple[str | None, str]] = []

    def verify(self, stored: str | None, secret: str) -> bool:
        self.asked.append((stored, secret))
        if stored != "bob's hash":
            assert self.let_go.wait(WITHIN_S)
        return stored is not None and secret == "right"


@pytest.fixture
def argon(monkeypatch: pytest.MonkeyPatch) -> Argon:
    stand_in = Argon()
    monkeypatch.setattr(logins, "verify", stand_in.verify)
    return stand_in


def run(story: Coroutine[Any, Any, None]) -> None:
    asyncio.run(asyncio.wait_for(story, WITHIN_S))


def test_a_storm_on_one_name_holds_up_nobody_else(argon: Argon) -> None:
    async def story() -> None:
        door = Logins()
        storm = [asyncio.create_task(door.is_right("alice", "alice's hash", f"wrong {n}")) for n in range(100)]
        await asyncio.sleep(0)
        assert await door.is_right("bob", "bob's hash", "right")
        argon.let_go.set()
        answers = await asyncio.gather(*storm)
        assert answers == [False] * 2 + [None] * 98, "whoever nobody looked at may be right"
        assert len(argon.asked) == 3
        assert await door.is_right("alice", "alice's hash", "right")  # once it is over

    run(story())


def test_a_storm_of_invented_names_holds_up_nobody(argon: Argon) -> None:
    async def story() -> None:
        door = Logins()
        storm = [asyncio.create_task(door.is_right(f"nobody-{n}", None, f"guess {n}")) for n in range(100)]
        await asyncio.sleep(0)
        assert await door.is_right("bob", "bob's hash", "right")
        assert not any(task.done() for task in storm), "who is refused at once knows that others were checked"
        argon.let_go.set()
        assert await asyncio.gather(*storm) == [False] * 2 + [None] * 98
        assert len(argon.asked) == 3

    run(story())


def test_a_right_secret_that_nobody_looked_at_is_to_come_again(
    argon: Argon, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The codes 4 and 5 would make a board believe that its secret is void."""
    asked: list[str] = []
    is_right = Logins.is_right

    def told(self: Logins, name: str, stored: str | None, secret: str) -> Coroutine[Any, Any, bool | None]:
        asked.append(secret)
        return is_right(self, name, stored, secret)

    monkeypatch.setattr(Logins, "is_right", told)
    accounts = Accounts(database)
    accounts.add(ALICE, "right", 0.0)
    door, port = Door(Rulebook(TABLE, roster=Roster({"alice": ALICE})), accounts, ""), free_port()
    door.open()

    async def knock(secret: str) -> object:
        try:
            async with aiomqtt.Client("127.0.0.1", port, username="alice", password=secret, timeout=WITHIN_S):
                return "let in"
        except aiomqtt.MqttCodeError as error:
            return str(error.rc)

    async def story() -> None:
        async with running([Listener("tcp", "127.0.0.1", port)], door):
            knocking = []
            for number, secret in enumerate(("wrong", "wrong too", "right"), 1):
                knocking.append(asyncio.create_task(knock(secret)))
                while len(asked) < number:  # noqa: ASYNC110 - nobody tells
                    await asyncio.sleep(0.01)
            argon.let_go.set()
            assert await asyncio.gather(*knocking) == ["Not authorized", "Not authorized", "Server unavailable"]
            assert await knock("right") == "let in"

    run(story())


def test_an_account_that_is_not_listed_yet_is_to_come_again(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(door_module, "_LOOK_EVERY_S", 0.001)
    accounts = Accounts(database)
    accounts.add(ALICE, "secret", 0.0, generated=True)
    door = Door(Rulebook(TABLE), accounts, "")
    door.open()

    async def story() -> None:
        assert await door.authenticate("alice", "secret") is None
        assert await door.vouched("alice") is None
        assert await door.authenticate("alice", "wrong") is False

    run(story())


def test_a_door_that_is_shut_lets_nobody_in_and_knows_who_may_read_what(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(door_module, "_LOOK_EVERY_S", 0.001)
    accounts = Accounts(database)
    accounts.add(ALICE, "secret", 0.0, generated=True)
    door = Door(Rulebook(TABLE), accounts, "")
    door.know({"alice": ALICE})

    async def story() -> None:
        assert await door.authenticate("alice", "secret") is None
        assert door.may_receive("alice", "devices/scale-1/session")
        door.open()
        assert await door.authenticate("alice", "secret") is True

    run(story())


def test_all_clients_of_an_account_may_come_back_at_once(argon: Argon) -> None:
    async def story() -> None:
        door = Logins()
        first, *others = [asyncio.create_task(door.is_right("alice", "alice's hash", "right")) for _ in range(50)]
        await asyncio.sleep(0)
        first.cancel()  # it hung up
        argon.let_go.set()
        assert all(await asyncio.gather(*others))
        assert await door.is_right("alice", "alice's hash", "right")
        assert len(argon.asked) == 1

    run(story())


def test_what_was_right_is_wrong_with_a_new_secret(argon: Argon) -> None:
    argon.let_go.set()

    async def story() -> None:
        door = Logins()
        for stored in ("a hash", "a hash", "another hash", "a hash"):
            assert await door.is_right("alice", stored, "right")
        assert not await door.is_right("alice", "a hash", "wrong")
        assert not await door.is_right("alice", None, "right")
        assert [stored for stored, _ in argon.asked] == ["a hash", "another hash", "a hash", "a hash", None]

    run(story())


def test_a_certificate_vouches_for_accounts_only(database: Database) -> None:
    accounts = Accounts(database)
    accounts.add(ALICE, "secret", 0.0)
    door = Door(Rulebook(TABLE), accounts, "")
    door.open()

    async def story() -> None:
        assert not await door.vouched("nobody")
        assert not await door.vouched("backend")
        assert not await door.vouched("")
        asked = asyncio.create_task(door.vouched("alice"))
        await asyncio.sleep(0)
        door.know({"alice": ALICE})  # the directory follows a moment after the database
        assert await asked
        accounts.remove("alice")
        assert not await door.vouched("alice")

    run(story())


def test_nobody_is_the_backend(database: Database) -> None:
    door = Door(Rulebook(TABLE, roster=Roster({"alice": ALICE})), Accounts(database), "")
    document = "devices/scale-1/session"

    async def story() -> None:
        for secret in ("", "s", "backend", "None"):
            assert not await door.authenticate("backend", secret)
        assert not await door.vouched("backend")
        assert door.judge("backend", document, retain=True, size=1).code is Code.UNKNOWN_PRINCIPAL
        assert not door.may_subscribe("backend", "#")
        assert not door.may_receive("backend", document)

    run(story())
