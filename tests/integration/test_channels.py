"""Channels with real clients: who has the floor is heard by all, and who has not is told why.

Mosquitto's clients are the people; the server is the installed command.
"""

import json
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.rig import Subscriber, Talkstick, serving

DATA = "channels/stage/data/{}"
HEARD = "channels/stage/broadcast"
ANSWERED = "channels/stage/session/reply/{}"
SESSION = "channels/stage/session"


@pytest.fixture(scope="module")
def talkstick(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Talkstick]:
    with serving(tmp_path_factory.mktemp("channels")) as running:
        running.user("ears", "listener")
        running.run("channel", "add", "stage", "data_per_s=20", "idle_s=600")
        with running.subscribe("alice", SESSION) as alice:
            alice.body(SESSION, holder=None)
        yield running


def says(talkstick: Talkstick, who: str, *options: str, **body: object) -> None:
    talkstick.publish(who, DATA.format(who), body, *options)


def asks(talkstick: Talkstick, who: str, **body: object) -> None:
    talkstick.publish(who, f"channels/stage/session/request/{who}", body)


@pytest.fixture
def alice(talkstick: Talkstick) -> Iterator[Subscriber]:
    """Somebody who has the floor, and reads all of the channel."""
    with talkstick.subscribe("alice", "channels/stage/#", "backend/broadcast") as reading:
        asks(talkstick, "alice", action="claim")
        reading.body(ANSWERED.format("alice"), code="granted")
        yield reading
        before = len(reading.got)
        asks(talkstick, "alice", action="release")
        reading.body(ANSWERED.format("alice"), after=before, code="released")


@pytest.fixture
def ears(talkstick: Talkstick) -> Iterator[Subscriber]:
    """A listener that asks for everything."""
    with talkstick.subscribe("ears", "#") as listening:
        yield listening


def test_what_the_sender_says_is_heard_and_acknowledged(
    talkstick: Talkstick, alice: Subscriber, ears: Subscriber
) -> None:
    fence = alice.body(SESSION, holder="alice")["fence"]
    says(talkstick, "alice", id="d1", fence=fence, gps=[52.5, 13.4])
    ack = alice.body(ANSWERED.format("alice"), id="d1")
    assert (ack["ok"], ack["code"]) == (True, "ack")
    for reader in (alice, ears):
        heard = reader.body(HEARD, seq=ack["seq"])
        assert (heard["sender"], heard["name"], heard["fence"]) == ("alice", "Alice", fence)
        assert heard["data"] == {"id": "d1", "fence": fence, "gps": [52.5, 13.4]}
    for options in (["-q", "1"], ["-q", "2"]):
        says(talkstick, "alice", *options, id="".join(options))
        assert alice.body(ANSWERED.format("alice"), id="".join(options))["seq"] == ack["seq"] + int(options[1])


@pytest.mark.usefixtures("alice")
def test_listeners_hear_data_and_nothing_of_sessions(talkstick: Talkstick, ears: Subscriber) -> None:
    says(talkstick, "alice", last="one")
    ears.wait_for(lambda got: got.topic == HEARD and "last" in got.payload)
    assert {got.topic for got in ears.got if got.topic.startswith("channels/")} == {HEARD}


@pytest.mark.usefixtures("alice")
def test_boards_hear_it_too(talkstick: Talkstick) -> None:
    with talkstick.subscribe("scale-1", HEARD) as listening:
        says(talkstick, "alice", hello="you")
        assert listening.wait_for(lambda got: got.topic == HEARD).body["data"] == {"hello": "you"}


