"""Bad input from real clients: a reply or a count with its reason code, and nothing changes."""

import json
import subprocess
from collections.abc import Iterator
from typing import Any

import pytest

from tests.rig import WITHIN_S, Subscriber, Talkstick, serving

SESSION = "devices/scale-1/session"
REQUEST = f"{SESSION}/request/bob"
COMMAND = "devices/scale-1/command/tare"
CLAIM: dict[str, object] = {"action": "claim", "type": "weighing"}


@pytest.fixture(scope="module")
def talkstick(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Talkstick]:
    with serving(tmp_path_factory.mktemp("bad-input"), lease_s="3600", heartbeat_s="3600") as talkstick:
        talkstick.user("lena", role="listener")
        talkstick.device("printer-1")
        talkstick.publish("scale-1", "devices/scale-1/status", {"state": "online", "boot": 1}, "-r", "-q", "1")
        talkstick.ask("alice", "scale-1", id="first", **CLAIM)
        with talkstick.subscribe("admin", "#") as admin:
            admin.body(SESSION, holder="alice")
            admin.wait_for(lambda got: got.topic == "devices/printer-1/session")
        yield talkstick


@pytest.fixture
def admin(talkstick: Talkstick) -> Iterator[Subscriber]:
    """Watch everything, and see to it that the session is as before."""
    with talkstick.subscribe("admin", "#") as admin:
        before = admin.body(SESSION)
        admin.body("backend/status", state="online")
        yield admin
        with talkstick.subscribe("admin", SESSION) as again:
            after = again.body(SESSION)
        assert {**after, "expires_in_s": 0} == {**before, "expires_in_s": 0}


@pytest.mark.parametrize(
    ("payload", "code"),
    [
        (b'{"id":"x","action":"claim"', "bad_json"),
        (b"\xff\xfe", "bad_json"),
        (b"[1,2]", "bad_json"),
        (b'{"action":"claim","lease_s":NaN}', "bad_json"),
        (b'{"action":"dance"}', "unknown_action"),
        (b'{"type":"weighing"}', "unknown_action"),
        (b'{"action":"claim","wait":"yes"}', "bad_message"),
        (b'{"action":"claim","lease_s":-1}', "bad_message"),
        (b'{"action":"claim","lease_s":7200}', "lease_too_long"),
        (b'{"action":"claim","lease_s":99999999}', "lease_too_long"),
        (b'{"action":"claim","for":"alice"}', "not_yourself"),
        (b'{"action":"claim","input":{"blob":"' + b"x" * 70_000 + b'"}}', "too_large"),
        (b'{"action":"claim"}', "busy"),
        (b'{"action":"release"}', "not_holder"),
        (b'{"action":"leave"}', "not_waiting"),
        (b'{"action":"kick"}', "forbidden"),
    ],
)
def test_a_bad_request_is_answered(talkstick: Talkstick, admin: Subscriber, payload: bytes, code: str) -> None:
    with admin.refusals(code):
        talkstick.publish("bob", REQUEST, payload)
    reply = admin.body(f"{SESSION}/reply/bob", ok=False, code=code)
    assert reply["message"]


@pytest.mark.parametrize(
    ("user", "topic", "payload", "options", "code"),
    [
        ("bob", f"{SESSION}/request/alice", json.dumps(CLAIM).encode(), (), "forbidden"),
        ("lena", f"{SESSION}/request/lena", json.dumps(CLAIM).encode(), (), "forbidden"),
        ("bob", REQUEST, json.dumps(CLAIM).encode(), ("-r",), "retained"),
        ("bob", REQUEST, b'{"action":"claim","pad":"' + b"x" * (256 * 1024) + b'"}', (), "too_large"),
        ("bob", f"devices/{'x' * 64}/session/request/bob", json.dumps(CLAIM).encode(), (), "bad_id"),
        ("bob", "devices/Scale_1/session/request/bob", json.dumps(CLAIM).encode(), (), "bad_id"),
        ("bob", COMMAND, b'{"fence":1}', (), "not_holder"),
        ("lena", COMMAND, b'{"fence":1}', (), "forbidden"),
        ("admin", COMMAND, b'{"fence":1}', (), "not_holder"),
        ("alice", COMMAND, b'{"fence":0}', (), "stale_fence"),
        ("alice", COMMAND, b'{"fence":1.0}', (), "bad_message"),
        ("alice", COMMAND, b"{}", (), "bad_message"),
        ("alice", COMMAND, b"go", (), "bad_json"),
        ("alice", COMMAND, b'{"fence":1}', ("-r",), "retained"),
        ("alice", SESSION, b'{"holder":"alice"}', ("-r",), "forbidden"),
        ("bob", "devices/scale-1/status", b'{"state":"lost","boot":9}', ("-r",), "forbidden"),
        ("printer-1", "devices/scale-1/status", b'{"state":"lost","boot":9}', ("-r",), "forbidden"),
        ("printer-1", "devices/scale-1/result", b'{"fence":1,"complete":true}', (), "forbidden"),
        ("alice", "somewhere/else", b"{}", (), "unknown_topic"),
        ("alice", "$SYS/broker", b"{}", (), "unknown_topic"),
    ],
)
def test_the_broker_refuses(  # noqa: PLR0917
    talkstick: Talkstick, admin: Subscriber, user: str, topic: str, payload: bytes, options: tuple[str, ...], code: str
) -> None:
    before = len(admin.got)
    with admin.refusals(code):
        talkstick.publish(user, topic, payload, *options)
    assert topic not in {got.topic for got in admin.got[before:] if not got.retained}
    if topic.startswith((f"{SESSION}/request/", COMMAND)):
        admin.body(f"{SESSION}/reply/{user}", code=code)
    else:
        assert not any(body["code"] == code for body in admin.bodies(f"{SESSION}/reply/{user}"))


