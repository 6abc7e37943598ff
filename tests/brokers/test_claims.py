"""A board that has nothing but a claim code becomes a device, at both brokers, while everybody listens."""

import asyncio
import hmac
import json
import secrets
import signal
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import aiomqtt
import pytest
from sqlalchemy import Engine as Database
from sqlmodel import Session

from backend.features.provisioning.feature import ClaimRow
from backend.shell.claims import Claims
from backend.shell.database import open_database
from tests.brokers.brokers import BROKERS, Site
from tests.brokers.guest import Guest, guest
from tests.rig import WITHIN_S

PRINTER = "devices/printer-1"
MAC, OTHER_MAC = "a4cf128b3f9e", "a4cf128b3fa0"
_LOOK_EVERY_S = 0.02


@pytest.fixture(scope="module", params=BROKERS)
def site(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A server of one's own, with one broker after the other: devices get other secrets here."""
    with BROKERS[request.param](tmp_path_factory.mktemp(f"claims-{request.param}")) as made:
        yield made


class Board:
    """A board as firmware is: it knows the broker, a code, its MAC and a nonce, and an HMAC."""

    def __init__(self, site: Site, code: str, mac: str = MAC) -> None:
        self.site = site
        self.code = code.replace("-", "")
        self.account = f"claim-{code[:5]}"
        self.mac = mac
        self.nonce = secrets.token_hex(16)

    @asynccontextmanager
    async def logged_in(self) -> AsyncIterator[Guest]:
        """Log in with the code."""
        reply = f"provision/reply/{self.account}"
        async with guest(self.site, self.account, reply, password=self.code[5:], identifier=self.account) as here:
            yield here

    async def claim(self) -> dict[str, Any]:
        """Log in with the code, and claim; return the answer."""
        async with self.logged_in() as here:
            return await self.ask(here)

    async def ask(self, here: Guest) -> dict[str, Any]:
        """Claim; return the answer."""
        return await self.say(here, id="1", action="claim", mac=self.mac, nonce=self.nonce)

    async def say(self, here: Guest, **body: object) -> dict[str, Any]:
        """Ask something, until the server knows of the code, which a Mosquitto may know before; return the answer."""
        answer: dict[str, Any] = {"code": "unknown_principal"}
        async with asyncio.timeout(WITHIN_S):
            while answer["code"] == "unknown_principal":
                answer = await here.ask_at("provision", **body)
        return answer

    def secret(self, answer: dict[str, Any]) -> str:
        """Make the secret of what was answered."""
        message = f"talkstick:{answer['device']}:{self.nonce}:{answer['nonce']}"
        return hmac.digest(self.code.encode(), message.encode(), "sha256").hex()


async def typed(site: Site, *arguments: str) -> str:
    """Type a command; return what it prints."""
    return await asyncio.to_thread(site.talkstick.run, *arguments)


async def made(site: Site, *arguments: str) -> dict[str, Any]:
    """Type a command that makes something for a board; return what it shows."""
    return dict(json.loads(await typed(site, "device", *arguments, "--json")))


async def listed(site: Site, code: str) -> dict[str, Any]:
    """Return what `device codes` tells of a code."""
    found = json.loads(await typed(site, "device", "codes", "--json"))
    return next(each for each in found if each["code"] == code[:5])


async def is_refused(site: Site, name: str, password: str) -> bool:
    """Tell whether a login is refused."""
    try:
        async with guest(site, name, password=password):
            return False
    except aiomqtt.MqttCodeError:
        return True


async def ended(here: Guest) -> None:
    """Return when the broker has ended a connection."""
    async with asyncio.timeout(WITHIN_S):
        await here.ended.wait()


async def logged(site: Site, line: str) -> None:
    """Return when the server has logged that."""
    async with asyncio.timeout(WITHIN_S):
        while line not in site.talkstick.log.read_text():  # noqa: ASYNC110 - nobody tells
            await asyncio.sleep(_LOOK_EVERY_S)


def run(story: Any) -> None:
    asyncio.run(story())


def test_a_board_becomes_a_device_and_nobody_learns_its_secret(site: Site) -> None:
    async def story() -> None:
        password = (await made(site, "add", "scale-2"))["password"]  # what scale-1 has is what another test gave it
        async with AsyncExitStack() as stack:
            admin = await stack.enter_async_context(guest(site, "admin", "#"))
            await admin.body("devices/scale-2/presence", state="unknown")
            old = await stack.enter_async_context(guest(site, "scale-2", password=password))
            code = (await made(site, "code", "scale-2"))["code"]
            assert not await is_refused(site, "scale-2", password), "valid until then"
            board = Board(site, code)
            answer = await board.claim()
            assert answer == {"id": "1", "ok": True, "code": "claimed", "device": "scale-2", "nonce": answer["nonce"]}
            secret = board.secret(answer)
            async with guest(site, "scale-2", password=secret) as scale:  # at once, and for good
                await ended(old)
                await scale.publish("devices/scale-2/status", {"state": "online", "boot": 7}, retain=True)
                await admin.body("devices/scale-2/presence", state="online", boot=7)
                assert await is_refused(site, "scale-2", password)
                assert not scale.ended.is_set()
            said = b"".join(message.payload for message in admin.got if isinstance(message.payload, bytes))
            assert not any(each.encode() in said for each in (secret, board.code, board.code[5:], board.nonce))
        about = await listed(site, code)
        assert (about["device"], about["state"], about["used_by"]) == ("scale-2", "used", MAC)
        log = site.talkstick.log.read_text()
        assert f"scale-2 is the board with the MAC {MAC} now: it used {board.account}" in log
        for told in (log, await typed(site, "device", "codes", "--json"), await typed(site, "user", "list")):
            assert secret not in told
            assert board.code[5:] not in told
        assert board.account not in await typed(site, "user", "list")

    run(story)


def test_an_answer_that_was_lost_is_told_again_to_the_same_board_only(site: Site) -> None:
    async def story() -> None:
        board = Board(site, (await made(site, "code", "scale-1"))["code"])
        answer = await board.claim()
        assert await board.claim() == answer
        async with board.logged_in() as here:
            assert [await board.ask(here) for _ in range(3)] == [answer] * 3
        assert not await is_refused(site, "scale-1", board.secret(answer))
        for other in (Board(site, board.code), Board(site, board.code, OTHER_MAC)):
            refused = await other.claim()
            assert (refused["ok"], refused["code"]) == (False, "code_used")
        assert not await is_refused(site, "scale-1", board.secret(answer))

    run(story)


def test_a_code_for_one_board(site: Site) -> None:
    async def story() -> None:
        shown = await made(site, "code", "scale-1", "--mac", "A4:CF:12:8B:3F:9E")
        assert shown["mac"] == MAC
        other, board = Board(site, shown["code"], OTHER_MAC), Board(site, shown["code"])
        assert (await other.claim())["code"] == "wrong_mac"
        assert (await board.claim())["code"] == "claimed"

    run(story)


def test_a_device_that_has_no_secret_until_it_is_claimed(site: Site) -> None:
    async def story() -> None:
        shown = await made(site, "add", "A4:CF:12:8B:3F:9E", "--code", "--for", "2h")
        assert "password" not in shown
        assert (shown["device"], shown["mac"]) == ("esp32-a4cf128b3f9e", MAC)
        board = Board(site, shown["code"])
        answer = await board.claim()
        assert answer["device"] == shown["device"]
        assert not await is_refused(site, shown["device"], board.secret(answer))
        await typed(site, "device", "rm", shown["device"], "--yes")

    run(story)


def test_who_claims_may_speak_as_often_as_others(site: Site) -> None:
    """Bad claims are answered, and cost the code nothing."""

    async def story() -> None:
        board = Board(site, (await made(site, "code", "scale-1"))["code"])
        async with board.logged_in() as here:
            for bad, code in (
                ({"action": "claim", "mac": MAC}, "bad_message"),
                ({"action": "claim", "mac": "A4:CF:12:8B:3F:9E", "nonce": board.nonce}, "bad_message"),
                ({"action": "rotate", "mac": MAC, "nonce": board.nonce}, "unknown_action"),
            ):
                assert (await board.say(here, id=code, **bad))["code"] == code
            assert (await board.ask(here))["code"] == "claimed"

    run(story)


@pytest.mark.parametrize(
    "end", [("code", "scale-1", "--revoke"), ("code", "scale-1"), ("rotate", "scale-1")], ids=" ".join
)
def test_a_code_that_is_void_ends_the_connection(site: Site, end: Sequence[str]) -> None:
    async def story() -> None:
        board = Board(site, (await made(site, "code", "scale-1"))["code"])
        async with board.logged_in() as here:
            await typed(site, "device", *end)
            await ended(here)
        assert await is_refused(site, board.account, board.code[5:])
        assert (await listed(site, board.code))["state"] == "revoked"

    run(story)


def test_a_code_whose_time_is_over_ends_the_connection(site: Site) -> None:
    async def story() -> None:
        board = Board(site, (await made(site, "code", "scale-1"))["code"])
        await logged(site, f"claim code {board.account}: any board makes scale-1 of it")
        async with board.logged_in() as here:
            with looking(site) as database, Session(database) as session, session.begin():
                session.get_one(ClaimRow, board.account).expires_at = time.time() - 1.0
            await ended(here)
        assert await is_refused(site, board.account, board.code[5:])
        assert (await listed(site, board.code))["state"] == "expired"
        await logged(site, f"claim code {board.account} is over")

    run(story)


def test_who_is_locked_out_is_lost_at_once_and_back_with_the_new_secret(site: Site) -> None:
    """The broker publishes no last will then; and nobody shall be granted what is not there."""

    async def story() -> None:
        async with AsyncExitStack() as stack:
            alice = await stack.enter_async_context(guest(site, "alice", "devices/#"))
            secret = site.talkstick.passwords["printer-1"]
            for boot, lock_out in enumerate((rotated, claimed), 1):
                printer = await stack.enter_async_context(guest(site, "printer-1", password=secret))
                await printer.publish(f"{PRINTER}/status", {"state": "online", "boot": boot}, retain=True)
                await alice.body(f"{PRINTER}/presence", state="online", boot=boot)
                await a_look_later(site, alice, f"probe-{boot}", f"probe-{boot}-too")
                secret = await lock_out(site)
                await ended(printer)
                await alice.body(f"{PRINTER}/presence", state="lost", reason="secret_changed", boot=boot)
                refused = await alice.ask("printer-1", id=str(boot), action="claim")
                assert (refused["ok"], refused["code"]) == (False, "device_offline")
            async with guest(site, "printer-1", password=secret) as printer:
                await printer.publish(f"{PRINTER}/status", {"state": "online", "boot": 3}, retain=True)
                await alice.body(f"{PRINTER}/presence", state="online", boot=3)
                assert (await alice.ask("printer-1", id="3", action="claim"))["code"] == "granted"
                assert (await alice.ask("printer-1", id="4", action="release"))["code"] == "released"

    async def rotated(site: Site) -> str:
        return str((await made(site, "rotate", "printer-1"))["password"])

    async def claimed(site: Site) -> str:
        board = Board(site, (await made(site, "code", "printer-1"))["code"])
        return board.secret(await board.claim())

    run(story)


async def a_look_later(site: Site, reader: Guest, *names: str) -> None:
    """Return when the server has looked for changes once more: of two, the second look began after this was called."""
    for name in names:
        await made(site, "add", name)
        await reader.body(f"devices/{name}/presence", state="unknown")


@contextmanager
def looking(site: Site) -> Iterator[Database]:
    """Look into the database beside the server."""
    database = open_database(site.talkstick.data)
    try:
        yield database
    finally:
        database.dispose()


@pytest.mark.parametrize("broker", BROKERS)
def test_a_server_that_is_killed_between_secret_and_answer(broker: str, tmp_path: Path) -> None:
    async def story(site: Site) -> None:
        board = Board(site, (await made(site, "code", "scale-1"))["code"])
        try:
            async with board.logged_in() as here:
                asked = {"id": "1", "action": "claim", "mac": MAC, "nonce": board.nonce}
                assert (await board.say(here, id="0"))["code"] == "unknown_action"
                await here.client.publish(f"provision/request/{board.account}", json.dumps(asked), qos=0)
                await used(site)
                site.talkstick.stop(signal.SIGKILL)
        except aiomqtt.MqttError:
            assert site.mosquitto is None, "then it is the broker that was killed"
        site.talkstick.start()
        assert (await Board(site, board.code).claim())["code"] == "code_used"
        answer = await board.claim()
        assert answer["code"] == "claimed"
        assert not await is_refused(site, "scale-1", board.secret(answer))

    async def used(site: Site) -> None:
        with looking(site) as database:
            async with asyncio.timeout(WITHIN_S):
                while Claims(database).all()[0].used_at is None:  # noqa: ASYNC110 - nobody tells
                    await asyncio.sleep(_LOOK_EVERY_S)

    with BROKERS[broker](tmp_path) as site:
        asyncio.run(story(site))
