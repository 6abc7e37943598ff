"""``device code``, ``device codes`` and ``device add --code``: what an operator sees."""

import json
import os
import re
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from backend.core.principals import Principal, Role
from backend.shell.accounts import Accounts, verify
from backend.shell.claims import Claims
from backend.shell.counting import of_broker
from backend.shell.database import open_database
from tests import nvs
from tests.operator import Operator
from tests.people import ALICE, CODE, EARS, SCALE
from tools.ports import free_port

CODE_SHOWN = re.compile(r"[0-9a-hjkmnp-tv-z]{5}(-[0-9a-hjkmnp-tv-z]{5}){3}")
MAC = "A4:CF:12:8B:3F:9E"


@pytest.fixture
def operator(tmp_path: Path) -> Operator:
    """Who has provisioned a scale."""
    made = Operator(tmp_path / "data")
    made.run("init")
    made.run("device", "add", "scale-1")
    return made


def seconds(shown: dict[str, Any], listed: dict[str, Any]) -> float:
    """Return how long a code is good."""
    assert shown["expires_at"] == listed["expires_at"]
    ends, begins = (datetime.fromisoformat(listed[key]) for key in ("expires_at", "made_at"))
    return round((ends - begins).total_seconds(), 1)


def test_a_code_is_shown_once_and_what_else_the_board_needs_to_know(operator: Operator) -> None:
    said = operator.run("device", "code", "scale-1", "--host", "shed.example")
    found = CODE_SHOWN.search(said)
    assert found is not None
    assert "good for any board" in said
    assert "mqtt://shed.example:1883" in said
    assert "(shown once)" in said
    for later in (("device", "codes"), ("device", "codes", "--json"), ("device", "show", "scale-1"), ("user", "list")):
        assert found[0][6:] not in operator.run(*later)
    assert found[0][:5] in operator.run("device", "codes")