def test_others_are_rejected_and_told_why(talkstick: Talkstick, alice: Subscriber, ears: Subscriber) -> None:
    fence = alice.body(SESSION, holder="alice")["fence"]
    with talkstick.subscribe("bob", ANSWERED.format("bob"), "channels/nowhere/session/reply/bob") as bob:
        says(talkstick, "bob", id="b1")
        assert bob.body(ANSWERED.format("bob"), id="b1")["reason"] == "not_holder"
        talkstick.publish("bob", "channels/nowhere/data/bob", {"id": "b2"})
        assert bob.body("channels/nowhere/session/reply/bob", id="b2")["reason"] == "unknown_channel"
        talkstick.publish("bob", DATA.format("alice"), {"id": "b3"})
        assert bob.body(ANSWERED.format("bob"), reason="forbidden")["code"] == "rejected"
    says(talkstick, "alice", id="a1", fence=fence + 1)
    assert alice.body(ANSWERED.format("alice"), id="a1")["reason"] == "stale_fence"
    talkstick.publish("alice", DATA.format("alice"), b"[1, 2]")
    assert alice.body(ANSWERED.format("alice"), reason="bad_json")["ok"] is False
    talkstick.publish("alice", DATA.format("alice"), {"id": "a2"}, "-r")
    assert alice.body(ANSWERED.format("alice"), reason="retained")["ok"] is False
    says(talkstick, "ears", id="e1")
    assert ears.body(ANSWERED.format("ears"), reason="forbidden")["ok"] is False
    says(talkstick, "alice", id="a3")
    assert alice.body(ANSWERED.format("alice"), id="a3")["ok"] is True
    assert ears.body(HEARD)["data"] == {"id": "a3"}, "nothing was passed on before"


def test_a_flood_is_slowed_down(talkstick: Talkstick, alice: Subscriber) -> None:
    count = 400  # at the rate that is allowed it takes 20 s to say so much
    lines = b"".join(json.dumps({"id": f"f{number}"}).encode() + b"\n" for number in range(count))
    talkstick.publish_lines("alice", DATA.format("alice"), lines)
    alice.body(ANSWERED.format("alice"), id=f"f{count - 1}")
    replies = [body for body in alice.bodies(ANSWERED.format("alice")) if str(body.get("id")).startswith("f")]
    passed = [body for body in replies if body["ok"]]
    assert len(replies) == count
    assert 20 <= len(passed) < count
    assert {body["reason"] for body in replies if not body["ok"]} == {"rate_limited"}
    assert all(0 < body["retry_in_s"] <= 0.1 for body in replies if not body["ok"])


def test_the_floor_is_passed_on_with_the_sequence(talkstick: Talkstick, alice: Subscriber) -> None:
    with talkstick.subscribe("bob", "channels/stage/#") as bob:
        says(talkstick, "alice", id="p1")
        seq = alice.body(ANSWERED.format("alice"), id="p1")["seq"]
        asks(talkstick, "bob", action="claim")
        bob.body(ANSWERED.format("bob"), code="queued")
        asks(talkstick, "alice", action="release")
        bob.body(ANSWERED.format("bob"), code="granted")
        says(talkstick, "alice", id="p2")
        assert alice.body(ANSWERED.format("alice"), id="p2")["reason"] == "not_holder"
        says(talkstick, "bob", id="p3")
        assert bob.body(ANSWERED.format("bob"), id="p3")["seq"] == seq + 1
        asks(talkstick, "bob", action="release")
        bob.body(ANSWERED.format("bob"), code="released")
        before = len(alice.got)
        asks(talkstick, "alice", action="claim")
        alice.body(ANSWERED.format("alice"), after=before, code="granted")


def test_an_admin_speaks_to_all_and_to_a_channel(talkstick: Talkstick, alice: Subscriber, ears: Subscriber) -> None:
    talkstick.run("broadcast", "Lunch!", "--kind", "food")
    for reader in (alice, ears):
        said = reader.body("backend/broadcast", message="Lunch!")
        assert (said["kind"], said["from"]) == ("food", "admin")
    talkstick.run("broadcast", "Quiet, please", "--channel", "stage")
    heard = ears.body(HEARD, sender=None)
    assert heard["data"] == {"kind": "notice", "message": "Quiet, please"}
    assert "unknown_channel" in talkstick.run("broadcast", "x", "--channel", "nowhere", ok=False)
    password = {"TALKSTICK_PASSWORD": talkstick.passwords["alice"]}
    assert "forbidden" in talkstick.run("broadcast", "x", "--as", "alice", ok=False, environment=password)


