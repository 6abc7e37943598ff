"""Other ways in: WebSocket, and a tree that is somewhere else."""

import asyncio
import json
import signal
from pathlib import Path

import aiomqtt

from tests.rig import WITHIN_S, Talkstick, serving

MODELS = Path(__file__).parents[2] / "tools" / "voice_models"


def test_a_claim_over_websocket(tmp_path: Path) -> None:
    async def claim(port: int, password: str) -> dict[str, object]:
        async with aiomqtt.Client(
            "127.0.0.1", port, username="alice", password=password, transport="websockets", timeout=WITHIN_S
        ) as web:
            await web.subscribe("devices/scale-1/session/reply/alice", qos=1)
            await web.publish("devices/scale-1/session/request/alice", b'{"id":"w1","action":"claim"}', qos=1)
            async with asyncio.timeout(WITHIN_S):
                async for message in web.messages:
                    return dict(json.loads(message.payload))
        raise AssertionError("the connection ended")

    with serving(tmp_path) as talkstick, talkstick.subscribe("alice", "devices/scale-1/presence") as alice:
        talkstick.publish("scale-1", "devices/scale-1/status", {"state": "online", "boot": 1}, "-r")
        alice.body("devices/scale-1/presence", state="online")
        reply = asyncio.run(claim(talkstick.ws_port, talkstick.passwords["alice"]))
    assert (reply["id"], reply["code"], reply["fence"]) == ("w1", "granted", 1)


def test_who_comes_while_the_server_starts_is_heard(tmp_path: Path) -> None:
    """Also while it loads speech models, which takes long: what the broker acknowledges is answered."""

    async def ask(port: int, password: str) -> tuple[set[str], set[str]]:
        asked, answered = set[str](), set[str]()
        async with aiomqtt.Client("127.0.0.1", port, username="alice", password=password, timeout=WITHIN_S) as alice:
            await alice.subscribe("devices/scale-1/session/reply/alice", qos=1)
            for number in range(20):
                asked.add(f"a{number}")
                body = json.dumps({"id": f"a{number}", "action": "observe"})
                await alice.publish("devices/scale-1/session/request/alice", body, qos=1)
            async for message in alice.messages:
                answered.add(json.loads(message.payload)["id"])
                if answered == asked:
                    break
        return asked, answered

    async def asks_as_soon_as_it_can(talkstick: Talkstick) -> tuple[set[str], set[str]]:
        starting = asyncio.create_task(asyncio.to_thread(talkstick.start))
        async with asyncio.timeout(WITHIN_S):
            while True:
                try:
                    return await ask(talkstick.port, talkstick.passwords["alice"])
                except aiomqtt.MqttError:
                    await asyncio.sleep(0.01)
                finally:
                    await asyncio.wait([starting], timeout=0)

    with serving(tmp_path, voice_models=json.dumps({"en": str(MODELS / "en"), "es": str(MODELS / "es")})) as talkstick:
        talkstick.stop()
        asked, answered = asyncio.run(asks_as_soon_as_it_can(talkstick))
    assert asked == answered


def test_who_is_away_misses_nothing_of_a_server_that_starts(tmp_path: Path) -> None:
    """What it says before it lets anybody in, waits for those who have a session, like all else."""
    topic, kept = "devices/scale-1/presence", ("-c", "-i", "wall", "-q", "1")
    with serving(tmp_path) as talkstick:
        with talkstick.subscribe("alice", topic, options=kept):
            pass
        talkstick.stop(signal.SIGKILL)
        talkstick.start()
        with talkstick.subscribe("alice", topic, options=kept) as alice:
            waited = alice.wait_for(lambda got: not got.retained)
    assert waited.body["reason"] == "restarted"


def test_the_whole_tree_under_a_prefix(tmp_path: Path) -> None:
    with serving(tmp_path, prefix="lab1/") as talkstick, talkstick.subscribe("alice", "#") as alice:
        device = json.loads(talkstick.run("device", "rotate", "scale-1", "--json"))
        assert device["last_will"]["topic"] == "lab1/devices/scale-1/status"
        talkstick.passwords["scale-1"] = device["password"]
        talkstick.publish("scale-1", "lab1/devices/scale-1/status", {"state": "online", "boot": 1}, "-r")
        alice.body("lab1/devices/scale-1/presence", state="online")
        assert "granted" in talkstick.run("session", "claim", "scale-1")
        alice.body("lab1/devices/scale-1/session", holder="admin")
        talkstick.publish("alice", "lab1/devices/scale-1/command/go", {"fence": 1})
        alice.body("lab1/devices/scale-1/session/reply/alice", ok=False, code="not_holder")
        with talkstick.subscribe("scale-1", "lab1/devices/scale-1/command/+") as scale:
            talkstick.publish("admin", "lab1/devices/scale-1/command/go", {"fence": 1})
            scale.body("lab1/devices/scale-1/command/go", fence=1)
        assert {got.topic.split("/")[0] for got in alice.got} == {"lab1"}


def test_two_signals_at_once_stop_it_as_one_does(tmp_path: Path) -> None:
    with serving(tmp_path) as talkstick:
        assert talkstick._server is not None
        for number in (signal.SIGSTOP, signal.SIGINT, signal.SIGTERM):
            talkstick._server.send_signal(number)
        assert talkstick.stop(signal.SIGCONT) == 0
        assert "Traceback" not in talkstick.log.read_text()
