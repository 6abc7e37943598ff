"""A hall with a motion sensor, a lamp and a voice, with the installed command and mosquitto's clients."""

import json
import signal
import time
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from backend.core.principals import Principal, Role
from tests.rig import PEOPLE, WITHIN_S, Subscriber, Talkstick, provisioned

SENSOR, LAMP, VOICE = "pir-1", "lamp-1", "speaker-1"
BOARDS = [Principal(name, Role.DEVICE, name) for name in (SENSOR, LAMP, VOICE)]
HALL = "triggers/hall"
SWITCH = f"devices/{LAMP}/command/switch"
SAID = f"devices/{VOICE}/conversation"
SETUP = """
triggers:
  hall: {owner: pir-1}
profiles:
  greeter:
    start:  [{do: speak, device: speaker-1, text: "{{ config.words }} It is {{ now | time }}."}]
  light:
    start:  [{do: command, device: lamp-1, name: switch, body: {"on": true}}]
    repeat: [{do: publish, topic: hall/light, body: {lux: "{{ data.lux }}", times: "{{ repetition }}"}}]
    end:    [{do: command, device: lamp-1, name: switch, body: {"on": false}}]
  bell:
    start:  [{do: publish, topic: hall/bell, body: ring}]
    end:    [{do: publish, topic: hall/bell, body: over}]
"""


class Hall:
    """A server with three boards and three profiles, and what an admin sees of all of it."""

    def __init__(self, talkstick: Talkstick, directory: Path) -> None:
        self.talkstick = talkstick
        self._ids = count()
        (directory / "hall.yaml").write_text(SETUP)
        talkstick.run("trigger", "apply", str(directory / "hall.yaml"))
        talkstick.run("user", "topics", "alice", "--add", "hall/#")

    def watches(self) -> Subscriber:
        """Start a subscriber that sees everything, once the boards are there, and the trigger is."""
        admin = self.talkstick.subscribe("admin", "#")
        admin.__enter__()
        admin.body(f"{HALL}/profiles", name="hall")
        for board in (LAMP, VOICE):
            self.talkstick.publish(board, f"devices/{board}/status", {"state": "online", "boot": 1}, "-r")
            admin.body(f"devices/{board}/presence", state="online")
        return admin

    def senses(self, active: bool, **data: object) -> None:
        """Let the sensor say whether somebody moves."""
        self.talkstick.publish(SENSOR, HALL, {"active": active, "data": data}, "-r")

    def subscribes(self, who: str, profile: str, **plan: object) -> dict[str, Any]:
        """Let somebody subscribe a profile; return the answer."""
        topic, id_ = f"{HALL}/profiles", f"s{next(self._ids)}"
        with self.talkstick.subscribe(who, f"{topic}/reply/{who}") as client:
            body = {"id": id_, "action": "subscribe", "profile": profile, **plan}
            self.talkstick.publish(who, f"{topic}/request/{who}", body)
            return client.body(f"{topic}/reply/{who}", id=id_)

    def runs(self) -> list[tuple[str, str]]:
        """Return which runs are over, and why, the newest first."""
        told = json.loads(self.talkstick.run("trigger", "runs", "hall", "--json"))
        return [(run["profile"], run["reason"]) for run in told]


@pytest.fixture
def hall(tmp_path: Path) -> Iterator[Hall]:
    """A hall in which nobody is, with a server that knows all of it from the start."""
    passwords = provisioned(tmp_path / "data", [*PEOPLE, *BOARDS])
    settings = {"TALKSTICK_STATS_S": "0.1", "TALKSTICK_DEBOUNCE_S": "0.5"}
    talkstick = Talkstick(tmp_path / "data", settings=settings, passwords=passwords)
    made = Hall(talkstick, tmp_path)
    try:
        talkstick.start()
        yield made
    finally:
        talkstick.stop(signal.SIGKILL)


def switched(admin: Subscriber) -> list[tuple[bool, int]]:
    """Return how the lamp was switched, with the fences."""
    return [(body["on"], body["fence"]) for body in admin.bodies(SWITCH)]


def test_who_comes_is_greeted_once_and_the_light_is_on_until_nobody_is_there(hall: Hall) -> None:
    admin = hall.watches()
    greet = {"mode": "one_shot", "cooldown_s": 600, "config": {"words": "Welcome."}}
    assert hall.subscribes("alice", "greeter", **greet)["code"] == "subscribed"
    assert hall.subscribes("alice", "light", mode="monitoring", every_s=0.2)["code"] == "subscribed"
    second = hall.subscribes("bob", "light", mode="monitoring")
    assert (second["code"], "by alice" in second["message"]) == ("already_subscribed", True)
    hall.senses(True, lux=12)
    assert admin.body(SAID, event="answer")["text"].startswith("Welcome. It is ")
    session = admin.body(f"{HALL}/event", event="started", profile="light")["session"]
    admin.body("hall/light", lux=12, times=3)
    assert switched(admin) == [(True, 1)], "it is switched once, however often it repeats"
    hall.senses(False)
    ended = admin.body(f"{HALL}/event", event="ended", profile="light")
    assert (ended["session"], ended["reason"]) == (session, "inactive")
    assert switched(admin) == [(True, 1), (False, 2)], "and the board is free in between"
    seen = len(admin.got)
    hall.senses(True, lux=12)
    admin.body("hall/light", after=seen, times=1)
    hall.senses(False)
    admin.body(f"{HALL}/event", after=seen, event="ended", profile="light")
    greeter = admin.wait_for(
        lambda got: got.topic == f"{HALL}/profiles/greeter" and got.body["counts"]["dropped"] == {"cooldown": 1},
        "a greeting that is left out",
    )
    assert greeter.body["counts"]["started"] == 1
    assert len([body for body in admin.bodies(SAID) if body["event"] == "answer"]) == 1
    assert hall.runs() == [("light", "inactive"), ("light", "inactive"), ("greeter", "completed")]
    admin.kill()


