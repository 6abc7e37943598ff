"""Sessions of devices and channels from the command line, and policies that a running server follows."""

import json
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click.testing
import pytest

from backend.cli.main import talkstick as command
from tests.rig import WITHIN_S, Subscriber, Talkstick, serving

SESSION = "devices/scale-1/session"
STAGE = "channels/stage"


class House:
    """A server that runs, an admin who sees everything, and people who type commands."""

    def __init__(self, talkstick: Talkstick, admin: Subscriber) -> None:
        self.talkstick = talkstick
        self.admin = admin

    def run(self, name: str, *arguments: str, ok: bool = True) -> str:
        """Run a command as somebody, in this process."""
        done = click.testing.CliRunner().invoke(command, arguments, env=self._environment(name))
        assert (done.exit_code == 0) == ok, done.output
        return done.output

    def code(self, name: str, *arguments: str) -> str:
        """Return the code of the answer to a session command."""
        done = click.testing.CliRunner().invoke(command, ["session", *arguments, "--json"], env=self._environment(name))
        return str(json.loads(done.stdout)["code"])

    def document(self, floor: str) -> dict[str, Any]:
        """Return a session document."""
        return dict(json.loads(self.run("admin", "session", "show", floor, "--json")))

    def _environment(self, name: str) -> dict[str, str]:
        return self.talkstick.environment(self.talkstick.login(name))


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    """A house in which the scale is online."""
    with serving(tmp_path) as talkstick, talkstick.subscribe("admin", "#") as admin:
        talkstick.publish("scale-1", "devices/scale-1/status", {"state": "online", "boot": 1}, "-r")
        admin.body("devices/scale-1/presence", state="online")
        yield House(talkstick, admin)


def next_line(process: "subprocess.Popen[str]") -> str:
    assert process.stdout is not None
    return process.stdout.readline()


def test_a_device_is_held_renewed_and_handed_over(house: House) -> None:
    assert house.code("alice", "claim", "scale-1", "--client", "shell", "--lease", "20") == "granted"
    assert house.admin.body(SESSION, holder="alice")["client"] == "shell"
    assert house.code("alice", "renew", "devices/scale-1", "--lease", "30") == "renewed"
    assert house.code("alice", "update", "scale-1", '{"age": 5}') == "updated"
    house.admin.body(SESSION, input={"age": 5})
    assert "not a JSON object" in house.run("alice", "session", "update", "scale-1", "[]", ok=False)
    assert "not_waiting" in house.run("alice", "session", "leave", "scale-1", ok=False)
    assert house.code("carol", "observe", "scale-1", "--lease", "60") == "observing"
    assert house.code("carol", "unobserve", "scale-1") == "unobserved"
    assert house.code("alice", "offer", "scale-1", "--to", "bob") == "offered"
    assert house.code("bob", "decline", "scale-1") == "declined"
    with house.talkstick.started("alice", "session", "offer", "scale-1", "--to", "bob", "--wait") as alice:
        assert "offered" in next_line(alice)
        assert house.code("bob", "accept", "scale-1", "--client", "shell") == "granted"
        assert "handed_over" in alice.communicate(timeout=WITHIN_S)[0]
    assert house.document("scale-1")["holder"] == "bob"


