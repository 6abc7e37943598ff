"""Triggers and profiles as the command line stores them, and as a server sees them."""

from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine as Database
from sqlmodel import Session

from backend.shell.accounts import Accounts
from backend.shell.database import open_database
from backend.shell.revision import revision
from backend.shell.trigger_owners import triggers_owned
from backend.shell.triggers import Defined, Put, TriggerError, Triggers, What
from backend.shell.watcher import loaded
from tests.people import ALICE, EARS, SCALE

GREETER = {"start": [{"do": "speak", "device": "speaker-1", "text": "Hello"}]}
DOOR = {"owner": "scale-1", "off_after_s": 60}
LEAK = {"kind": "pulse", "source": {"topic": "zigbee2mqtt/leak", "path": "$.water_leak"}}


@pytest.fixture
def triggers(database: Database) -> Triggers:
    """The triggers of a database with a person, a listener, and a device that owns one."""
    accounts, made = Accounts(database), Triggers(database)
    for who in (ALICE, EARS, SCALE):
        accounts.add(who, "secret", 0.0, generated=True)
    made.add("trigger", "door", DOOR, 7.0)
    made.add("profile", "greeter", GREETER, 8.0)
    return made


def owned(database: Database) -> dict[str, set[str]]:
    """Return whose the triggers are."""
    with Session(database) as session:
        return {owner: set(names) for owner, names in triggers_owned(session).items()}


def test_what_was_given_is_stored_and_nothing_else(triggers: Triggers) -> None:
    assert triggers.get("trigger", "door") == Defined("door", DOOR, 7.0)
    assert triggers.get("profile", "greeter") == Defined("greeter", GREETER, 8.0)
    triggers.add("trigger", "alarm", {}, 9.0)
    assert [each.name for each in triggers.all("trigger")] == ["alarm", "door"]
    assert triggers.definitions("profile") == {"greeter": GREETER}


def test_triggers_and_profiles_have_names_of_their_own(triggers: Triggers) -> None:
    triggers.add("profile", "door", GREETER, 1.0)
    triggers.remove("trigger", "door")
    assert triggers.get("profile", "door").definition == GREETER
    with pytest.raises(TriggerError, match="there is no trigger door"):
        triggers.get("trigger", "door")


@pytest.mark.parametrize(
    ("what", "name", "given", "why"),
    [
        ("trigger", "door", {}, "there is a trigger door already"),
        ("profile", "greeter", GREETER, "there is a profile greeter already"),
        ("trigger", "Front door", {}, "'Front door' is no name"),
        ("profile", "a/b", {}, "'a/b' is no name"),
        ("profile", "request", GREETER, "a profile cannot be called 'request'"),
        ("trigger", "x", {"colour": "red"}, "trigger x: there is no 'colour' in it"),
        ("trigger", "x", {"kind": "edge"}, "trigger x: kind: Input should be 'level' or 'pulse'"),
        ("trigger", "x", {"owner": "alice", "source": {"topic": "a"}}, "trigger x: a trigger has an owner or a source"),
        ("trigger", "x", {"source": {"topic": "a", "path": "$["}}, r"trigger x: source: '\$\[' is no JSON path"),
        ("trigger", "x", {"owner": "nobody"}, "trigger x: owner: there is no account nobody"),
        ("trigger", "x", {"owner": "ears"}, "trigger x: owner: ears is a listener"),
        ("trigger", "x", {"source": {"topic": "a", "active": False}}, r"trigger x: source\.active: a list, please"),
        (
            "trigger",
            "x",
            {"source": {"topic": "a", "active": [1, "on"], "inactive": [0, "1"]}},
            "trigger x: source: a value means active or inactive, not both",
        ),
        ("trigger", "x", {"source": {"topic": "a", "actve": [1]}}, "trigger x: there is no 'source.actve' in it"),
        (
            "profile",
            "x",
            {
                "start": [
                    {"do": "webhook", "url": "https://api.example{{ config.x }}", "headers": {"Authorization": "a"}}
                ]
            },
            r"profile x: start\.0\.webhook: the url of a call with headers has its host written out",
        ),
        ("profile", "x", {"start": [{"do": "dance"}]}, r"profile x: start\.0"),
        (
            "profile",
            "x",
            {"end": [{"do": "wait", "seconds": 1, "option": True}]},
            r"there is no 'end\.0\.wait\.option'",
        ),
        ("profile", "x", {"start": [{"do": "publish", "topic": "a", "body": {1: 2}}]}, "profile x: start"),
    ],
)
def test_what_is_wrong_is_said_and_nothing_changes(
    triggers: Triggers, database: Database, what: What, name: str, given: dict[str, Any], why: str
) -> None:
    before = revision(database), triggers.all("trigger"), triggers.all("profile")
    with pytest.raises(TriggerError, match=why):
        triggers.add(what, name, given, 0.0)
    assert (revision(database), triggers.all("trigger"), triggers.all("profile")) == before