def test_after_kill_9_the_same_session_goes_on_and_is_ended(hall: Hall) -> None:
    admin = hall.watches()
    hall.subscribes("alice", "light", mode="monitoring", every_s=0.2)
    hall.senses(True, lux=7)
    session = admin.body(f"{HALL}/profiles/light", state="running")["session"]
    admin.body("hall/light", times=2)
    assert switched(admin) == [(True, 1)]
    hall.talkstick.stop(signal.SIGKILL)
    admin.kill()
    hall.talkstick.start()
    with hall.talkstick.subscribe("admin", HALL + "/#", "hall/light", SWITCH) as after:
        assert after.body("hall/light")["times"] > 2
        assert after.body(f"{HALL}/profiles/light", state="running")["session"] == session
        hall.senses(False)
        ended = after.body(f"{HALL}/event", event="ended")
        assert (ended["session"], ended["reason"]) == (session, "inactive")
        assert switched(after) == [(False, 2)], "nothing was switched on anew"
    assert hall.runs() == [("light", "inactive")]


def test_nobody_but_its_owner_says_that_it_is_active(hall: Hall) -> None:
    admin = hall.watches()
    hall.subscribes("alice", "bell", mode="one_shot")
    seen = len(admin.got)
    for stranger in ("bob", "alice", LAMP):
        hall.talkstick.publish(stranger, HALL, {"active": True}, "-r")
    admin.wait_for(
        lambda got: got.topic == "backend/stats" and got.body["refused"].get("forbidden", 0) >= 3,
        "three refusals that are counted",
        after=seen,
    )
    assert admin.bodies(f"{HALL}/event")[-1]["event"] == "subscribed"
    assert not [got for got in admin.got if got.topic in (HALL, "hall/bell")]
    hall.senses(True)
    admin.body(f"{HALL}/event", after=seen, event="ended", profile="bell")
    assert [got.payload for got in admin.got if got.topic == "hall/bell"] == ["ring", "over"]
    admin.kill()


def test_a_profile_does_not_what_who_subscribed_may_not(hall: Hall) -> None:
    admin = hall.watches()
    hall.subscribes("bob", "bell", mode="one_shot", run="parallel")
    hall.senses(True)
    failed = admin.body(f"{HALL}/event", event="failed", profile="bell")
    assert failed["code"] == "unknown_topic", "as the broker tells bob himself of topics outside of the tree"
    assert "bob may not publish this to hall/bell" in failed["message"]
    document = admin.body(f"{HALL}/profiles/bell", state="terminated")
    assert (document["reason"], document["counts"]["delivered"]) == ("failed", 0)
    assert document["counts"]["failed"] == 2, "in the end likewise"
    hall.talkstick.run("user", "topics", "bob", "--add", "hall/bell")
    deadline = time.monotonic() + WITHIN_S
    while not [got for got in admin.got if got.topic == "hall/bell"]:
        assert time.monotonic() < deadline, "the server follows within a second"
        seen = len(admin.got)
        hall.senses(False)
        hall.senses(True)
        admin.body(f"{HALL}/event", after=seen, event="ended", profile="bell")
    admin.kill()


def test_a_profile_that_is_removed_while_it_runs_ends_first(hall: Hall) -> None:
    admin = hall.watches()
    hall.subscribes("alice", "light", mode="monitoring")
    hall.subscribes("alice", "bell", mode="monitoring")
    hall.senses(True)
    for profile in ("light", "bell"):
        admin.body(f"{HALL}/profiles/{profile}", state="running", next_at=None)
    admin.body(SWITCH, on=True)
    assert hall.talkstick.run("profile", "rm", "light", "--yes") == "Removed light.\n"
    admin.body(SWITCH, on=False)
    admin.wait_for(lambda got: got.topic == f"{HALL}/profiles/light" and not got.payload, "a topic that is cleared")
    events = [body["event"] for body in admin.bodies(f"{HALL}/event") if body.get("profile") == "light"]
    assert events == ["subscribed", "started", "ended", "unsubscribed"]
    bell = admin.bodies(f"{HALL}/profiles/bell")[-1]
    assert bell["state"] == "running", "what is not removed goes on"
    assert hall.subscribes("alice", "light", mode="monitoring")["code"] == "unknown_profile"
    admin.kill()
