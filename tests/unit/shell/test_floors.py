"""Channels and rules as the command line stores them, and as a server sees them."""

from pathlib import Path

import pytest
from sqlalchemy import Engine as Database

from backend.core.floors import Rule, rules_of
from backend.core.principals import Principal, Role
from backend.features.directory.feature import DirectoryLoaded
from backend.features.sessions.policy import CHANNEL, Policy
from backend.shell.accounts import Accounts
from backend.shell.floors import Channel, FloorError, Floors, default_policy
from backend.shell.revision import revision
from backend.shell.settings import FILE, load
from backend.shell.watcher import loaded
from tests.people import ALICE, SCALE

DEVICE, STAGE = "devices/scale-1", "channels/stage"
MAIN = Channel("stage", "Main stage", 7.0)


@pytest.fixture
def floors(database: Database) -> Floors:
    """The floors of a database with one person, one device and one channel."""
    accounts, made = Accounts(database), Floors(database)
    for who in (ALICE, SCALE):
        accounts.add(who, "secret", 0.0, generated=True)
    made.add_channel(MAIN, {})
    return made


def change(floors: Floors, floor: str, *unset: str, **given: Rule) -> None:
    """Change rules of a floor whose defaults are the usual ones."""
    floors.change_rules(floor, CHANNEL if floor == STAGE else Policy(), given, unset)


def test_channels_are_stored_by_name(floors: Floors) -> None:
    floors.add_channel(Channel("a1", "A1", 8.0), {"max_queue": 3})
    assert floors.channels() == [Channel("a1", "A1", 8.0), MAIN]
    assert floors.channel("stage") == MAIN
    assert floors.rules() == {"channels/a1": (("max_queue", 3),)}


@pytest.mark.parametrize("name", ["", "Stage", "a b", "-a", "a/b", "#", "x" * 64])
def test_a_channel_needs_a_name_that_may_stand_in_a_topic(floors: Floors, name: str) -> None:
    with pytest.raises(FloorError, match="is no name"):
        floors.add_channel(Channel(name, "X", 0.0), {})


def test_channels_and_devices_have_names_of_their_own(floors: Floors) -> None:
    floors.add_channel(Channel("scale-1", "Beside the scale", 0.0), {"idle_s": 5.0})
    assert floors.rules_of("channels/scale-1") == (("idle_s", 5.0),)
    assert floors.rules_of(DEVICE) == ()
    with pytest.raises(FloorError, match="already"):
        floors.add_channel(MAIN, {})


def test_a_channel_with_rules_that_do_not_fit_is_not_made(floors: Floors, database: Database) -> None:
    before = revision(database)
    with pytest.raises(FloorError, match="longer than max_lease_s"):
        floors.add_channel(Channel("x", "X", 0.0), {"lease_s": 90_000.0})
    assert floors.channels() == [MAIN]
    assert revision(database) == before


def test_rules_are_set_changed_and_unset(floors: Floors) -> None:
    change(floors, DEVICE, lease_s=5.0, clean="always", joins=True, max_queue=2)
    assert floors.rules_of(DEVICE) == rules_of({"lease_s": 5.0, "clean": "always", "joins": True, "max_queue": 2})
    change(floors, DEVICE, "clean", "joins", "idle_s", lease_s=6.0)
    assert floors.rules() == {DEVICE: (("lease_s", 6.0), ("max_queue", 2))}
    change(floors, DEVICE, "lease_s", "max_queue")
    assert floors.rules() == {}


def test_rules_keep_their_types(floors: Floors) -> None:
    change(floors, DEVICE, lease_s=5.0, joins=False, max_queue=2)
    assert [type(value) for _, value in floors.rules_of(DEVICE)] == [bool, float, int]


def test_rules_that_do_not_fit_change_nothing(floors: Floors, database: Database) -> None:
    change(floors, DEVICE, max_lease_s=100.0)
    before = revision(database)
    with pytest.raises(FloorError, match=r"lease_s \(200\) is longer than max_lease_s \(100\)"):
        change(floors, DEVICE, lease_s=200.0, max_queue=1)
    assert floors.rules_of(DEVICE) == (("max_lease_s", 100.0),)
    assert revision(database) == before
    with pytest.raises(FloorError, match="no hardware"):
        change(floors, STAGE, clean="always")


@pytest.mark.parametrize("floor", ["devices/nothing", "devices/alice", "devices/stage", "channels/scale-1"])
def test_rules_need_a_floor(floors: Floors, floor: str) -> None:
    with pytest.raises(FloorError, match="there is no"):
        change(floors, floor, max_queue=1)
    with pytest.raises(FloorError, match="there is no"):
        floors.rules_of(floor)


def test_rules_go_with_their_floor(floors: Floors, database: Database) -> None:
    change(floors, DEVICE, max_queue=1)
    change(floors, STAGE, max_queue=1)
    Accounts(database).remove("scale-1")
    floors.remove_channel("stage")
    assert floors.rules() == {}
    assert floors.channels() == []
    with pytest.raises(FloorError, match="no channel stage"):
        floors.remove_channel("stage")
    with pytest.raises(FloorError, match="no channel stage"):
        floors.channel("stage")


def test_a_server_notices_every_change(floors: Floors, database: Database) -> None:
    people = {"alice": ALICE, "scale-1": SCALE}
    assert loaded(database) == DirectoryLoaded(people, frozenset({"stage"}))
    seen = [revision(database)]
    change(floors, STAGE, max_queue=1)
    seen.append(revision(database))
    assert loaded(database) == DirectoryLoaded(people, frozenset({"stage"}), {STAGE: (("max_queue", 1),)})
    Accounts(database).add(Principal("bob", Role.USER, "Bob"), "secret", 0.0, generated=True)
    seen.append(revision(database))
    floors.remove_channel("stage")
    seen.append(revision(database))
    assert seen == sorted(set(seen))
    assert not loaded(database).channels


def test_defaults_of_devices_are_settings_and_those_of_channels_are_not(tmp_path: Path) -> None:
    (tmp_path / FILE).write_text("lease_s = 5\nmax_queue = 7\n")
    policy = default_policy(load(tmp_path), DEVICE)
    assert (policy.lease_s, policy.max_queue, policy.max_lease_s) == (5.0, 7, Policy().max_lease_s)
    assert default_policy(load(tmp_path), STAGE) == CHANNEL
