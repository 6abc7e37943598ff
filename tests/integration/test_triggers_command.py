"""``talkstick trigger`` and ``talkstick profile``, as an operator uses them while no server runs."""

import json
from pathlib import Path

import pytest

from tests.operator import Operator
from tools.ports import free_port

GREETER = """
name: Greeter
start:
  - {do: publish, topic: home/hall/light, body: ON}
  - {do: webhook, url: https://example.org/x, headers: {Authorization: Bearer t0p}}
"""


@pytest.fixture
def operator(tmp_path: Path) -> Operator:
    """An operator of a house with a person, a listener, a device and a profile."""
    made = Operator(tmp_path / "data")
    made.run("init")
    (tmp_path / "data" / "talkstick.toml").write_text(f"port = {free_port()}\n")
    made.run("user", "add", "alice")
    made.run("user", "add", "ears", "--role", "listener")
    made.run("device", "add", "pir-1")
    (tmp_path / "greeter.yaml").write_text(GREETER)
    made.run("profile", "add", "greeter", str(tmp_path / "greeter.yaml"))
    return made


def definition(operator: Operator, what: str, name: str) -> object:
    """Return what is stored."""
    return operator.record(what, "show", name)["definition"]


def test_a_trigger_is_added_shown_and_removed(operator: Operator) -> None:
    added = operator.run("trigger", "add", "hall", "--owner", "pir-1", "--name", "Hall\x1b", "--off-after", "60")
    assert "triggers/hall/profiles/request/NAME" in added
    assert "\x1b" not in added
    assert definition(operator, "trigger", "hall") == {"name": "Hall\x1b", "owner": "pir-1", "off_after_s": 60.0}
    (row,) = operator.record("trigger", "list")
    assert (row["trigger"], row["kind"], row["owner"], row["active"]) == ("hall", "level", "pir-1", None)
    assert "1, with 1 profiles" in operator.run("doctor")
    operator.run("trigger", "rm", "hall", "--yes")
    assert "talkstick trigger add" in operator.run("trigger", "list")


def test_values_are_json_or_text(operator: Operator) -> None:
    operator.run("trigger", "add", "door", "--pulse", "--source", "z2m/door", "--path", "$.contact")
    operator.run("trigger", "set", "door", "--active", "false", "--active", "open", "--inactive", '"1"')
    assert definition(operator, "trigger", "door") == {
        "kind": "pulse",
        "source": {"topic": "z2m/door", "path": "$.contact", "active": [False, "open"], "inactive": ["1"]},
    }