@pytest.mark.parametrize(
    ("topic", "payload", "code"),
    [
        ("devices/scale-1/result", {"fence": 0, "output": {"old": True}}, "stale_fence"),
        ("devices/scale-1/result", {"fence": "1"}, "bad_message"),
        ("devices/scale-1/status", {"state": "lost", "boot": 0}, "stale_boot"),
        ("devices/scale-1/status", {"state": "dancing", "boot": 1}, "bad_message"),
        ("devices/scale-1/heartbeat", {"boot": "one"}, "bad_message"),
    ],
)
def test_bad_words_of_a_device_are_counted(
    talkstick: Talkstick, admin: Subscriber, topic: str, payload: dict[str, Any], code: str
) -> None:
    with admin.refusals(code):
        talkstick.publish("scale-1", topic, payload)


def test_an_unknown_device_is_answered(talkstick: Talkstick, admin: Subscriber) -> None:
    talkstick.publish("bob", "devices/nowhere/session/request/bob", {"id": "u1", **CLAIM})
    admin.body("devices/nowhere/session/reply/bob", id="u1", ok=False, code="unknown_device")


def test_a_repeated_request_gets_the_same_reply_and_no_second_effect(talkstick: Talkstick, admin: Subscriber) -> None:
    for _ in range(2):
        talkstick.publish("alice", f"{SESSION}/request/alice", {"id": "first", **CLAIM}, "-q", "1")
    talkstick.publish("bob", REQUEST, {"id": "after"})
    admin.body(f"{SESSION}/reply/bob", id="after")
    replies = [body for body in admin.bodies(f"{SESSION}/reply/alice") if body.get("id") == "first"]
    assert len(replies) == 2
    assert replies[0] == replies[1]


def test_a_will_on_another_topic_is_refused_at_the_door(talkstick: Talkstick) -> None:
    login = ["-h", "127.0.0.1", "-p", str(talkstick.port), "-u", "printer-1", "-P", talkstick.passwords["printer-1"]]
    will = ["--will-topic", "devices/scale-1/status", "--will-payload", '{"state":"lost","boot":9}', "--will-retain"]
    done = subprocess.run(
        ["mosquitto_sub", *login, *will, "-t", "devices/printer-1/session", "-W", "60"],
        capture_output=True,
        text=True,
        timeout=WITHIN_S,
        check=False,
    )
    assert "not authorised" in (done.stdout + done.stderr).lower()


@pytest.mark.parametrize(("user", "password"), [("alice", "wrong"), ("nobody", "x"), ("backend", ""), ("scale-1", "")])
def test_a_wrong_login_is_refused(talkstick: Talkstick, user: str, password: str) -> None:
    done = subprocess.run(
        [
            "mosquitto_sub",
            "-h",
            "127.0.0.1",
            "-p",
            str(talkstick.port),
            "-u",
            user,
            "-P",
            password,
            "-t",
            "#",
            "-W",
            "60",
        ],
        capture_output=True,
        text=True,
        timeout=WITHIN_S,
        check=False,
    )
    assert done.returncode != 0
    assert "not authorised" in (done.stdout + done.stderr).lower()


def test_nobody_reads_what_is_not_for_him(talkstick: Talkstick, admin: Subscriber) -> None:
    with (
        talkstick.subscribe("printer-1", "#") as printer,
        talkstick.subscribe("lena", "#") as lena,
        talkstick.subscribe("alice", "#") as alice,
    ):
        talkstick.publish("bob", REQUEST, {"id": "private", "action": "leave"})
        admin.body(f"{SESSION}/reply/bob", id="private")
        talkstick.publish("scale-1", "devices/scale-1/heartbeat", {"boot": 1}, "-q", "1")
        talkstick.run("broadcast", "That is all.")
        for reader in (lena, alice):
            reader.wait_for(lambda got: got.topic == "devices/scale-1/heartbeat")
            assert not [got for got in reader.got if got.topic.endswith("/bob")]
        printer.body("devices/printer-1/session")
        printer.body("backend/broadcast", message="That is all.")
        assert {got.topic.split("/")[1] for got in printer.got if got.topic.startswith("devices/")} == {"printer-1"}


def test_only_the_filters_of_the_contract_may_be_subscribed(talkstick: Talkstick) -> None:
    for topic_filter, allowed in (("devices/+/session", True), ("devices/printer-1/#", True), ("secret/#", False)):
        login = ["-h", "127.0.0.1", "-p", str(talkstick.port), "-u", "lena", "-P", talkstick.passwords["lena"]]
        done = subprocess.run(
            ["mosquitto_sub", *login, "-t", topic_filter, "-d", "-E", "-W", "60"],
            capture_output=True,
            text=True,
            timeout=WITHIN_S,
            check=False,
        )
        assert ("denied" in (done.stdout + done.stderr).lower()) != allowed, (topic_filter, done)


def test_the_log_shows_no_bug(talkstick: Talkstick) -> None:
    log = talkstick.log.read_text()
    assert "Traceback" not in log, log