def test_an_admin_promotes_demotes_preempts_and_kicks(house: House) -> None:
    assert house.code("alice", "claim", "scale-1") == "granted"
    assert house.code("bob", "claim", "scale-1", "--priority", "2") == "busy"
    house.talkstick.ask("bob", "scale-1", id="b", action="claim", wait=True)
    house.admin.body(f"{SESSION}/event", event="queued", user="bob")
    assert house.code("admin", "promote", "scale-1", "--user", "bob") == "promoted"
    house.admin.body(SESSION, holder="bob")
    assert house.code("admin", "demote", "scale-1") == "demoted"
    assert house.document("scale-1")["holder"] == "alice"
    assert house.code("admin", "preempt", "scale-1", "--in", "60", "--why", "maintenance") == "preempting"
    assert house.document("scale-1")["notice"]["why"] == "maintenance"
    assert house.code("admin", "leave", "scale-1") == "left"
    assert house.code("admin", "preempt", "scale-1", "--no-requeue", "--type", "repair") == "granted"
    assert house.document("scale-1")["type"] == "repair"
    assert house.code("alice", "kick", "scale-1") == "forbidden"
    assert house.code("admin", "kick", "scale-1") == "kicked"
    assert house.document("scale-1")["holder"] == "bob"

    told = json.loads(house.run("alice", "session", "history", "scale-1", "--json"))
    assert [(past["user"], past["reason"]) for past in told] == [
        ("admin", "kicked"),
        ("alice", "preempted"),
        ("bob", "preempted"),
        ("alice", "preempted"),
    ]
    latest = house.run("alice", "session", "history", "scale-1", "--limit", "1", "--before", str(told[0]["fence"]))
    assert "preempted" in latest
    assert "repair" not in latest


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGHUP])
def test_who_waits_and_gives_up_waits_no_longer(house: House, how: signal.Signals) -> None:
    house.run("alice", "session", "claim", "scale-1")
    with house.talkstick.started("bob", "session", "claim", "scale-1", "--wait") as bob:
        assert "queued, position 1" in next_line(bob)
        bob.send_signal(how)
        assert "you wait no longer" in bob.communicate(timeout=WITHIN_S)[0]
        assert bob.returncode == 1
    house.admin.body(f"{SESSION}/event", event="left", user="bob")
    with house.talkstick.started("bob", "session", "claim", "scale-1", "--wait") as bob:
        assert "queued, position 1" in next_line(bob)
        house.run("alice", "session", "release", "scale-1")
        assert "granted" in bob.communicate(timeout=WITHIN_S)[0]
        assert bob.returncode == 0
    with house.talkstick.started("admin", "session", "preempt", "scale-1", "--in", "60", "--wait") as admin:
        assert "preempting" in next_line(admin)
        admin.send_signal(signal.SIGINT)
        assert "you wait no longer" in admin.communicate(timeout=WITHIN_S)[0]
    assert house.document("scale-1")["notice"] is None


def test_a_channel_is_added_held_and_removed_while_the_server_runs(house: House) -> None:
    house.talkstick.publish("alice", f"{STAGE}/session/request/alice", {"id": "1", "action": "claim"})
    house.admin.body(f"{STAGE}/session/reply/alice", id="1", ok=False, code="unknown_channel")
    house.run("admin", "channel", "add", "stage", "max_queue=1")
    house.admin.body(f"{STAGE}/session", state="free")
    assert house.code("alice", "claim", STAGE, "--type", "talk") == "granted"
    house.talkstick.publish("alice", f"{STAGE}/data/alice", {"lat": 47.4, "lon": 8.5})
    assert house.admin.body(f"{STAGE}/broadcast", sender="alice", seq=1)["data"] == {"lat": 47.4, "lon": 8.5}
    assert house.code("bob", "claim", STAGE) == "queued", "on a channel everybody waits"
    assert house.code("carol", "claim", STAGE) == "queue_full"
    shown = json.loads(house.run("admin", "channel", "show", "stage", "--json"))
    assert (shown["session"]["holder"], shown["rules"]) == ("alice", {"max_queue": 1})
    rows = json.loads(house.run("admin", "session", "list", "--json"))
    assert [(row["floor"], row["holder"], row["presence"]) for row in rows] == [
        (STAGE, "alice", None),
        ("scale-1", None, "online"),
    ]
    house.run("admin", "channel", "rm", "stage", "--yes")
    house.admin.wait_for(lambda got: got.topic == f"{STAGE}/session" and not got.payload)
    house.admin.body(f"{STAGE}/session/event", event="ended", user="alice")
    assert "no channel stage" in house.run("admin", "session", "show", STAGE, ok=False)


def test_a_server_follows_a_rule_at_once(house: House) -> None:
    assert house.code("alice", "claim", "scale-1", "--lease", "4000") == "lease_too_long"
    house.run("admin", "device", "policy", "scale-1", "max_lease_s=5000")
    deadline = time.monotonic() + WITHIN_S
    while house.code("alice", "claim", "scale-1", "--lease", "4000") != "granted":
        assert time.monotonic() < deadline, "it looks twice a second"


def test_what_is_no_floor_is_refused_before_anything_is_asked(house: House) -> None:
    for floor in ("users/alice", "channels/+", "a/b/c"):
        assert "no device, and no channels/NAME" in house.run("admin", "session", "show", floor, ok=False)
    assert "no channel hall" in house.run("admin", "session", "show", "channels/hall", ok=False)
    assert "no device nothing" in house.run("admin", "session", "show", "nothing", ok=False)