def test_what_is_given_changes_and_nothing_else(operator: Operator) -> None:
    operator.run("trigger", "add", "door", "--source", "z2m/door", "--path", "$.contact", "--name", "Door")
    operator.run("trigger", "set", "door", "--source", "z2m/front", "--pulse")
    source = {"topic": "z2m/front", "path": "$.contact"}
    assert definition(operator, "trigger", "door") == {"kind": "pulse", "name": "Door", "source": source}
    operator.run("trigger", "set", "door", "--level", "--unset", "path", "--unset", "name")
    assert definition(operator, "trigger", "door") == {"kind": "level", "source": {"topic": "z2m/front"}}
    operator.run("trigger", "set", "door", "--owner", "alice")
    assert definition(operator, "trigger", "door") == {"kind": "level", "owner": "alice"}
    operator.run("trigger", "set", "door", "--source", "z2m/door", "--unset", "kind")
    assert definition(operator, "trigger", "door") == {"source": {"topic": "z2m/door"}}
    operator.run("trigger", "set", "door", "--unset", "source")
    assert definition(operator, "trigger", "door") == {}
    assert "only admins may say whether door is active" in operator.run("doctor")


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (
            ["subscribe", "hall", "greeter", "--mode", "monitoring", "--every", "nan"],
            "Invalid value for '--every': nan",
        ),
        (["add", "Front door"], "is no name"),
        (["add", "hall"], "already"),
        (["add", "x", "--owner", "nobody"], "there is no account nobody"),
        (["add", "x", "--owner", "ears"], "ears is a listener"),
        (["add", "x", "--owner", "alice", "--source", "a/b"], "not both"),
        (["add", "x", "--path", "$.a"], "--path goes with --source"),
        (["add", "x", "--source", "#"], "trigger x: source: '#'"),
        (["add", "x", "--source", "devices/+/command/on"], "cannot be a source"),
        (["add", "x", "--source", "a", "--path", "$["], "is no JSON path"),
        (["add", "x", "--off-after", "-1"], "off_after_s: Input should be greater than 0"),
        (["set", "hall"], "say what to change"),
        (["set", "hall", "--owner", "alice", "--unset", "owner"], "not both"),
        (["set", "x", "--owner", "alice"], "there is no trigger x"),
        (["show", "x"], "there is no trigger x"),
        (["rm", "x", "--yes"], "there is no trigger x"),
        (["test", "x", "--payload", "on"], "there is no trigger x"),
        (["test", "hall", "--payload", "on"], "bad_json"),
        (["test", "hall", "on"], "bad_json"),
        (["test", "hall", "on", "--payload", "on"], "not both"),
        (["test", "hall", "--payload", '{"active": 1}'], "bad_message: active"),
        (["subscribe", "a/b", "greeter", "--mode", "one_shot"], "is no name"),
        (["subscribe", "hall", "greeter", "--mode", "one_shot", "--when", "$.t >"], "FIELD OP VALUE"),
        (["subscribe", "hall", "greeter", "--mode", "one_shot", "--window", "noon"], "'noon' is no day"),
        (["subscribe", "hall", "greeter", "--mode", "one_shot", "--config", "room"], "not of the form KEY=VALUE"),
        (["subscribe", "hall", "greeter", "--mode", "one_shot"], "is `talkstick serve` running?"),
        (["change", "hall", "greeter"], "say what to change"),
        (["change", "hall", "greeter", "--max", "5", "--unset", "max"], "not both"),
    ],
)
def test_what_is_wrong_is_said_and_nothing_changes(operator: Operator, arguments: list[str], why: str) -> None:
    operator.run("trigger", "add", "hall", "--owner", "pir-1")
    assert why in operator.run("trigger", *arguments, ok=False)
    assert [row["trigger"] for row in operator.record("trigger", "list")] == ["hall"]
    assert definition(operator, "trigger", "hall") == {"owner": "pir-1"}


@pytest.mark.parametrize(
    ("payload", "active", "data"),
    [
        ('{"contact": false, "battery": 90}', True, {"contact": False, "battery": 90}),
        ('{"contact": true}', False, {"contact": True}),
        ('{"battery": 90}', None, {"battery": 90}),
    ],
)
def test_one_sees_how_a_message_would_be_read(
    operator: Operator, payload: str, active: bool | None, data: object
) -> None:
    operator.run("trigger", "add", "door", "--source", "z2m/door", "--path", "$.contact", "--active", "false")
    assert operator.record("trigger", "test", "door", "--payload", payload) == {"active": active, "data": data}
    assert operator.record("trigger", "test", "door", payload) == {"active": active, "data": data}
    operator.run("trigger", "set", "door", "--owner", "alice")
    told = operator.run("trigger", "test", "door", "--payload", '{"active": true, "data": {"lux": 3}}')
    assert told == 'active    data {"lux": 3}\n'


def test_a_profile_is_shown_without_its_secrets(operator: Operator) -> None:
    shown = operator.run("profile", "show", "greeter")
    assert "Authorization: '***'" in shown
    assert "body: 'ON'" in shown
    assert "t0p" not in shown + json.dumps(operator.record("profile", "show", "greeter"))
    (row,) = operator.record("profile", "list")
    assert (row["profile"], row["name"], row["start"], row["triggers"]) == (
        "greeter",
        "Greeter",
        ["publish", "webhook"],
        None,
    )
    assert "t0p" in operator.run("trigger", "export"), "or nobody could apply it elsewhere"


