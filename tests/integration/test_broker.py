"""What the embedded broker does better than amqtt alone; each test fails on plain amqtt, or did here."""

import json
import socket
import subprocess
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import paho.mqtt.client as paho
import pytest
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.reasoncodes import ReasonCode

from tests.conformance import packets
from tests.conformance.client import Client
from tests.conformance.links import Tcp
from tests.rig import WITHIN_S, Got, Subscriber, Talkstick, serving

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
    assert subscribed.wait(WITHIN_S)
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
        for number in range(30):
            alice.body("devices/scale-1/telemetry", number=number)


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
        ["mosquitto_sub", "-h", "127.0.0.1", "-p", str(talkstick.port), "-t", "#", "-W", "60"],
        capture_output=True,
        text=True,
        timeout=WITHIN_S,
        check=False,
    )
    assert "not authorised" in (done.stdout + done.stderr).lower()


def knock(talkstick: Talkstick, client_id: str, user: str, password: str, *, clean: bool, will: str = "") -> int:
    """Try to log in; return the return code. Who is let in stays until the test ends the connection."""
    client = paho.Client(CallbackAPIVersion.VERSION2, client_id, clean_session=clean, reconnect_on_failure=False)
    client.username_pw_set(user, password)
    if will:
        client.will_set(will, b'{"fence":1,"by":"stranger"}', qos=1)
    answered, codes = threading.Event(), list[int]()

    def connected(_client: object, _data: object, _flags: object, code: ReasonCode, _properties: object) -> None:
        codes.append(code.value)
        answered.set()

    client.on_connect = connected
    client.connect("127.0.0.1", talkstick.port)
    client.loop_start()
    assert answered.wait(WITHIN_S)
    client.loop_stop()
    line = client.socket()
    if line is not None:
        line.close()
    return codes[0]


def gives_back(talkstick: Talkstick, user: str, reader: Subscriber) -> None:
    """Leave the device to other tests as they expect it: free."""
    talkstick.ask(user, "scale-1", action="release")
    reader.body("devices/scale-1/session/event", event="ended", user=user)


@pytest.mark.parametrize("clean", [True, False])
@pytest.mark.parametrize("client_id", ["backend", "backend/backend", "board"])
def test_who_is_not_let_in_touches_nobody(talkstick: Talkstick, client_id: str, clean: bool) -> None:
    will = "devices/scale-1/command/unlock"
    with (
        talkstick.subscribe("scale-1", "devices/scale-1/command/+") as scale,
        talkstick.subscribe("alice", "devices/scale-1/#") as alice,
    ):
        board_ = board(talkstick, 30, acknowledges=True)
        board_.publish(STATUS, b'{"state":"online","boot":30}', qos=1)
        alice.body("devices/scale-1/presence", state="online", boot=30)
        for user, password in (("nobody", "x"), ("backend", "x"), ("scale-1", "x")):
            assert knock(talkstick, client_id, user, password, clean=clean, will=will) != 0
        talkstick.ask("alice", "scale-1", id=f"k-{client_id}-{clean}", action="claim")
        fence = alice.body("devices/scale-1/session/reply/alice", code="granted")["fence"]
        talkstick.publish("alice", "devices/scale-1/command/go", {"fence": fence, "by": "alice"})
        scale.body("devices/scale-1/command/go", by="alice")
        assert not scale.bodies(will)
        board_.publish("devices/scale-1/heartbeat", b'{"boot":30}')
        alice.body("devices/scale-1/heartbeat", boot=30)
        gives_back(talkstick, "alice", alice)
        board_.disconnect()
        board_.loop_stop()


def test_a_client_id_is_its_accounts_own(talkstick: Talkstick) -> None:
    with talkstick.subscribe("alice", "devices/scale-1/#") as alice:
        board_ = board(talkstick, 40, acknowledges=True)
        assert knock(talkstick, "board", "bob", talkstick.passwords["bob"], clean=True) == 0
        board_.publish("devices/scale-1/heartbeat", b'{"boot":40}')
        alice.body("devices/scale-1/heartbeat", boot=40)
        talkstick.publish("scale-1", STATUS, {"state": "online", "boot": 40}, "-r", "-q", "1")
        heard = threading.Event()

        def hear(_client: paho.Client, _data: object, message: paho.MQTTMessage) -> None:
            if json.loads(message.payload)["holder"] == "bob":
                heard.set()

        board_.on_message = hear
        talkstick.ask("bob", "scale-1", id="own", action="claim", wait=True)
        assert heard.wait(WITHIN_S), "the board's subscriptions are untouched"
        gives_back(talkstick, "bob", alice)
        board_.disconnect()
        board_.loop_stop()


