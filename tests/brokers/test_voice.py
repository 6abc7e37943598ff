"""A conversation over a broker that runs elsewhere: the same frames, the same events, the same privacy."""

import asyncio
import json
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.brokers.brokers import Site, with_mosquitto
from tests.brokers.guest import guest
from tests.rig import WITHIN_S
from tools.actor import Login
from tools.ports import HOST
from tools.satellite import Satellite, Talk

MODELS = Path(__file__).parents[2] / "tools" / "voice_models"
BOARD = "scale-1"  # whose owner is Alice
CONVERSATION = f"devices/{BOARD}/conversation"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    models = json.dumps({"en": str(MODELS / "en")})
    with with_mosquitto(tmp_path_factory.mktemp("voice"), voice_models=models) as made:
        yield made


@pytest.fixture
def satellite(site: Site) -> Iterator[Satellite]:
    login = Login(BOARD, site.talkstick.passwords[BOARD], HOST, site.port)
    with Satellite(login, boots=site.talkstick.data.parent / "boots") as board:
        assert board.connected.wait(WITHIN_S)  # that it is online may be told of the test before
        yield board


def test_a_board_is_talked_to_over_mosquitto(site: Site, satellite: Satellite) -> None:
    asyncio.run(_conversation(site, satellite))


async def _conversation(site: Site, satellite: Satellite) -> None:
    async with guest(site, "alice", "devices/#") as alice, guest(site, "bob", "devices/#") as bob:
        await alice.body(f"devices/{BOARD}/presence", state="online")
        streamed = await _over(satellite.say("what time is it"))
        whole = await _over(satellite.whole("who has the printer"))
        assert [streamed.text("final"), whole.text("final")] == ["what time is it", "who has the printer"]
        assert whole.text("answer") == "Nobody has printer-1."
        assert streamed.played.first_at is not None
        assert whole.played.first_at is not None

        await alice.publish(f"{CONVERSATION}/request/alice", {"id": "h", "action": "history"})
        told = await alice.body(f"{CONVERSATION}/reply/alice", id="h")
        assert [turn["heard"] for turn in told["turns"]] == ["who has the printer", "what time is it"]
        await bob.publish(f"{CONVERSATION}/request/bob", {"id": "h", "action": "history"})
        refused = await bob.body(f"{CONVERSATION}/reply/bob", id="h")
        assert refused["code"] == "forbidden"
        topics = {str(message.topic) for message in bob.got}
        assert not {topic for topic in topics if "/speech/" in topic or topic.endswith("/conversation")}


def test_a_board_is_told_that_its_turn_is_over_although_the_server_was_killed_in_it(
    site: Site, satellite: Satellite
) -> None:
    asyncio.run(_killed(site, satellite))


async def _killed(site: Site, satellite: Satellite) -> None:
    async with guest(site, "alice", "devices/#") as alice:
        await alice.body(f"devices/{BOARD}/presence", state="online")
        heard = satellite.say("who has the printer " * 5)
        await alice.body(CONVERSATION, event="partial")
        await _killed_and_started(site)
        assert (await _over(heard)).code == "interrupted"
        await alice.body(CONVERSATION, event="error", turn=heard.turn, code="interrupted")

        say = {"id": "s", "action": "say", "text": "dinner is ready " * 20}
        await alice.publish(f"{CONVERSATION}/request/alice", say)
        await alice.body(f"{CONVERSATION}/reply/alice", id="s", turn=heard.turn)
        await alice.body(CONVERSATION, event="answer", by="announcement")
        said = await asyncio.to_thread(satellite.announcements.get, timeout=WITHIN_S)
        assert await asyncio.to_thread(said.sounds.wait, WITHIN_S)
        await _killed_and_started(site)
        assert (await _over(said)).code == "interrupted"
        assert (said.played.ends, said.played.aborted) == (1, True)


async def _killed_and_started(site: Site) -> None:
    await asyncio.to_thread(site.talkstick.stop, signal.SIGKILL)
    await asyncio.to_thread(site.talkstick.start)


async def _over(talk: Talk) -> Talk:
    return await asyncio.to_thread(talk.wait, WITHIN_S)
