"""Other ways in: WebSocket, and a tree that is somewhere else."""

import asyncio
import json
import signal
from pathlib import Path

import aiomqtt

from tests.rig import WITHIN_S, serving


def test_a_claim_over_websocket(tmp_path: Path) -> None:
    async def claim(port: int, password: str) -> dict[str, object]:
        async with aiomqtt.Client(
            "127.0.0.1", port, username="alice", password=password, transport="websockets"
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
        talkstick._server.send_signal(signal.SIGINT)
        assert talkstick.stop(signal.SIGTERM) == 0
        assert "Traceback" not in talkstick.log.read_text()
