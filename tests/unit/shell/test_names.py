"""The names that complete are those that are stored."""

import sqlite3
from pathlib import Path
from typing import get_args

import pytest

from backend.core.principals import Principal, Role
from backend.shell.accounts import Accounts
from backend.shell.database import open_database
from backend.shell.directory import DATABASE
from backend.shell.floors import Channel, Floors
from backend.shell.names import Kind, names
from backend.shell.triggers import Triggers

_ROLES = {"ada": Role.ADMIN, "bob": Role.USER, "ha": Role.INTEGRATION, "wall": Role.LISTENER, "scale-1": Role.DEVICE}
STORED: dict[Kind, list[str]] = {
    "account": ["ada", "bob", "ha", "scale-1", "wall"],
    "device": ["scale-1"],
    "user": ["ada", "bob", "ha", "wall"],
    "owner": ["ada", "bob", "ha"],
    "channel": ["hall", "stage"],
    "floor": ["channels/hall", "channels/stage", "scale-1"],
    "trigger": ["door"],
    "profile": ["greeter"],
}


def store(directory: Path) -> None:
    database = open_database(directory)
    for name, role in [*_ROLES.items(), ("abcd", Role.CLAIM)]:
        Accounts(database).add(Principal(name, role, name), "secret", 0.0, generated=True)
    for name in ("stage", "hall"):
        Floors(database).add_channel(Channel(name, name, 0.0), {})
    Triggers(database).add("trigger", "door", {"kind": "pulse"}, 0.0)
    Triggers(database).add("profile", "greeter", {"name": "Greeter"}, 0.0)
    database.dispose()


def looked_at(directory: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in directory.iterdir()}


@pytest.mark.parametrize("kind", get_args(Kind))
def test_what_is_stored_is_named(tmp_path: Path, kind: Kind) -> None:
    store(tmp_path)
    before = looked_at(tmp_path)
    assert names(tmp_path, kind) == STORED[kind]
    assert looked_at(tmp_path) == before, "who looks leaves nothing behind"


def test_what_a_server_that_runs_has_only_in_its_log_is_named(tmp_path: Path) -> None:
    database = open_database(tmp_path)
    with database.connect():
        Floors(database).add_channel(Channel("stage", "stage", 0.0), {})
        before = {path.name for path in tmp_path.iterdir()}
        assert names(tmp_path, "channel") == ["stage"]
        assert {path.name for path in tmp_path.iterdir()} == before
    database.dispose()


def test_where_there_is_no_database_there_are_no_names(tmp_path: Path) -> None:
    assert names(tmp_path / "typo", "device") == []
    assert names(tmp_path, "device") == []
    assert list(tmp_path.iterdir()) == []


def test_what_cannot_be_read_has_no_names(tmp_path: Path) -> None:
    file = tmp_path / DATABASE
    file.write_text("a letter to my aunt " * 100)
    assert names(tmp_path, "device") == []
    file.unlink()
    with sqlite3.connect(file) as another:
        another.execute("CREATE TABLE letter (text)")
    another.close()
    assert names(tmp_path, "device") == []
    file.unlink()
    file.mkdir()
    assert names(tmp_path, "device") == []
