"""A conversation over a broker that runs elsewhere: the same frames, the same events, the same privacy."""

import asyncio
import json
from pathlib import Path

from tests.brokers.brokers import Site, with_mosquitto
from tests.brokers.guest import guest
from tests.rig import WITHIN_S
from tools.actor import Login
from tools.satellite import Satellite, Talk
from tools.server import HOST

MODELS = Path(__file__).parents[2] / "tools" / "voice_models"
BOARD = "scale-1"  # whose owner is Alice


def test_a_board_is_talked_to_over_mosquitto(tmp_path: Path) -> None:
    models = json.dumps({"en": str(MODELS / "en")})
    with with_mosquitto(tmp_path, voice_models=models) as site:
        satellite = Satellite(Login(BOARD, site.talkstick.passwords[BOARD], HOST, site.port))
        satellite.start()
        try:
            asyncio.run(_conversation(site, satellite))
        finally:
            satellite.stop()


async def _conversation(site: Site, satellite: Satellite) -> None:
    async with guest(site, "alice", "devices/#") as alice, guest(site, "bob", "devices/#") as bob:
        await alice.body(f"devices/{BOARD}/presence", state="online")
        streamed = await _over(satellite.say("what time is it"))
        whole = await _over(satellite.whole("who has the printer"))
        assert [streamed.text("final"), whole.text("final")] == ["what time is it", "who has the printer"]
        assert whole.text("answer") == "Nobody has printer-1."
        assert streamed.played.first_at is not None
        assert whole.played.first_at is not None

        ask = f"devices/{BOARD}/conversation/request/"
        await alice.publish(f"{ask}alice", {"id": "h", "action": "history"})
        told = await alice.body(f"devices/{BOARD}/conversation/reply/alice", id="h")
        assert [turn["heard"] for turn in told["turns"]] == ["who has the printer", "what time is it"]
        await bob.publish(f"{ask}bob", {"id": "h", "action": "history"})
        refused = await bob.body(f"devices/{BOARD}/conversation/reply/bob", id="h")
        assert refused["code"] == "forbidden"
        topics = {str(message.topic) for message in bob.got}
        assert not {topic for topic in topics if "/speech/" in topic or topic.endswith("/conversation")}


async def _over(talk: Talk) -> Talk:
    return await asyncio.to_thread(talk.wait, WITHIN_S)
