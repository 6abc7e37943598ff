"""Apps of people, as mosquitto's clients make them: births, last wills, restarts, and who may say what."""

import json
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.rig import WITHIN_S, Subscriber, Talkstick, serving

PHONE, PRESENCE = "users/alice/clients/phone/status", "users/alice/presence"
SESSION, EVENT = "devices/scale-1/session", "devices/scale-1/session/event"


@pytest.fixture(scope="module")
def talkstick(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Talkstick]:
    with serving(tmp_path_factory.mktemp("clients")) as talkstick:
        talkstick.publish("scale-1", "devices/scale-1/status", {"state": "online", "boot": 1}, "-r")
        yield talkstick


def app(talkstick: Talkstick, user: str, boot: int) -> Subscriber:
    """Return an app that listens to its replies, and leaves a last will."""
    will = json.dumps({"state": "lost", "boot": boot})
    options = (
        "--will-topic",
        f"users/{user}/clients/phone/status",
        "--will-payload",
        will,
        "--will-qos",
        "1",
        "--will-retain",
    )
    return talkstick.subscribe(user, f"devices/+/session/reply/{user}", options=options)


def says(talkstick: Talkstick, user: str, state: str, boot: int) -> None:
    talkstick.publish(user, f"users/{user}/clients/phone/status", {"state": state, "boot": boot}, "-r", "-q", "1")


def forged_will(talkstick: Talkstick) -> str:
    """Let Bob leave a last will on Alice's topic; return what his client complains of."""
    login = ["-h", "127.0.0.1", "-p", str(talkstick.port), "-u", "bob", "-P", talkstick.passwords["bob"]]
    will = ["--will-topic", PHONE, "--will-payload", '{"state":"lost","by":"bob"}', "--will-retain"]
    done = subprocess.run(
        ["mosquitto_sub", *login, *will, "-t", "#", "-W", "60"],
        capture_output=True,
        text=True,
        timeout=WITHIN_S,
        check=False,
    )
    return (done.stdout + done.stderr).lower()


def test_an_app_that_is_killed_is_lost_and_its_session_waits_for_it(talkstick: Talkstick) -> None:
    with talkstick.subscribe("bob", PHONE, PRESENCE, SESSION, EVENT) as bob:
        with app(talkstick, "alice", boot=1) as phone:
            says(talkstick, "alice", "online", 1)
            body = bob.body(PRESENCE, state="online")
            assert [(each["client"], each["state"], each["boot"]) for each in body["clients"]] == [
                ("phone", "online", 1)
            ]
            talkstick.ask("alice", "scale-1", action="claim")
            phone.body("devices/scale-1/session/reply/alice", code="granted")
            phone.kill()
            bob.body(PHONE, state="lost", boot=1)
            bob.body(PRESENCE, state="lost")
            fence = bob.body(EVENT, event="lost", reason="client_lost")["fence"]
        before = len(bob.got)
        with app(talkstick, "alice", boot=2):
            says(talkstick, "alice", "online", 2)
            bob.body(PRESENCE, after=before, state="online")
            assert bob.body(EVENT, event="returned")["fence"] == fence
        talkstick.ask("alice", "scale-1", action="release")
        bob.body(EVENT, event="ended", reason="released", fence=fence)


def test_a_late_will_of_an_older_connection_changes_nothing(talkstick: Talkstick) -> None:
    presence = "users/carol/presence"
    with (
        talkstick.subscribe("bob", presence, "backend/stats") as bob,
        talkstick.subscribe("carol", presence),  # else nobody believes for long that she is there
    ):
        with app(talkstick, "carol", boot=10) as old, bob.refusals("stale_boot"):
            says(talkstick, "carol", "online", 11)
            bob.body(presence, state="online")
            old.kill()
        says(talkstick, "carol", "disconnected", 11)
        bob.body(presence, state="disconnected")
        assert [body["state"] for body in bob.bodies(presence)] == ["online", "disconnected"]


def test_nobody_says_anything_for_another(talkstick: Talkstick) -> None:
    with talkstick.subscribe("admin", "users/#", "backend/stats") as admin:
        with admin.refusals("forbidden", 5):
            for user in ("bob", "scale-1"):
                talkstick.publish(user, PHONE, {"state": "online", "by": user}, "-r")
            for user in ("alice", "scale-1"):
                talkstick.publish(user, PRESENCE, {"state": "online", "by": user}, "-r")
            assert "not authorised" in forged_will(talkstick)
        assert not any("by" in got.body for got in admin.got if got.topic.startswith("users/") and got.payload)


def test_a_listener_says_nothing(talkstick: Talkstick) -> None:
    talkstick.user("ears", "listener")
    with (
        talkstick.subscribe("admin", "backend/stats") as admin,
        talkstick.subscribe("ears", PRESENCE),
        admin.refusals("forbidden"),
    ):
        talkstick.publish("ears", "users/ears/clients/wall/status", {"state": "online"}, "-r")


def test_after_a_power_cut_it_is_unknown_who_is_there(tmp_path: Path) -> None:
    kept = ("-c", "-i", "wall")  # so that what was said when nobody listened yet is heard, too
    with serving(tmp_path, heartbeat_s="2") as talkstick:
        with talkstick.subscribe("bob", PRESENCE, options=kept) as bob, talkstick.subscribe("alice", "users/alice/#"):
            says(talkstick, "alice", "online", 7)
            talkstick.publish("alice", "users/alice/clients/laptop/status", {"state": "online"}, "-r")
            bob.wait_for(lambda got: len(got.body["clients"]) == 2)
            talkstick.stop(signal.SIGKILL)
        talkstick.start()
        with talkstick.subscribe("bob", PRESENCE, options=kept) as bob, talkstick.subscribe("alice", "users/alice/#"):
            body = bob.body(PRESENCE, state="unknown")
            assert [(each["client"], each["boot"]) for each in body["clients"]] == [("laptop", None), ("phone", 7)]
            says(talkstick, "alice", "online", 8)
            bob.wait_for(lambda got: [each["state"] for each in got.body["clients"]] == ["lost", "online"])
            says(talkstick, "alice", "disconnected", 8)
            bob.body(PRESENCE, state="disconnected")


def test_a_removed_account_leaves_nothing_behind(talkstick: Talkstick) -> None:
    talkstick.user("dave")
    topics = ("users/dave/clients/phone/status", "users/dave/presence")
    with talkstick.subscribe("bob", "users/dave/#") as bob, app(talkstick, "dave", boot=1):
        says(talkstick, "dave", "online", 1)
        bob.body("users/dave/presence", state="online")
        shown = json.loads(talkstick.run("user", "show", "dave", "--json"))
        assert (shown["role"], shown["presence"]["clients"][0]["client"]) == ("user", "phone")
        talkstick.run("user", "rm", "dave", "--yes")
        for topic in topics:
            bob.wait_for(lambda got, topic=topic: (got.topic, got.payload) == (topic, ""))  # type: ignore[misc]
    with talkstick.subscribe("bob", "users/dave/#", "backend/status") as late:
        late.body("backend/status")
        assert [got.topic for got in late.got] == ["backend/status"]
