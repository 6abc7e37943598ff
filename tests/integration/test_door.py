"""The door: secrets and certificates, and storms of wrong logins."""

import asyncio
import threading
from collections.abc import Coroutine
from typing import Any

import pytest
from sqlalchemy import Engine as Database

from backend.app.table import TABLE
from backend.core.access import Rulebook
from backend.core.principals import Principal, Role, Roster
from backend.core.refusals import Code
from backend.shell import logins
from backend.shell.accounts import Accounts
from backend.shell.door import Door
from backend.shell.logins import Logins
from tests.rig import WITHIN_S

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
        assert not any(await asyncio.gather(*storm))
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
        assert not any(await asyncio.gather(*storm))
        assert len(argon.asked) == 3

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