def test_an_admin_orders_on_a_floor(talkstick: Talkstick, alice: Subscriber) -> None:
    with talkstick.subscribe("admin", "backend/reply/admin") as admin:
        talkstick.publish("admin", "backend/request/admin", {"id": "k1", "action": "kick", "floor": "channels/stage"})
        assert admin.body("backend/reply/admin", id="k1")["code"] == "kicked"
        alice.body("channels/stage/session/event", event="ended", reason="kicked")
        talkstick.publish("admin", "backend/request/admin", {"id": "k2", "action": "kick", "floor": "channels/stage"})
        assert admin.body("backend/reply/admin", id="k2")["code"] == "not_in_use"
        talkstick.publish("admin", "backend/request/admin", {"id": "k3", "action": "kick", "floor": "channels/x"})
        assert admin.body("backend/reply/admin", id="k3")["code"] == "unknown_channel"
    asks(talkstick, "alice", action="claim", id="again")
    alice.body(ANSWERED.format("alice"), id="again", code="granted")


@pytest.mark.usefixtures("alice")
def test_all_of_it_is_counted(talkstick: Talkstick, ears: Subscriber) -> None:
    says(talkstick, "alice", id="c1")
    says(talkstick, "carol", id="c1")
    counted = ears.wait_for(
        lambda got: (
            got.topic == "backend/stats"
            and got.body["channels"].get("stage", {}).get("sender") == "alice"
            and got.body["channels"]["stage"]["rejected"].get("not_holder", 0) > 0
            and (got.body["users"], got.body["listeners"]) == (1, 1)
        )
    ).body
    assert counted["channels"]["stage"]["messages"] >= 1
    assert counted["refused"]["not_holder"] >= 1
    assert counted["sessions"]["active"] >= 1
    assert counted["uptime_s"] > 0
    with talkstick.subscribe("admin", "backend/reply/admin") as admin:
        talkstick.publish("admin", "backend/request/admin", {"id": "s1", "action": "stats"})
        told = admin.body("backend/reply/admin", id="s1")["stats"]
    assert told["requests"]["claim"]["count"] >= 1
    assert told["requests"]["claim"]["p50_ms"] > 0
    assert "stage" in json.loads(talkstick.run("stats", "--json"))["channels"]
    for_people = [line.split() for line in talkstick.run("stats").splitlines() if line.startswith(" ")]
    assert "stage" in [name for name, *_ in for_people]
    assert all(value for _, *value in for_people), "what is empty is a dash"


def test_data_keep_the_floor_and_silence_loses_it(talkstick: Talkstick) -> None:
    talkstick.run("channel", "add", "quick", "idle_s=4")
    with talkstick.subscribe("alice", "channels/quick/session/#") as alice:
        alice.body("channels/quick/session", holder=None)
        for who in ("alice", "bob"):
            talkstick.publish(who, f"channels/quick/session/request/{who}", {"action": "claim"})
        alice.body("channels/quick/session/event", event="queued", user="bob")
        talkstick.publish("alice", "channels/quick/data/alice", {}, "--repeat", "6", "--repeat-delay", "1")
        ended = alice.body("channels/quick/session/event", event="ended", user="alice")
        assert ended["reason"] == "idle"
        assert ended["held_s"] > 8.5, "5 s of data, and the last of them counts"
        alice.body("channels/quick/session/event", event="granted", user="bob")


def test_a_server_that_stops_says_so_first_and_the_holder_goes_on_afterwards(tmp_path: Path) -> None:
    with serving(tmp_path) as talkstick:
        talkstick.run("channel", "add", "stage")
        with talkstick.subscribe("alice", "channels/stage/session/#", "backend/#") as alice:
            alice.body(SESSION, holder=None)
            asks(talkstick, "alice", action="claim")
            fence = alice.body(ANSWERED.format("alice"), code="granted")["fence"]
            talkstick.stop(signal.SIGTERM)
            alice.body("backend/status", state="disconnected")
            told = [got.body for got in alice.got if got.topic in ("backend/broadcast", "backend/status")]
            assert [body.get("kind", body.get("state")) for body in told] == ["online", "shutdown", "disconnected"]
        talkstick.start()
        with talkstick.subscribe("alice", ANSWERED.format("alice")) as alice:
            says(talkstick, "alice", id="d1", fence=fence)
            assert alice.body(ANSWERED.format("alice"), id="d1") == {"id": "d1", "ok": True, "code": "ack", "seq": 1}
