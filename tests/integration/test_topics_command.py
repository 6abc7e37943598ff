"""``talkstick user topics`` and ``talkstick device topics``, as an operator uses them while no server runs."""

import json
from pathlib import Path

import pytest

from tests.operator import Operator
from tools.ports import free_port


@pytest.fixture
def operator(tmp_path: Path) -> Operator:
    """An operator of a house with a user and a device."""
    made = Operator(tmp_path / "data")
    made.run("init")
    (tmp_path / "data" / "talkstick.toml").write_text(f"port = {free_port()}\n")
    made.run("user", "add", "alice")
    made.run("device", "add", "plug-1")
    return made


def test_an_integration_comes_with_topics(operator: Operator) -> None:
    filters = ("zigbee2mqtt/#", "homeassistant/+/+/config")
    given = (word for each in filters for word in ("--topics", each))
    assert operator.record("user", "add", "zigbee2mqtt", "--role", "integration", *given)["password"]
    assert operator.record("user", "topics", "zigbee2mqtt") == {"user": "zigbee2mqtt", "topics": list(filters)}
    assert operator.record("user", "show", "zigbee2mqtt")["topics"] == list(filters)
    assert operator.run("user", "topics", "zigbee2mqtt").splitlines() == list(filters)


def test_topics_are_added_and_removed(operator: Operator) -> None:
    assert "alice has no topics of its own" in operator.run("user", "topics", "alice")
    assert operator.record("user", "show", "alice")["topics"] == []
    assert operator.record("user", "topics", "alice", "--add", "a/#", "--add", "b")["topics"] == ["a/#", "b"]
    assert operator.record("user", "topics", "alice", "--add", "c", "--remove", "a/#")["topics"] == ["b", "c"]
    assert "alice has no topics a/#" in operator.run("user", "topics", "alice", "--remove", "a/#", ok=False)
    assert "not both" in operator.run("user", "topics", "alice", "--remove", "b", "--add", "b", ok=False)
    assert operator.record("user", "topics", "alice")["topics"] == ["b", "c"]


def test_a_device_may_have_some(operator: Operator) -> None:
    assert operator.record("device", "topics", "plug-1", "--add", "tele/plug-1/+")["topics"] == ["tele/plug-1/+"]
    assert operator.record("device", "show", "plug-1")["topics"] == ["tele/plug-1/+"]
    assert "no device nothing" in operator.run("device", "topics", "nothing", ok=False)
    assert "use `talkstick user`" in operator.run("device", "topics", "alice", ok=False)
    assert "use `talkstick device`" in operator.run("user", "topics", "plug-1", ok=False)


def test_an_admin_needs_none(operator: Operator) -> None:
    assert "An admin may use them all" in operator.run("user", "topics", "admin")
    assert "an admin may use all topics" in operator.run("user", "topics", "admin", "--add", "a", ok=False)
    assert "an admin may use all" in operator.run("user", "add", "boss", "--role", "admin", "--topics", "a", ok=False)
    assert "no account boss" in operator.run("user", "show", "boss", ok=False)


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        ("#", "Talkstick's own"),
        ("+/x", "Talkstick's own"),
        ("devices/#", "Talkstick's own"),
        ("$SYS/#", "the broker's own"),
        ("a+", "is no topic filter"),
    ],
)
def test_what_nobody_may_be_given(operator: Operator, wrong: str, why: str) -> None:
    assert why in operator.run("user", "topics", "alice", "--add", wrong, ok=False)
    assert why in operator.run("user", "add", "bot", "--topics", wrong, ok=False)
    assert operator.record("user", "topics", "alice")["topics"] == []


def test_under_a_prefix_other_topics_are_talksticks_own(operator: Operator, tmp_path: Path) -> None:
    (tmp_path / "data" / "talkstick.toml").write_text('prefix = "lab/"\n')
    assert "overlaps lab/devices/#" in operator.run("user", "topics", "alice", "--add", "lab/devices/x", ok=False)
    assert operator.record("user", "topics", "alice", "--add", "devices/#")["topics"] == ["devices/#"]


def test_an_export_tells_when_the_url_before_is_void(operator: Operator, tmp_path: Path) -> None:
    export = ("export", "mosquitto", str(tmp_path / "mosquitto"), "--plugin", "/lib/plugin.so")
    assert "void" not in operator.run(*export)
    assert "The URL of the export before is void" in operator.run(*export)


def test_what_is_exported_for_mosquitto_has_them(operator: Operator, tmp_path: Path) -> None:
    operator.run("user", "topics", "alice", "--add", "zigbee2mqtt/#")
    operator.run("export", "mosquitto", str(tmp_path / "mosquitto"), "--plugin", "/lib/plugin.so")
    written = json.loads((tmp_path / "mosquitto" / "dynamic-security.json").read_text())
    roles = {role["rolename"]: [(acl["acltype"], acl["topic"]) for acl in role["acls"]] for role in written["roles"]}
    for kind in ("publishClientSend", "publishClientReceive"):
        assert (kind, "zigbee2mqtt/#") in roles["account:alice"]
        assert (kind, "#") in roles["role:admin"]
        assert (kind, "#") not in roles["role:user"]
