"""Who has an account, which devices and channels there are, and their rules."""

from dataclasses import replace

import pytest
from sqlalchemy import Engine as Database
from sqlmodel import Session

from backend.core.facts import DirectoryChanged
from backend.core.floors import rules_of
from backend.core.principals import Principal, Role
from backend.features.directory.feature import AccountRow, DirectoryLoaded, Listing, desk, lookup, principal
from backend.features.directory.machine import Directory, step
from tests.people import ALICE, BOB, SCALE

PEOPLE = {"alice": ALICE, "scale-1": SCALE}
SINCE = dict.fromkeys(PEOPLE, 0.0)


def test_what_was_loaded_is_found_and_everybody_is_told() -> None:
    accounts = desk()
    assert lookup(accounts, "alice") is None
    told = accounts.handle(DirectoryLoaded(PEOPLE), 0.0)
    assert told == [DirectoryChanged(frozenset({"scale-1"}), frozenset({"alice", "scale-1"}), since=SINCE)]
    assert lookup(accounts, "alice") == ALICE
    assert lookup(accounts, "bob") is None


def test_the_same_directory_again_is_no_news() -> None:
    directory, _ = step(Directory(), DirectoryLoaded(PEOPLE), 0.0)
    assert step(directory, DirectoryLoaded(dict(PEOPLE)), 1.0) == (directory, [])
    assert step(directory, None, 2.0) == (directory, [])


@pytest.mark.parametrize(
    ("now", "devices", "principals"),
    [
        ({}, set(), set()),
        ({"bob": BOB}, set(), {"bob"}),
        ({**PEOPLE, "bob": BOB}, {"scale-1"}, {"alice", "bob", "scale-1"}),
        ({**PEOPLE, "scale-1": Principal("scale-1", Role.USER, "no device any more")}, set(), {"alice", "scale-1"}),
        ({"scale-1": Principal("scale-1", Role.USER, "no device any more")}, set(), {"scale-1"}),
    ],
)
def test_a_change_is_told_whole(now: dict[str, Principal], devices: set[str], principals: set[str]) -> None:
    before, _ = step(Directory(), DirectoryLoaded(PEOPLE), 0.0)
    after, told = step(before, DirectoryLoaded(now), 1.0)
    assert after.principals == now
    since = dict.fromkeys(principals, 0.0)
    assert told == [DirectoryChanged(frozenset(devices), frozenset(principals), since=since)]


def test_channels_and_rules_are_told_with_everything_else() -> None:
    accounts, rules = desk(), {"devices/scale-1": rules_of({"lease_s": 5.0})}
    accounts.handle(DirectoryLoaded(PEOPLE), 0.0)
    assert not Listing(accounts).has_channel("stage")
    told = accounts.handle(DirectoryLoaded(PEOPLE, frozenset({"stage"}), rules), 1.0)
    there = frozenset({"scale-1"}), frozenset(PEOPLE), frozenset({"stage"})
    assert told == [DirectoryChanged(*there, rules, since=SINCE)]
    assert Listing(accounts).has_channel("stage")
    assert not Listing(accounts).has_channel("scale-1")
    assert Listing(accounts).principal("alice") == ALICE
    assert accounts.handle(DirectoryLoaded(PEOPLE, frozenset({"stage"}), dict(rules)), 2.0) == []
    assert accounts.handle(DirectoryLoaded(PEOPLE, frozenset({"stage"})), 3.0) != [], "a rule is gone"
    assert accounts.handle(DirectoryLoaded(PEOPLE), 4.0) != [], "the channel is gone"


def test_voices_are_told_too() -> None:
    accounts, voices = desk(), {"scale-1": {"language": "es"}}
    accounts.handle(DirectoryLoaded(PEOPLE), 0.0)
    (told,) = accounts.handle(DirectoryLoaded(PEOPLE, voices=voices), 1.0)
    assert isinstance(told, DirectoryChanged)
    assert told.voices == voices
    assert accounts.handle(DirectoryLoaded(PEOPLE, voices={"scale-1": {"language": "es"}}), 2.0) == []
    assert accounts.handle(DirectoryLoaded(PEOPLE, voices={"scale-1": {"language": "en"}}), 3.0) != []


def test_triggers_and_profiles_are_told_too() -> None:
    accounts, triggers, profiles = desk(), {"door": {"owner": "alice"}}, {"greeter": {"name": "Greeter"}}
    accounts.handle(DirectoryLoaded(PEOPLE), 0.0)
    (told,) = accounts.handle(DirectoryLoaded(PEOPLE, triggers=triggers, profiles=profiles), 1.0)
    assert isinstance(told, DirectoryChanged)
    assert (told.triggers, told.profiles) == (triggers, profiles)
    assert Listing(accounts).has_trigger("door")
    assert not Listing(accounts).has_trigger("greeter")
    assert accounts.handle(DirectoryLoaded(PEOPLE, triggers={"door": {"owner": "alice"}}, profiles=profiles), 2.0) == []
    assert accounts.handle(DirectoryLoaded(PEOPLE, triggers=triggers), 3.0) != [], "a profile is gone"
    assert accounts.handle(DirectoryLoaded(PEOPLE, triggers={"door": {}}), 4.0) != [], "the trigger is another"


def test_another_owner_is_news() -> None:
    accounts = desk()
    accounts.handle(DirectoryLoaded(PEOPLE), 0.0)
    assert accounts.handle(DirectoryLoaded({**PEOPLE, "scale-1": replace(SCALE, owner="alice")}), 1.0) != []
    found = Listing(accounts).principal("scale-1")
    assert found is not None
    assert found.owner == "alice"


def test_a_rolled_back_directory_is_the_old_one() -> None:
    accounts = desk()
    accounts.handle(DirectoryLoaded(PEOPLE), 0.0)
    accounts.committed()
    accounts.handle(DirectoryLoaded({}), 1.0)
    accounts.roll_back()
    assert lookup(accounts, "alice") == ALICE
    assert accounts.handle(DirectoryLoaded({}), 2.0) != [], "and the news is still news"


@pytest.mark.parametrize("role", list(Role))
def test_an_account_becomes_a_principal_without_its_secret(role: Role) -> None:
    row = AccountRow(name="x", role=role.value, display_name="X", verifier="$7$", created_at=0.0)
    assert principal(row) == Principal("x", role, "X")


def test_accounts_are_stored_with_everything(database: Database) -> None:
    row = AccountRow(
        name="x",
        role="device",
        display_name="X",
        verifier="$7$",
        created_at=1.5,
        hardware="A4:CF",
    )
    with Session(database) as session:
        session.add(row)
        session.commit()
    with Session(database) as session:
        found = session.get(AccountRow, "x")
        assert found is not None
        assert (found.hardware, found.created_at) == ("A4:CF", 1.5)
