"""What the watcher says of secrets that are void, as far as the broker ended connections itself, and as far as not."""

import asyncio
from collections.abc import Collection, Mapping

import pytest
from aiomqtt import MqttError
from sqlalchemy import Engine as Database

from backend.app.table import TABLE
from backend.core.access import Rulebook
from backend.core.facts import SecretsChanged
from backend.shell.accounts import Accounts
from backend.shell.door import Door
from backend.shell.inbox import Inbox
from backend.shell.watcher import Watcher
from tests.people import ALICE, ROOT, SCALE


class House:
    """A watcher, what it puts into the inbox, and a broker that ends the connections of *locked_out*."""

    def __init__(self, database: Database) -> None:
        self.accounts = Accounts(database)
        for who in (ROOT, ALICE, SCALE):
            self.accounts.add(who, "secret", 0.0, generated=True)
        self.inbox = Inbox()
        self.time = 1000.0
        door = Door(Rulebook(TABLE), self.accounts, "")
        self.watcher = Watcher(database, self.inbox, door, self._listens, lambda: self.time)
        self.locked_out: Collection[str] = ()
        self.is_away = False
        self.looks()

    async def _listens(self, _triggers: object) -> None: ...

    async def _know(self, _accounts: Mapping[str, str]) -> Collection[str]:
        if self.is_away:
            raise MqttError("away")
        return self.locked_out

    def looks(self) -> list[SecretsChanged]:
        """Let a second pass, and the watcher look; return what it says of secrets."""
        self.time += 1.0

        async def look() -> list[SecretsChanged]:
            await self.watcher.look(self._know)
            return [item for item in await self.inbox.batch(0) if isinstance(item, SecretsChanged)]

        return asyncio.run(look())


@pytest.fixture
def house(database: Database) -> House:
    """A house in which the watcher looked once."""
    return House(database)


def test_whom_the_broker_locked_out_was_so_after_the_last_look(house: House) -> None:
    house.accounts.set_secret("scale-1", "another", generated=True)
    house.accounts.remove("alice")
    house.locked_out = {"scale-1", "alice"}
    assert house.looks() == [SecretsChanged(frozenset({"scale-1"}), since=1001.0)], (
        "who has no account is the directory's business"
    )


def test_whom_the_command_line_locked_out_was_so_after_the_last_look(house: House) -> None:
    assert house.looks() == []
    house.accounts.set_secret("scale-1", "another", generated=True)
    assert house.looks() == [SecretsChanged(frozenset({"scale-1"}), since=1002.0)]
    house.accounts.set_owner("scale-1", "alice")
    assert house.looks() == [], "once"


def test_a_broker_that_is_away_delays_the_news_and_loses_none(house: House) -> None:
    house.is_away = True
    house.accounts.set_secret("scale-1", "another", generated=True)
    assert house.looks() == house.looks() == []
    house.is_away = False
    assert house.looks() == [SecretsChanged(frozenset({"scale-1"}), since=1001.0)]


def test_whose_name_is_somebody_elses_now_is_locked_out(house: House) -> None:
    house.accounts.remove("scale-1")
    house.accounts.add(SCALE, "another", 1.0, generated=True)
    assert house.looks() == [SecretsChanged(frozenset({"scale-1"}), since=1001.0)]