def test_a_definition_is_changed_as_a_whole(triggers: Triggers) -> None:
    triggers.change("trigger", "door", lambda before: {**before, "name": "Door"})
    assert triggers.get("trigger", "door") == Defined("door", {**DOOR, "name": "Door"}, 7.0)
    with pytest.raises(TriggerError, match="not both"):
        triggers.change("trigger", "door", lambda before: {**before, **LEAK})
    assert triggers.get("trigger", "door").definition == {**DOOR, "name": "Door"}
    with pytest.raises(TriggerError, match="there is no profile nothing"):
        triggers.change("profile", "nothing", dict)
    with pytest.raises(TriggerError, match="there is no profile nothing"):
        triggers.remove("profile", "nothing")


def test_all_of_it_becomes_so_or_none(triggers: Triggers, database: Database) -> None:
    before = revision(database), triggers.all("trigger"), triggers.all("profile")
    with pytest.raises(TriggerError, match="trigger leak: owner: there is no account nobody"):
        triggers.put(
            [
                Put("profile", "greeter", None),
                Put("trigger", "new", LEAK),
                Put("trigger", "leak", {"owner": "nobody"}),
            ],
            9.0,
        )
    assert (revision(database), triggers.all("trigger"), triggers.all("profile")) == before
    triggers.put([Put("profile", "greeter", None), Put("trigger", "door", LEAK), Put("profile", "other", GREETER)], 9.0)
    assert triggers.all("trigger") == [Defined("door", LEAK, 7.0)], "it is as old as before"
    assert triggers.all("profile") == [Defined("other", GREETER, 9.0)]


def test_without_its_owner_a_trigger_is_nobodys_also_when_the_name_comes_back(
    triggers: Triggers, database: Database
) -> None:
    triggers.add("trigger", "bell", {"owner": "alice", "name": "Bell"}, 0.0)
    triggers.add("trigger", "leak", LEAK, 0.0)
    assert owned(database) == {"scale-1": {"door"}, "alice": {"bell"}}
    Accounts(database).remove("alice")
    Accounts(database).add(ALICE, "secret", 0.0, generated=True)
    assert owned(database) == {"scale-1": {"door"}}
    assert triggers.definitions("trigger") == {"door": DOOR, "leak": LEAK, "bell": {"name": "Bell"}}


def test_a_server_notices_every_change(triggers: Triggers, database: Database) -> None:
    assert loaded(database).triggers == {"door": DOOR}
    assert loaded(database).profiles == {"greeter": GREETER}
    seen = [revision(database)]
    triggers.change("profile", "greeter", lambda _before: {})
    seen.append(revision(database))
    triggers.remove("trigger", "door")
    seen.append(revision(database))
    assert seen == sorted(set(seen))
    assert (loaded(database).triggers, loaded(database).profiles) == ({}, {"greeter": {}})


def test_what_is_removed_is_gone_from_the_files(tmp_path: Path) -> None:
    database = open_database(tmp_path)
    made = Triggers(database)

    def stands_there(secret: str) -> bool:
        return any(secret.encode() in file.read_bytes() for file in tmp_path.iterdir())

    def hook(secret: str) -> dict[str, Any]:
        return {"start": [{"do": "webhook", "url": "https://example.org", "headers": {"Authorization": secret}}]}

    made.add("profile", "hook", hook("the-first"), 9.0)
    assert stands_there("the-first")
    made.change("profile", "hook", lambda _was: hook("the-second"))
    assert not stands_there("the-first")
    made.remove("profile", "hook")
    assert not stands_there("the-second")
    made.put([Put("profile", "hook", hook("the-third"))], 10.0)
    made.put([Put("profile", "hook", None)], 11.0)
    assert not stands_there("the-third")
    database.dispose()