def test_a_profile_is_replaced_and_removed(operator: Operator, tmp_path: Path) -> None:
    file = tmp_path / "other.yaml"
    file.write_text("end: [{do: wait, seconds: 1}]")
    operator.run("profile", "set", "greeter", str(file))
    assert definition(operator, "profile", "greeter") == {"end": [{"do": "wait", "seconds": 1}]}
    operator.run("profile", "rm", "greeter", "--yes")
    assert "talkstick profile add" in operator.run("profile", "list")
    assert "there is no profile greeter" in operator.run("profile", "set", "greeter", str(file), ok=False)


@pytest.mark.parametrize(
    ("name", "text", "why"),
    [
        ("greeter", GREETER, "already"),
        ("request", GREETER, "a profile cannot be called 'request'"),
        ("x", "start: [", "x.yaml: no YAML"),
        ("x", "start: [{do: dance}]", "profile x: start.0: there is no 'dance', only 'publish'"),
        ("x", "begin: []", "there is no 'begin' in it"),
        ("x", "start: [{speak: hello}]", "start.0: `do` is missing"),
        ("x", "start: {do: wait, seconds: 1}", "start: a list, please"),
        ("x", "start: [{do: wait, second: 1}]", "there is no 'start.0.wait.second' in it: did you mean seconds?"),
        ("x", "start: [{do: webhook, url: example.org}]", "start.0.webhook.url: it begins with http://"),
        ("x", "start: [{do: publish, topic: 'a/#'}]", "start.0.publish.topic: a message goes to one topic"),
        ("x", "start: [{do: speak, device: Lab 1, text: x}]", "start.0.speak.device: 'Lab 1' is no name"),
        ("x", "start: [{do: publish, topic: 'a/{{ data.'}]", "profile x: start.0"),
        ("x", b"name: \xff", "x.yaml: "),
    ],
)
def test_what_is_wrong_with_a_profile_is_said(
    operator: Operator, tmp_path: Path, name: str, text: str | bytes, why: str
) -> None:
    file = tmp_path / "x.yaml"
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    assert why in operator.run("profile", "add", name, str(file), ok=False)
    assert [row["profile"] for row in operator.record("profile", "list")] == ["greeter"]


def test_definitions_are_applied_exported_and_pruned(operator: Operator, tmp_path: Path) -> None:
    operator.run("trigger", "add", "old", "--owner", "alice")
    file = tmp_path / "house.yaml"
    file.write_text("profiles: {other: {name: Other}}\ntriggers: {hall: {owner: pir-1}, badge: {kind: pulse}}\n")
    assert operator.run("trigger", "apply", str(file), "--dry-run").splitlines() == [
        "would add profile other",
        "would add trigger hall",
        "would add trigger badge",
    ]
    assert [row["trigger"] for row in operator.record("trigger", "list")] == ["old"]
    assert len(operator.record("trigger", "apply", str(file))) == 3
    assert operator.run("trigger", "apply", str(file)) == "Everything is so already.\n"
    exported = tmp_path / "exported.yaml"
    exported.write_text(operator.run("trigger", "export"))
    assert operator.run("trigger", "apply", str(exported)) == "Everything is so already.\n"
    assert [row["trigger"] for row in operator.record("trigger", "list")] == ["badge", "hall", "old"]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("triggers: {hall: {owner: nobody}}", "there is no account nobody"),
        ("triggers: {hall: {profiles: {none: {mode: one_shot}}}}", "trigger hall: there is no profile none"),
        ("profiles: {x: {start: [{do: dance}]}}", "profile x: start.0"),
        ("triggers: {hall: {profiles: {greeter: {mode: one_shot}}}}", "is `talkstick serve` running?"),
        ("triggers: {hall: {}, hall: {}}", "'hall' comes twice"),
    ],
)
def test_nothing_is_half_applied(operator: Operator, tmp_path: Path, text: str, why: str) -> None:
    file = tmp_path / "house.yaml"
    file.write_text(f"{text}\n")
    assert why in operator.run("trigger", "apply", str(file), ok=False)
    assert operator.record("trigger", "list") == []
    assert [row["profile"] for row in operator.record("profile", "list")] == ["greeter"]
