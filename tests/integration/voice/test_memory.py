"""Conversations in a database on the disk: they outlive a kill, and are nobody else's."""

import asyncio
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine as Database

from backend.core.principals import Principal, Role
from backend.features.voice.frames import Codec
from backend.shell.accounts import Accounts
from backend.shell.database import open_database
from backend.shell.voice.asking import Exchange
from backend.shell.voice.memory import Memory, phrase_key
from tests.house import House
from tests.people import BOB
from tests.talks import Talks

KILLED = """
import os, signal, sys
from pathlib import Path
from backend.shell.database import open_database
from tests.house import House
from tests.people import BOB
from tests.talks import Talks

talks = Talks(House(open_database(Path(sys.argv[1]))))
talks.ends("kitchen-1", "committed", "yes")
talks.makes("kitchen-1", "key", b"audio")
talks.house.commit()
talks.ends("lab-1", "to be forgotten")
talks.asks(BOB, "lab-1", "forget", id="f1")
talks.ends("kitchen-1", "not committed")
os.kill(os.getpid(), signal.SIGKILL)
"""
NEW = Principal("kitchen-1", Role.DEVICE, "Another board")


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Database]:
    """A database in a file."""
    made = open_database(tmp_path)
    yield made
    made.dispose()


def remembered(database: Database, device: str) -> list[Exchange]:
    return asyncio.run(Memory(database).exchanges(device))


def test_what_was_committed_outlives_a_kill(tmp_path: Path) -> None:
    done = subprocess.run([sys.executable, "-c", KILLED, str(tmp_path)], check=False)
    assert done.returncode == -signal.SIGKILL
    database = open_database(tmp_path)
    found = asyncio.run(Memory(database).phrase("kitchen-1", "key"))
    assert found is not None
    assert found.audio == b"audio"
    assert remembered(database, "kitchen-1") == [Exchange("committed", "yes")]
    talks = Talks(House(database))
    talks.ends("lab-1", "new")
    talks.house.commit()
    again = talks.asks(BOB, "lab-1", "forget", id="f1")
    assert again["turns_deleted"] == 1, "that is what was answered before the kill"
    assert talks.told("lab-1") == ["new"]
    talks.house.journal.close()
    database.dispose()


@pytest.mark.parametrize("removed", [True, False])
def test_a_board_of_a_name_that_was_there_before_inherits_nothing(disk: Database, *, removed: bool) -> None:
    """Also where the server does not run, or a last turn came in after the board was removed."""
    accounts, talks = Accounts(disk), Talks(House(disk))
    if removed:
        accounts.add(NEW, "secret", 0.0, generated=True)
    talks.ends("kitchen-1", "secret", "words")
    talks.makes("kitchen-1", "key")
    talks.ends("lab-1", "stay", "here")
    talks.house.commit()
    talks.house.journal.close()
    if removed:
        accounts.remove("kitchen-1")
    else:
        accounts.add(NEW, "secret", 0.0, generated=True)
    assert remembered(disk, "kitchen-1") == []
    assert asyncio.run(Memory(disk).phrase("kitchen-1", "key")) is None
    assert remembered(disk, "lab-1") == [Exchange("stay", "here")]


def test_a_turn_goes_on_without_a_memory_that_cannot_be_read(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    database = open_database(tmp_path)
    with database.begin() as connection:
        connection.exec_driver_sql("DROP TABLE phraserow")
        connection.exec_driver_sql("DROP TABLE turnrow")
    assert remembered(database, "kitchen-1") == []
    assert asyncio.run(Memory(database).phrase("kitchen-1", "key")) is None
    assert "conversations cannot be read" in caplog.text
    database.dispose()


def test_a_phrase_is_the_same_if_all_that_makes_its_sound_is() -> None:
    said = ("Hello.", "en", None, 165, Codec.PCM16_16K)
    others = (
        ("Hello!", "en", None, 165, Codec.PCM16_16K),
        ("Hello.", "es", None, 165, Codec.PCM16_16K),
        ("Hello.", "en", "en+f3", 165, Codec.PCM16_16K),
        ("Hello.", "en", None, 166, Codec.PCM16_16K),
        ("Hello.", "en", None, 165, Codec.MP3),
    )
    assert phrase_key(*said) == phrase_key(*said)
    assert len({phrase_key(*each) for each in (said, *others)}) == 6