def test_a_new_secret_ends_the_connections_of_the_old_one(tmp_path: Path) -> None:
    with serving(tmp_path) as talkstick, talkstick.subscribe("alice", "devices/scale-1/#") as alice:
        client = board(talkstick, 1, acknowledges=True)
        gone = threading.Event()
        client.on_disconnect = lambda *_: gone.set()
        talkstick.run("device", "rotate", "scale-1")
        assert gone.wait(WITHIN_S)
        client.loop_stop()
        talkstick.ask("alice", "scale-1", id="later", action="leave")
        alice.body("devices/scale-1/session/reply/alice", id="later")
        assert not [got for got in alice.got if got.topic == STATUS], "no last will speaks for who has no rights"


def test_an_account_that_is_removed_leaves_nothing_behind(tmp_path: Path) -> None:
    with serving(tmp_path) as talkstick:
        talkstick.device("lamp-1")
        talkstick.publish("lamp-1", "devices/lamp-1/info", {"model": "lamp"}, "-r", "-q", "1")
        talkstick.publish("scale-1", "devices/scale-1/info", {"model": "scale"}, "-r", "-q", "1")
        with talkstick.subscribe("admin", "devices/+/info") as admin:
            admin.body("devices/lamp-1/info", model="lamp")
            talkstick.run("device", "rm", "lamp-1", "--yes")
            admin.wait_for(lambda got: got == Got("devices/lamp-1/info", ""))
        with talkstick.subscribe("alice", "devices/+/info", "backend/status") as alice:
            alice.body("backend/status")
            assert {got.topic for got in alice.got} == {"devices/scale-1/info", "backend/status"}


def test_the_stats_tell_what_the_broker_has_to_do(talkstick: Talkstick) -> None:
    with talkstick.subscribe("admin", "backend/stats") as admin:
        admin.wait_for(lambda got: (got.body["broker"] or {}).get("connections") == 1, "the admin")
        with talkstick.subscribe("alice", "backend/status"):
            admin.wait_for(lambda got: (got.body["broker"] or {}).get("connections") == 2, "alice, too")


def test_who_was_added_this_moment_is_let_in(talkstick: Talkstick) -> None:
    for number in range(3):
        talkstick.user(f"newcomer-{number}")
        with talkstick.subscribe(f"newcomer-{number}", "backend/status") as newcomer:
            newcomer.body("backend/status", state="online")


def test_what_changes_while_nobody_serves_ends_what_it_would_have_ended(tmp_path: Path) -> None:
    """Another person of the same name gets nothing that was the first one's."""
    with serving(tmp_path) as talkstick, ExitStack() as stack:

        def session_of_alice() -> tuple[Client, bool]:
            client = Client(Tcp(talkstick.port), WITHIN_S)
            stack.callback(client.end)
            secret = talkstick.passwords["alice"]
            client.connect(packets.connect("app", user="alice", secret=secret, clean=False))
            return client, client.session_present

        alice, _ = session_of_alice()
        alice.subscribe(("devices/scale-1/info", 1))
        alice.leave()
        talkstick.device("lamp-1")
        for name in ("scale-1", "lamp-1"):
            talkstick.publish(name, f"devices/{name}/info", {"model": name}, "-r", "-q", "1")
        assert session_of_alice()[1], "it was kept"
        talkstick.stop()
        talkstick.run("user", "rm", "alice", "--yes")
        talkstick.run("device", "rm", "lamp-1", "--yes")
        talkstick.user("alice")
        talkstick.start()
        assert not session_of_alice()[1]
        with talkstick.subscribe("bob", "devices/+/info", "backend/status") as bob:
            bob.body("devices/scale-1/info", model="scale-1")
            bob.body("backend/status", state="online")
            assert not bob.bodies("devices/lamp-1/info")
