"""What the embedded broker does better than amqtt alone; each test fails on plain amqtt, or did here."""

import json
import socket
import subprocess
import threading
from collections.abc import Iterator

import paho.mqtt.client as paho
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from tests.rig import Talkstick, serving

STATUS = "devices/scale-1/status"


@pytest.fixture(scope="module")
def talkstick(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Talkstick]:
    with serving(tmp_path_factory.mktemp("broker")) as talkstick:
        yield talkstick


def board(talkstick: Talkstick, boot: int, *, acknowledges: bool) -> paho.Client:
    """Connect a board that subscribes to its session, and maybe acknowledges nothing."""
    client = paho.Client(CallbackAPIVersion.VERSION2, "board", manual_ack=not acknowledges)
    client.username_pw_set("scale-1", talkstick.passwords["scale-1"])
    client.will_set(STATUS, json.dumps({"state": "lost", "boot": boot}), qos=1, retain=True)
    subscribed = threading.Event()
    client.on_subscribe = lambda *_: subscribed.set()
    client.connect("127.0.0.1", talkstick.port)
    client.loop_start()
    client.subscribe("devices/scale-1/session", qos=1)
    assert subscribed.wait(10)
    return client


def cut(client: paho.Client) -> None:
    """End the connection as a power cut would."""
    line = client.socket()
    assert isinstance(line, socket.socket)
    line.shutdown(socket.SHUT_RDWR)
    client.loop_stop()
    line.close()


@pytest.mark.parametrize("acknowledges", [True, False])
def test_a_will_is_published_whatever_the_client_left_unacknowledged(talkstick: Talkstick, acknowledges: bool) -> None:
    boot = 10 + acknowledges
    with talkstick.subscribe("alice", "devices/scale-1/#") as alice:
        client = board(talkstick, boot, acknowledges=acknowledges)
        client.publish("devices/scale-1/heartbeat", json.dumps({"boot": boot}))
        alice.body("devices/scale-1/heartbeat", boot=boot)
        cut(client)
        alice.body(STATUS, state="lost", boot=boot)


def test_a_publish_right_before_the_goodbye_arrives(talkstick: Talkstick) -> None:
    with talkstick.subscribe("alice", "devices/scale-1/telemetry") as alice:
        for number in range(30):
            talkstick.publish("scale-1", "devices/scale-1/telemetry", {"number": number})
        alice.body("devices/scale-1/telemetry", number=29)
        assert [body["number"] for body in alice.bodies("devices/scale-1/telemetry")] == list(range(30))


def test_a_client_gets_what_it_subscribed_to_and_nothing_else(talkstick: Talkstick) -> None:
    with talkstick.subscribe("alice", "#"), talkstick.subscribe("bob", "devices/scale-1/presence") as bob:
        bob.wait_for(lambda got: got.topic == "devices/scale-1/presence")
        with talkstick.subscribe("carol", "backend/status") as carol:
            carol.body("backend/status", state="online")
            assert {got.topic for got in carol.got} == {"backend/status"}
        assert {got.topic for got in bob.got} == {"devices/scale-1/presence"}


def test_a_publish_to_a_system_topic_does_not_deafen_the_client(talkstick: Talkstick) -> None:
    with talkstick.subscribe("alice", "devices/scale-1/heartbeat") as alice:
        client = board(talkstick, 20, acknowledges=True)
        client.publish("$SYS/x", b"{}")
        client.publish("devices/scale-1/heartbeat", b'{"boot":20}')
        alice.body("devices/scale-1/heartbeat", boot=20)
        client.disconnect()
        client.loop_stop()


def test_a_stranger_is_not_let_in(talkstick: Talkstick) -> None:
    done = subprocess.run(
        ["mosquitto_sub", "-h", "127.0.0.1", "-p", str(talkstick.port), "-t", "#", "-W", "5"],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert "not authorised" in (done.stdout + done.stderr).lower()
