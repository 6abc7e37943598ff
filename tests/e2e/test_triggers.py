"""Triggers, profiles and subscriptions, by command, with a server."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from backend.cli.main import talkstick
from tests.rig import Subscriber, Talkstick, serving

HALL = "triggers/hall/profiles"
LIGHT = "profiles: {light: {name: Light, start: [{do: wait, seconds: 0.01}]}}\n"


class House:
    """A server with a trigger that the scale owns and a profile, and what an admin sees of them."""

    def __init__(self, talkstick: Talkstick, admin: Subscriber, directory: Path) -> None:
        self.talkstick = talkstick
        self.admin = admin
        self._directory = directory

    def run(self, name: str, *arguments: str, ok: bool = True) -> str:
        """Run a command as somebody."""
        return self.talkstick.run(*arguments, ok=ok, environment=self._login(name))

    def _login(self, name: str) -> dict[str, str]:
        return self.talkstick.login(name)

    def record(self, name: str, *arguments: str) -> Any:
        """Return what a command printed as JSON."""
        return json.loads(self.run(name, *arguments, "--json"))

    def apply(self, text: str, *options: str, name: str = "admin", ends_with: int = 0) -> list[str]:
        """Apply a file; return what was done."""
        file = self._directory / "house.yaml"
        file.write_text(text)
        environment = self.talkstick.environment(self._login(name))
        done = CliRunner().invoke(talkstick, ["trigger", "apply", str(file), *options], env=environment)
        assert done.exit_code == ends_with, done.output
        return done.stdout.splitlines()

    def plans(self) -> dict[str, Any]:
        """Return how each profile of the hall runs."""
        return {each["profile"]: each["plan"] for each in self.record("admin", "trigger", "subscriptions", "hall")}


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    """A house with a trigger and a profile."""
    with serving(tmp_path) as talkstick, talkstick.subscribe("admin", "#") as admin:
        made = House(talkstick, admin, tmp_path)
        made.apply(LIGHT + "triggers: {hall: {name: Hall, owner: scale-1}}")
        yield made


def test_a_profile_is_subscribed_changed_and_unsubscribed(house: House) -> None:
    how = ["--run", "queued", "--most", "3", "--cooldown", "60", "--when", "$.lux<20", "--window", "mon-fri 8:00-9:00"]
    subscribed = house.run(
        "alice", "trigger", "subscribe", "hall", "light", "--mode", "one_shot", *how, "--config", "a=1", "--off"
    )
    assert subscribed == "subscribed\n"
    document = house.admin.body(f"{HALL}/light", owner="alice", run="queued")
    assert (document["enabled"], document["mode"], document["state"]) == (False, "one_shot", "idle")
    assert house.plans()["light"]["config"] == {"a": 1}
    shown = house.run("alice", "trigger", "subscriptions", "hall")
    for text in ('--when "$.lux < 20"', '--window "mon-fri 08:00-09:00"', "--cooldown 60", "--config a=1", "--off"):
        assert text in shown
    assert "--config" not in house.run("bob", "trigger", "subscriptions", "hall")
    house.run("alice", "trigger", "change", "hall", "light", "--unset", "when", "--on", "--max", "5", "--unset", "run")
    assert house.plans()["light"].keys() == {"mode", "most", "cooldown_s", "windows", "config", "max_s"}
    assert "light  " in house.run("admin", "trigger", "show", "hall")
    assert [row["triggers"] for row in house.record("admin", "profile", "list")] == [["hall"]]
    assert house.run("alice", "trigger", "unsubscribe", "hall", "light") == "unsubscribed\n"
    assert house.plans() == {}


def test_what_is_refused_is_told(house: House) -> None:
    house.admin.body(HALL, name="Hall")
    for command, why in (
        (["subscribe", "hall", "nothing", "--mode", "one_shot"], "unknown_profile"),
        (["subscribe", "nowhere", "light", "--mode", "one_shot"], "unknown_trigger"),
        (["subscribe", "hall", "light", "--mode", "one_shot", "--max", "-5"], "bad_message"),
        (["unsubscribe", "hall", "light"], "not_subscribed"),
        (["subscriptions", "nowhere"], "unknown_trigger"),
    ):
        assert why in house.run("alice", "trigger", *command, ok=False)
    house.run("alice", "trigger", "subscribe", "hall", "light", "--mode", "one_shot")
    assert "forbidden" in house.run("bob", "trigger", "stop", "hall", "light", ok=False)
    assert "every_s goes with monitoring" in house.run(
        "alice", "trigger", "change", "hall", "light", "--every", "5", ok=False
    )


def test_what_ran_is_listed_and_what_runs_is_stopped(house: House) -> None:
    house.run("alice", "trigger", "subscribe", "hall", "light", "--mode", "monitoring")
    house.talkstick.publish("scale-1", "triggers/hall", {"active": True}, "-r")
    house.admin.body(f"{HALL}/light", state="running")
    (row,) = house.record("admin", "trigger", "list")
    assert (row["active"], row["profiles"]) == (True, 1)
    assert "running, monitoring, alice's" in house.run("admin", "trigger", "show", "hall")
    assert house.run("alice", "trigger", "stop", "hall", "light") == "run_stopped\n"
    house.admin.body(f"{HALL}/light", state="terminated", reason="stopped")
    (run,) = house.record("bob", "trigger", "runs", "hall", "--profile", "light", "--limit", "5")
    assert (run["profile"], run["reason"], run["owner"]) == ("light", "stopped", "alice")
    assert house.record("bob", "trigger", "runs", "hall", "--before", str(run["key"])) == []
    watched = house.run("admin", "watch", f"{HALL}/+", "--count", "1")
    assert "triggers/hall/profiles/light" in watched


def test_a_file_is_made_so_and_exported(house: House) -> None:
    told = (
        LIGHT.replace("}}\n", "}, more: {}}\n")
        + "triggers: {hall: {owner: scale-1, profiles: {light: {mode: one_shot, when: $.lux < 20}}},"
        + " door: {source: {topic: home/door}, profiles: {more: {mode: monitoring, every_s: 5}}}}"
    )
    would = house.apply(told, "--dry-run")
    assert would[-2:] == ["would subscribe light to hall", "would subscribe more to door"]
    assert house.plans() == {}
    assert house.apply(told) == [
        "added profile more",
        "changed trigger hall",
        "added trigger door",
        "subscribed light to hall",
        "subscribed more to door",
    ]
    assert house.apply(told) == ["Everything is so already."]
    assert house.apply(house.run("admin", "trigger", "export"), "--prune") == ["Everything is so already."]
    less = told.replace(", when: $.lux < 20", "").replace("more: {mode: monitoring, every_s: 5}", "")
    assert house.apply(less, "--prune") == ["changed light of hall", "unsubscribed more from door"]
    house.admin.wait_for(lambda got: got.topic == "triggers/door/profiles/more" and not got.payload)
    assert house.plans() == {"light": {"mode": "one_shot"}}
    assert house.apply(LIGHT + "triggers: {hall: {}}", "--prune") == [
        "removed profile more",
        "changed trigger hall",
        "removed trigger door",
        "unsubscribed light from hall",
    ]


def test_a_subscription_acts_for_who_made_it_only(house: House) -> None:
    told = LIGHT + "triggers: {hall: {owner: scale-1, profiles: {light: {mode: one_shot, owner: alice}}}}"
    left = "left light of hall: alice has to subscribe; or use --as"
    assert house.apply(told, "--dry-run", ends_with=3)[-1] == left.replace("left", "would leave")
    assert house.apply(told, ends_with=3) == ["changed trigger hall", left]
    assert house.apply(told, name="alice") == ["subscribed light to hall"]
    assert house.admin.body(f"{HALL}/light")["owner"] == "alice"
    assert house.apply(told) == ["Everything is so already."]


def test_what_ends_with_something_is_said_before_it_is_removed(house: House) -> None:
    house.run("alice", "trigger", "subscribe", "hall", "light", "--mode", "one_shot")
    house.admin.wait_for(lambda got: got.topic == HALL and "light" in got.payload)
    assert "which ends its subscriptions to hall?" in house.run("admin", "profile", "rm", "light", ok=False)
    assert "which ends light?" in house.run("admin", "trigger", "rm", "hall", ok=False)
    house.run("admin", "trigger", "rm", "hall", "--yes")
    house.admin.wait_for(lambda got: got.topic == f"{HALL}/light" and not got.payload)
    assert house.record("admin", "trigger", "list") == []