def test_codes_are_listed(operator: Operator, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SUDO_USER", "carol")
    assert "No claim codes" in operator.run("device", "codes")
    shown = operator.record("device", "code", "scale-1", "--mac", MAC)
    (listed,) = operator.record("device", "codes")
    assert listed == {
        "code": shown["code"][:5],
        "device": "scale-1",
        "state": "open",
        "mac": "a4cf128b3f9e",
        "made_at": listed["made_at"],
        "made_by": "carol",
        "expires_at": shown["expires_at"],
        "used_at": None,
        "used_by": None,
    }
    assert (shown["device"], shown["mac"], shown["prefix"], shown["port"]) == ("scale-1", "a4cf128b3f9e", "", 1883)


def nobody() -> str:
    raise OSError("No username set in the environment")


def test_who_has_no_name_is_told_by_number(operator: Operator, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SUDO_USER", raising=False)
    monkeypatch.setattr("getpass.getuser", nobody)
    operator.run("device", "code", "scale-1")
    assert [each["made_by"] for each in operator.record("device", "codes")] == [str(os.getuid())]


@pytest.mark.parametrize(
    ("text", "expected"), [(None, 900.0), ("90s", 90.0), ("2h", 7200.0), ("1.5m", 90.0), ("24h", 86400.0)]
)
def test_how_long_a_code_is_good(operator: Operator, text: str | None, expected: float) -> None:
    options = ("--for", text) if text is not None else ()
    shown = operator.record("device", "code", "scale-1", *options)
    assert seconds(shown, operator.record("device", "codes")[0]) == expected


@pytest.mark.parametrize("text", ["25h", "0m", "-1m", "15", "m", "1d", "1440.1m", ""])
def test_how_long_a_code_is_not_good(operator: Operator, text: str) -> None:
    assert "at most 24h" in operator.run("device", "code", "scale-1", "--for", text, ok=False)
    assert operator.record("device", "codes") == []


def test_which_board_may_use_a_code(operator: Operator) -> None:
    added = operator.record("device", "add", MAC, "--code")
    assert (added["device"], added["mac"]) == ("esp32-a4cf128b3f9e", "a4cf128b3f9e")
    assert operator.record("device", "code", "esp32-a4cf128b3f9e")["mac"] == "a4cf128b3f9e", "as it was added"
    other = operator.record("device", "code", "esp32-a4cf128b3f9e", "--mac", "a4-cf-12-8b-3f-a0")
    assert other["mac"] == "a4cf128b3fa0"
    assert operator.record("device", "code", "esp32-a4cf128b3f9e", "--mac", "any")["mac"] is None
    assert operator.record("device", "add", "Lab scale", "--code")["mac"] is None
    assert operator.record("device", "add", "Lab scale 2", "--code", "--mac", MAC)["mac"] == "a4cf128b3f9e"
    assert "is no MAC" in operator.run("device", "code", "scale-1", "--mac", "a4cf", ok=False)


def test_a_code_for_a_name_says_that_any_board_may_use_it(operator: Operator) -> None:
    assert "good for any board" in operator.run("device", "add", "Lab scale", "--code")
    assert "good for the board with the MAC a4cf128b3f9e" in operator.run("device", "add", MAC, "--code")
    assert "seems to be a MAC" in operator.run("device", "add", MAC[:-3], "--code", ok=False)
    assert len(operator.record("device", "list")) == 3


def test_a_device_that_is_added_with_a_code_has_a_secret_that_nobody_knows(operator: Operator, tmp_path: Path) -> None:
    said = operator.run("device", "add", "probe-1", "--code")
    assert CODE_SHOWN.search(said)
    assert "password" not in said
    database = open_database(tmp_path / "data")
    stored = Accounts(database).verifier_of("probe-1")
    database.dispose()
    assert stored is not None
    assert not any(verify(stored, guess) for guess in ("", *CODE_SHOWN.findall(said), said))


def test_what_does_not_go_together(operator: Operator) -> None:
    assert "say --code" in operator.run("device", "add", "probe-1", "--mac", MAC, ok=False)
    assert "no device" in operator.run("device", "code", "nobody", ok=False)
    assert "use `talkstick user`" in operator.run("device", "code", "admin", ok=False)
    assert "--revoke makes no code" in operator.run("device", "code", "scale-1", "--revoke", "--mac", MAC, ok=False)
    assert operator.record("device", "codes") == []


def test_a_code_is_revoked(operator: Operator) -> None:
    assert "no open claim code" in operator.run("device", "code", "scale-1", "--revoke", ok=False)
    operator.run("device", "code", "scale-1")
    assert "Revoked" in operator.run("device", "code", "scale-1", "--revoke")
    assert [each["state"] for each in operator.record("device", "codes")] == ["revoked"]
    assert "no open claim code" in operator.run("device", "code", "scale-1", "--revoke", ok=False)


def test_an_image_with_a_code_has_no_secret(operator: Operator, tmp_path: Path) -> None:
    file = tmp_path / "board.bin"
    said = operator.run("device", "add", MAC, "--code", "--nvs", str(file), "--host", "shed.example")
    assert not CODE_SHOWN.search(said)
    assert str(file) in said
    known = nvs.read(file.read_bytes())["talkstick"]
    assert CODE_SHOWN.fullmatch(str(known["code"]))
    assert (known["uri"], "id" in known, "secret" in known) == ("mqtt://shed.example:1883", False, False)
    shown = operator.run("device", "code", "scale-1", "--nvs", str(file), "--force", "--show")
    known = nvs.read(file.read_bytes())["talkstick"]
    assert str(known["code"]) in shown
    kept = operator.record("device", "code", "scale-1", "--nvs", str(file), "--force")
    assert kept["code"] is None
    assert "code" in kept["nvs"]["keys"]


def test_an_image_that_cannot_be_written_makes_no_code(operator: Operator, tmp_path: Path) -> None:
    (tmp_path / "board.bin").write_text("somebody else's")
    assert "--force" in operator.run("device", "code", "scale-1", "--nvs", str(tmp_path / "board.bin"), ok=False)
    assert operator.record("device", "codes") == []


# A code is nobody


def test_a_code_is_no_person_and_no_device(operator: Operator, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TALKSTICK_PORT", str(free_port()))  # where nobody listens whom doctor would find wrong
    account = f"claim-{operator.record('device', 'code', 'scale-1')['code'][:5]}"
    assert [each["user"] for each in operator.record("user", "list")] == ["admin"]
    assert [each["device"] for each in operator.record("device", "list")] == ["scale-1"]
    assert "1 people and integrations, 1 devices" in operator.run("doctor")
    for command in (("user", "show"), ("user", "passwd"), ("user", "topics"), ("device", "show"), ("device", "rotate")):
        assert "is a claim code" in operator.run(*command, account, ok=False), command
    for command in (("user", "rm"), ("device", "rm")):
        assert "is a claim code" in operator.run(*command, account, "--yes", ok=False), command
    assert "owns nothing" in operator.run("device", "owner", "scale-1", account, ok=False)
    assert "publishes nothing" in operator.run("trigger", "add", "pir", "--owner", account, ok=False)


def test_a_code_that_is_connected_is_counted_as_nobody() -> None:
    people = {who.name: who for who in (ALICE, EARS, SCALE, CODE)}
    figures = {"connections": 4, "sessions": 4, "retained": 0, "dropped": 0}
    counted, _connected = of_broker(figures, people, people.get)
    assert (counted.connections, counted.users, counted.listeners, counted.devices) == (4, 1, 1, 1)


def test_a_name_that_somebody_has_is_no_code_s(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One in 33 million, so it is forced."""
    database = open_database(tmp_path)
    accounts = Accounts(database)
    for who in (SCALE, Principal("claim-00000", Role.USER, "Somebody")):
        accounts.add(who, "secret", 0.0, generated=True)
    characters = iter("0" * 20 + "1" * 20)
    monkeypatch.setattr("backend.shell.claims.secrets.choice", lambda _alphabet: next(characters))
    assert Claims(database).make("scale-1", None, 900.0, 0.0).text == "-".join(["11111"] * 4)
    database.dispose()


def test_the_reply_to_a_json_command_can_be_read_by_programs(operator: Operator) -> None:
    assert json.loads(operator.run("device", "code", "scale-1", "--json"))["tls"] is None
    revoked = operator.record("device", "code", "scale-1", "--revoke")
    assert revoked == {"device": "scale-1", "revoked": True}
