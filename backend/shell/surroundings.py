"""What those who do things, voice and automation, need of the rest of the house."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Engine as Database

from backend.core.desk import Desk
from backend.features.directory.feature import Listing
from backend.features.voice.feature import Talkers
from backend.shell.deeds import Deeds
from backend.shell.inbox import Inbox
from backend.shell.settings import Settings


@dataclass(frozen=True, slots=True)
class Surroundings:
    """The settings and the database, who is there and who holds what, where facts and requests go, the clock."""

    settings: Settings
    database: Database
    accounts: Listing
    talkers: Talkers
    sessions: Desk[Any]
    presence: Desk[Any]
    inbox: Inbox
    deeds: Deeds
    now: Callable[[], float]
