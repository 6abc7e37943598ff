"""``talkstick channel`` and ``talkstick device policy``, as an operator uses them while no server runs."""

from pathlib import Path

import pytest

from tests.operator import Operator
from tools.ports import free_port


@pytest.fixture
def operator(tmp_path: Path) -> Operator:
    """An operator of a house with a device, a channel, and a lease of 45 s."""
    made = Operator(tmp_path / "data")
    made.run("init")
    (tmp_path / "data" / "talkstick.toml").write_text(f"lease_s = 45\nport = {free_port()}\n")
    made.run("device", "add", "scale-1")
    made.run("channel", "add", "stage", "--name", "Main\x1b stage")
    return made


def test_a_channel_is_added_shown_and_removed(operator: Operator) -> None:
    shown = operator.run("channel", "show", "stage")
    assert "channels/stage/broadcast" in shown
    assert "\x1b" not in shown
    added = operator.record("channel", "add", "hall", "max_queue=9", "joins=no")
    assert added["rules"] == {"joins": False, "max_queue": 9}
    assert added["topics"]["request"] == "channels/hall/session/request/NAME"
    assert "max_queue = 9" in operator.run("channel", "show", "hall")
    assert [each["channel"] for each in operator.record("channel", "list")] == ["hall", "stage"]
    assert "1 devices, 2 channels" in operator.run("doctor")
    operator.run("channel", "rm", "hall", "--yes")
    assert operator.record("channel", "add", "hall")["rules"] == {}


def test_no_rules_are_shown_as_nothing(operator: Operator) -> None:
    assert operator.run("channel", "list").splitlines()[1].split()[-1] == "-"
    assert "{}" not in operator.run("device", "show", "scale-1")


def test_what_is_wrong_with_a_channel_is_said(operator: Operator) -> None:
    assert "is no name" in operator.run("channel", "add", "Main Stage", ok=False)
    assert "already" in operator.run("channel", "add", "stage", ok=False)
    assert "longer than max_lease_s" in operator.run("channel", "add", "hall", "lease_s=90000", ok=False)
    assert "no rule 'colour'" in operator.run("channel", "add", "hall", "colour=red", ok=False)
    for command in (["show", "hall"], ["rm", "hall", "--yes"], ["policy", "hall"], ["policy", "hall", "joins=no"]):
        assert "no channel hall" in operator.run("channel", *command, ok=False)
    operator.run("channel", "rm", "stage", "--yes")
    assert "talkstick channel add" in operator.run("channel", "list")


def test_a_policy_is_shown_with_what_is_own_and_what_it_means(operator: Operator) -> None:
    assert operator.rule("device", "scale-1", "lease_s") == (45.0, 45.0, "default")
    assert operator.rule("channel", "stage", "idle_s") == (30.0, 30.0, "default")
    changed = operator.run("device", "policy", "scale-1", "lease_s=30", "take_over=never")
    assert "How long a session lasts without renewal" in changed
    assert "max_queue" not in changed, "only what was named is shown"
    assert operator.rule("device", "scale-1", "lease_s") == (30.0, 45.0, "own")
    assert operator.record("device", "show", "scale-1")["rules"] == {"lease_s": 30.0, "take_over": "never"}


def test_a_rule_is_unset_and_goes_with_its_device(operator: Operator) -> None:
    operator.run("device", "policy", "scale-1", "lease_s=30", "take_over=never")
    operator.run("device", "policy", "scale-1", "--unset", "lease_s", "max_queue=3")
    assert operator.rule("device", "scale-1", "lease_s") == (45.0, 45.0, "default")
    assert operator.record("device", "show", "scale-1")["rules"] == {"max_queue": 3, "take_over": "never"}
    operator.run("device", "rm", "scale-1", "--yes")
    assert "no device scale-1" in operator.run("device", "policy", "scale-1", ok=False)
    operator.run("device", "add", "scale-1")
    assert operator.record("device", "show", "scale-1")["rules"] == {}


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (["lease_s=9999"], "lease_s (9999) is longer than max_lease_s (3600)"),
        (["lease_s=-1"], "lease_s: Input should be greater than 0"),
        (["colour=red"], "no rule 'colour'"),
        (["lease_s"], "not of the form"),
        (["--unset", "colour"], "no rule 'colour'"),
        (["--unset", "lease_s", "lease_s=5"], "not both"),
    ],
)
def test_what_is_wrong_with_a_rule_is_said_and_nothing_changes(
    operator: Operator, arguments: list[str], why: str
) -> None:
    before = operator.record("device", "policy", "scale-1")
    assert why in operator.run("device", "policy", "scale-1", "max_queue=1", *arguments, ok=False)
    assert operator.record("device", "policy", "scale-1") == before


def test_a_channel_is_no_device(operator: Operator) -> None:
    assert "no hardware" in operator.run("channel", "policy", "stage", "clean=always", ok=False)
    assert "no device stage" in operator.run("device", "policy", "stage", ok=False)
    assert "no channel scale-1" in operator.run("channel", "policy", "scale-1", ok=False)
