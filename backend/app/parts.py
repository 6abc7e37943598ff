"""What is wired together once, before anything runs."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Engine as Database

from backend.app.table import TABLE
from backend.core.access import Rulebook
from backend.core.desk import Desk
from backend.core.engine import Engine
from backend.core.facts import MessageRefused
from backend.features.channels import feature as channels
from backend.features.clients import feature as clients
from backend.features.directory import feature as directory
from backend.features.presence import feature as presence
from backend.features.provisioning import feature as provisioning
from backend.features.sessions import feature as sessions
from backend.features.stats import feature as stats
from backend.features.triggers import feature as triggers
from backend.features.voice import feature as voice
from backend.features.workers import feature as workers
from backend.shell.accounts import Accounts
from backend.shell.complaints import Complaints
from backend.shell.database import open_database
from backend.shell.door import Door
from backend.shell.journal import Journal
from backend.shell.settings import Settings

log = logging.getLogger(__name__)


class CannotServeError(Exception):
    """The server cannot start; the message says why, and what to do."""


@dataclass(frozen=True, slots=True)
class Parts:
    """All that is needed to serve, but the broker."""

    engine: Engine
    database: Database
    accounts: Accounts
    journal: Journal
    door: Door
    directory: directory.Listing
    relay: channels.Relay
    sessions: Desk[Any]
    presence: Desk[Any]
    talkers: Desk[voice.Talker]
    triggers: Desk[triggers.Trigger]
    workers: Desk[workers.Pool]


def wired(settings: Settings) -> Parts:
    """Return the parts of a server, its database opened. Raises SQLAlchemyError, OSError or WrongSchemaError."""
    accounts_desk, channels_desk = directory.desk(), channels.desk()
    times = presence.Limits(settings.debounce_s, settings.heartbeat_s)
    listing = directory.Listing(accounts_desk)
    floors, seen, talkers = sessions.desk(settings.policy), presence.desk(times), voice.desk()
    automations, work = triggers.desk(), workers.desk(settings.trigger_workers)
    engine = Engine(
        TABLE,
        [
            accounts_desk,
            seen,
            clients.desk(times),
            floors,
            channels_desk,
            stats.desk(),
            talkers,
            automations,
            work,
            provisioning.desk(),
        ],
        listing,
        _complain(Complaints(log)),
        sessions.Quotas(settings.quotas, floors).admit,
    )
    database = open_database(settings.data)
    accounts = Accounts(database)
    rules = Rulebook(TABLE, settings.prefix)
    door = Door(rules, accounts, settings.prefix)
    days = settings.history_days
    archives = [sessions.archive(days), triggers.archive(days), *voice.archives(settings.bounds)]
    journal = Journal(database, archives)
    relay = channels.relay(channels_desk, sessions.CHANNEL.data_per_s)
    return Parts(engine, database, accounts, journal, door, listing, relay, floors, seen, talkers, automations, work)


def _complain(complaints: Complaints) -> Callable[[MessageRefused], None]:
    return lambda refused: complaints.say(
        refused.code, "refused: %s on %r: %s", refused.code, refused.topic[:200], refused.detail
    )
