"""An account that is made at the very moment in which the steward compares a real Mosquitto with the database."""

import asyncio
import signal
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import aiomqtt
import pytest
from sqlalchemy import Engine as Database

from backend.app.table import TABLE
from backend.core.access import Rulebook
from backend.core.principals import Principal, Role
from backend.shell import address
from backend.shell.accounts import Accounts
from backend.shell.claims import Claims
from backend.shell.database import open_database
from backend.shell.mosquitto import Steward
from backend.shell.mosquitto_accounts import Mosquitto
from backend.shell.mosquitto_control import connected
from backend.shell.mosquitto_rights import Rights
from tests.brokers.brokers import Site, with_mosquitto
from tests.brokers.guest import guest

PROBE = Principal("probe-1", Role.DEVICE, "probe-1")
SECRET = "a secret"


@dataclass
class House:
    """A Mosquitto, the database, and what tells the one of the other."""

    site: Site
    database: Database
    steward: Callable[[Callable[[], Mapping[str, Principal]]], Steward]
    mirror: Mosquitto


@contextmanager
def house_at(folder: Path) -> Iterator[House]:
    """Run a Mosquitto, without a server."""
    site = Site.made(folder)
    site.export(folder / "mosquitto")
    assert site.mosquitto is not None
    database = open_database(site.talkstick.data)
    where, login = address.parsed(site.broker, None)
    rights = Rights(Rulebook(TABLE), "")
    site.mosquitto.start()
    try:
        yield House(
            site,
            database,
            lambda principals: Steward(where, login, rights, principals),
            Mosquitto(where, login, rights),
        )
    finally:
        site.mosquitto.stop()
        database.dispose()


async def begun(steward: Steward) -> None:
    """Let a steward bring everything in step, as when Mosquitto was started anew."""
    try:
        await steward.start()
    finally:
        await steward.close()


async def is_let_in(house: House, name: str, secret: str) -> bool:
    """Tell whether one can log in."""
    try:
        async with guest(house.site, name, password=secret):
            return True
    except aiomqtt.MqttError:
        return False


class Between:
    """Tells Mosquitto of an account; before and after that, the steward compares."""

    def __init__(self, house: House) -> None:
        self._house = house

    def _compare(self) -> None:
        asyncio.run(begun(self._house.steward(Accounts(self._house.database).principals)))

    def insist(self, name: str) -> None:
        self._house.mirror.insist(name)

    def put(self, who: Principal, secret: str) -> None:
        self._compare()
        self._house.mirror.put(who, secret)
        self._compare()

    def remove(self, name: str) -> None:
        self._house.mirror.remove(name)


def test_the_steward_compares_while_an_account_is_made(tmp_path: Path) -> None:
    with house_at(tmp_path) as house:
        Accounts(house.database, Between(house)).add(PROBE, SECRET, 0.0, generated=True)
        assert asyncio.run(is_let_in(house, "probe-1", SECRET))
        made = Claims(house.database, Between(house)).make("probe-1", None, 900.0, 0.0)
        _, *password = made.text.split("-")
        assert asyncio.run(is_let_in(house, made.about.account, "".join(password)))


@pytest.mark.parametrize("moment", ["before it looks", "after it looked"])
def test_an_account_is_made_while_the_steward_compares(tmp_path: Path, moment: str) -> None:
    with house_at(tmp_path) as house:
        accounts = Accounts(house.database, house.mirror)

        def principals() -> Mapping[str, Principal]:
            found = accounts.principals()
            accounts.add(PROBE, SECRET, 0.0, generated=True)
            return accounts.principals() if moment == "before it looks" else found

        asyncio.run(begun(house.steward(principals)))
        assert asyncio.run(is_let_in(house, "probe-1", SECRET))
        asyncio.run(begun(house.steward(accounts.principals)))
        assert asyncio.run(is_let_in(house, "probe-1", SECRET)), "and nobody takes it away again"


@pytest.mark.parametrize("by", ["the command line", "the steward that runs", "the steward that starts"])
def test_a_client_of_somebody_else_stays_when_the_account_of_that_name_goes(tmp_path: Path, by: str) -> None:
    """It was added while Talkstick had another broker, and cannot be used; so one removes it."""
    with house_at(tmp_path) as house:
        stored = Accounts(house.database)
        stored.add(Principal("carol", Role.USER, "Carol"), SECRET, 0.0)
        asyncio.run(somebody_else(house.site, "carol", "another secret"))

        async def story() -> None:
            steward = house.steward(stored.principals)
            try:
                await steward.start()
                told = Accounts(house.database, house.mirror if by == "the command line" else None)
                await asyncio.to_thread(told.remove, "carol")
                if by == "the steward that runs":
                    await steward.follow({})
            finally:
                await steward.close()
            await begun(house.steward(stored.principals))

        asyncio.run(story())
        assert asyncio.run(is_let_in(house, "carol", "another secret"))


async def somebody_else(site: Site, name: str, secret: str) -> None:
    """Make a client as an operator of Mosquitto does."""
    async with connected(*address.parsed(site.broker, None)) as control:
        await control.run([{"command": "createClient", "username": name, "password": secret}])


def test_what_mosquitto_does_not_let_the_server_hear_is_told_by_doctor_and_mended_at_the_start(tmp_path: Path) -> None:
    with with_mosquitto(tmp_path) as site:
        talkstick = site.talkstick
        assert "does not let" not in talkstick.run("doctor")
        asyncio.run(let_hear_nothing(site))
        missing = "fail  Mosquitto        it does not let the server hear devices/+/status"
        assert missing in talkstick.run("doctor", ok=False)
        talkstick.stop(signal.SIGKILL)
        talkstick.start()
        assert "does not let" not in talkstick.run("doctor")


async def let_hear_nothing(site: Site) -> None:
    """Take away what the server may subscribe to, but for the answers of the plugin."""
    async with connected(*address.parsed(site.broker, None)) as control:
        (found,) = await control.run([{"command": "getRole", "rolename": "role:backend"}])
        kept = [each for each in found["role"]["acls"] if (each["acltype"], each["topic"]) != ("subscribePattern", "#")]
        await control.run([{"command": "modifyRole", "rolename": "role:backend", "acls": kept}])
