"""Whose a device is, and how it converses, as the command line stores it and as a server sees it."""

from typing import Any

import pytest
from sqlalchemy import Engine as Database
from sqlmodel import Session, select

from backend.core.desk import Changes
from backend.core.effects import Record
from backend.core.facts import TurnEnded
from backend.core.principals import Principal, Role
from backend.features.voice.feature import Bounds, archives
from backend.features.voice.rows import TurnRow
from backend.shell.accounts import AccountError, Accounts
from backend.shell.journal import Journal
from backend.shell.revision import revision
from backend.shell.voices import VoiceError, Voices
from backend.shell.watcher import loaded
from tests.people import ALICE, BOB, BOT, EARS, PRINTER, ROOT, SCALE


@pytest.fixture
def accounts(database: Database) -> Accounts:
    """The accounts of some people and two devices."""
    made = Accounts(database)
    for who in (ROOT, ALICE, BOB, BOT, EARS, SCALE, PRINTER):
        made.add(who, "secret", 0.0, generated=True)
    return made


@pytest.fixture
def voices(accounts: Accounts, database: Database) -> Voices:
    """The voices of these devices."""
    assert accounts.all()
    return Voices(database)


def owner(accounts: Accounts, device: str = "scale-1") -> str | None:
    """Return whose a device is, as it is shown and as a server sees it."""
    shown = accounts.get(device).owner
    assert accounts.principals()[device].owner == shown
    return shown


@pytest.mark.parametrize("name", ["alice", "root", "bot"])
def test_a_device_is_given_away_and_taken_back(accounts: Accounts, name: str) -> None:
    assert owner(accounts) is None
    accounts.set_owner("scale-1", name)
    assert owner(accounts) == name
    accounts.set_owner("scale-1", None)
    assert owner(accounts) is None


@pytest.mark.parametrize(
    ("device", "name", "why"),
    [
        ("scale-1", "nobody", "no account nobody"),
        ("scale-1", "ears", "ears is a listener, and owns nothing"),
        ("scale-1", "printer-1", "printer-1 is a device, and owns nothing"),
        ("nothing", "alice", "no account nothing"),
        ("bob", "alice", "bob is a user, and no device"),
    ],
)
def test_what_cannot_own_or_be_owned(accounts: Accounts, database: Database, device: str, name: str, why: str) -> None:
    before = revision(database)
    with pytest.raises(AccountError, match=why):
        accounts.set_owner(device, name)
    assert revision(database) == before


def test_a_device_may_be_added_with_its_owner(accounts: Accounts) -> None:
    accounts.add(Principal("probe-1", Role.DEVICE, "Probe", "alice"), "secret", 0.0, generated=True)
    assert owner(accounts, "probe-1") == "alice"
    with pytest.raises(AccountError, match="no account nobody"):
        accounts.add(Principal("probe-2", Role.DEVICE, "Probe", "nobody"), "secret", 0.0, generated=True)
    assert "probe-2" not in accounts.principals()


def test_without_its_owner_a_device_is_nobodys_also_when_the_name_comes_back(accounts: Accounts) -> None:
    accounts.set_owner("scale-1", "alice")
    accounts.set_owner("printer-1", "bob")
    accounts.remove("alice")
    accounts.add(ALICE, "secret", 0.0, generated=True)
    assert owner(accounts) is None
    assert owner(accounts, "printer-1") == "bob"


def test_settings_are_made_changed_and_unmade(voices: Voices) -> None:
    voices.change("scale-1", {"language": "es", "speed": 200}, ())
    voices.change("scale-1", {"language": "en-us", "grammar": ["on", "off"]}, ("speed", "voice"))
    assert voices.of("scale-1") == {"language": "en-us", "grammar": ["on", "off"]}
    assert voices.of("printer-1") == {}
    assert voices.all() == {"scale-1": voices.of("scale-1")}
    voices.change("scale-1", {}, ("language", "grammar"))
    assert voices.all() == {}


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ({"colour": "red"}, "no setting 'colour'"),
        ({"language": "Español"}, "language: must be a tag"),
        ({"grammar": "loud"}, "grammar: must be `off`, `intents`, or sentences"),
        ({"speed": 10_000}, "speed: Input should be less than or equal to 450"),
        ({"heard": "nobody"}, "heard: Input should be 'anyone' or 'holder'"),
    ],
)
def test_what_is_wrong_with_a_setting_is_said_and_nothing_changes(
    voices: Voices, database: Database, given: dict[str, Any], why: str
) -> None:
    before = revision(database)
    with pytest.raises(VoiceError, match=why):
        voices.change("scale-1", {"speed": 100, **given}, ())
    assert voices.all() == {}
    assert revision(database) == before


@pytest.mark.parametrize("name", ["alice", "nothing"])
def test_only_devices_have_a_voice(voices: Voices, name: str) -> None:
    with pytest.raises(VoiceError, match=f"there is no device {name}"):
        voices.change(name, {"speed": 100}, ())
    with pytest.raises(VoiceError, match=f"there is no device {name}"):
        voices.of(name)


def test_who_is_heard_in_sessions_only_is_open_to_read(voices: Voices, accounts: Accounts) -> None:
    voices.change("scale-1", {"heard": "holder"}, ())
    voices.change("printer-1", {"heard": "anyone", "speed": 99}, ())
    people = accounts.principals()
    assert {name for name, who in people.items() if who.is_open} == {"scale-1"}
    voices.change("scale-1", {}, ("heard",))
    assert not any(who.is_open for who in accounts.principals().values())


def test_a_server_notices_and_a_voice_goes_with_its_device(
    voices: Voices, accounts: Accounts, database: Database
) -> None:
    seen = [revision(database)]
    voices.change("scale-1", {"language": "es"}, ())
    seen.append(revision(database))
    assert loaded(database).voices == {"scale-1": {"language": "es"}}
    accounts.set_owner("scale-1", "alice")
    seen.append(revision(database))
    accounts.remove("scale-1")
    accounts.add(SCALE, "secret", 0.0, generated=True)
    assert seen == sorted(set(seen))
    assert loaded(database).voices == {}
    assert owner(accounts) is None


def say(database: Database, device: str, user: str | None) -> None:
    """Let somebody have said something to a device."""
    turn = TurnEnded(device, 1, 0.0, user=user, heard="hello", answer="Hello.")
    Journal(database, archives(Bounds())).commit(Changes((), (), [Record(turn)]), 0.0)


def said(database: Database) -> list[tuple[str, str | None]]:
    """Return each turn that is remembered: on which device, and whose it was."""
    with Session(database) as session:
        return [(row.device, row.user) for row in session.exec(select(TurnRow))]


def test_what_was_said_to_a_device_is_not_for_its_next_owner(accounts: Accounts, database: Database) -> None:
    say(database, "scale-1", None)
    accounts.set_owner("scale-1", "alice")
    accounts.set_owner("scale-1", "alice")
    assert said(database) == [("scale-1", None)], "its first owner could have heard it"
    accounts.set_owner("scale-1", "bob")
    assert said(database) == []


def test_what_was_said_to_a_device_goes_with_its_owner(accounts: Accounts, database: Database) -> None:
    accounts.set_owner("scale-1", "alice")
    say(database, "scale-1", None)
    say(database, "printer-1", None)
    accounts.remove("alice")
    assert said(database) == [("printer-1", None)]


def test_who_gets_the_name_of_somebody_else_was_not_there(accounts: Accounts, database: Database) -> None:
    say(database, "scale-1", "alice")
    say(database, "scale-1", "bob")
    accounts.remove("alice")
    assert said(database) == [("scale-1", None), ("scale-1", "bob")]
