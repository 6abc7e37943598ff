"""The whole engine, as it is wired in earnest, on a real journal, with a clock that is told the time."""

import atexit
import json
import sqlite3
import weakref
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from sqlalchemy import Engine as Database
from sqlalchemy.pool import StaticPool
from sqlmodel import SQLModel, create_engine

from backend.app.table import TABLE
from backend.core.desk import Desk
from backend.core.effects import Consult
from backend.core.engine import Arrived, Engine, Send
from backend.core.facts import Definition, Resumed
from backend.core.floors import Rules, device_floor
from backend.core.measures import Measured
from backend.core.principals import Principal
from backend.features.channels import feature as channels
from backend.features.clients import feature as clients
from backend.features.clients.machine import User
from backend.features.directory import feature as directory
from backend.features.presence import feature as presence
from backend.features.presence.machine import Presence
from backend.features.provisioning import feature as provisioning
from backend.features.sessions import feature as sessions
from backend.features.sessions.policy import Limits, Policy
from backend.features.sessions.state import Session
from backend.features.stats import feature as stats
from backend.features.triggers import feature as triggers
from backend.features.voice import feature as voice
from backend.features.voice.state import Talker
from backend.features.workers import feature as workers
from backend.shell.deeds import Deeds
from backend.shell.inbox import Inbox
from backend.shell.journal import Journal
from backend.shell.settings import Settings
from backend.shell.surroundings import Surroundings
from tests.histories import START
from tests.people import EVERYBODY

POLICY = Policy()
LIMITS = presence.Limits()
BOUNDS = voice.Bounds()
WORKERS = 4
BOUNDLESS = Limits(10**9, 10**9, 10**9)


@cache
def _empty() -> sqlite3.Connection:
    connection = sqlite3.connect(":memory:", check_same_thread=False)
    SQLModel.metadata.create_all(create_engine("sqlite://", creator=lambda: connection, poolclass=StaticPool))
    atexit.register(connection.close)
    return connection


def memory_database() -> Database:
    """Return an empty database with all tables, in memory; it is closed when nobody uses it any more."""
    connection = sqlite3.connect(":memory:", check_same_thread=False)
    _empty().backup(connection)
    database = create_engine("sqlite://", creator=lambda: connection, poolclass=StaticPool)
    weakref.finalize(database, connection.close)
    return database


def copied(database: Database, onto: Database) -> None:
    """Make one database in memory the same as another."""
    source, target = (each.raw_connection().driver_connection for each in (database, onto))
    assert isinstance(source, sqlite3.Connection)
    assert isinstance(target, sqlite3.Connection)
    source.backup(target)


class House:
    """Engine and journal. Nothing is stored, or said to the world, before `commit`."""

    def __init__(
        self,
        database: Database,
        policy: Policy = POLICY,
        limits: presence.Limits = LIMITS,
        quotas: Limits = BOUNDLESS,
        slots: int = WORKERS,
    ) -> None:
        self.policy = policy
        self.limits = limits
        self.quotas = quotas
        self.slots = slots
        self.now = START
        self.accounts: Mapping[str, Principal] = EVERYBODY
        self.channels: frozenset[str] = frozenset()
        self.rules: Mapping[str, Rules] = {}
        self.voices: Mapping[str, Mapping[str, Any]] = {}
        self.triggers: Mapping[str, Definition] = {}
        self.profiles: Mapping[str, Definition] = {}
        self.journal = Journal(
            database, [sessions.archive(days=90), triggers.archive(days=90), *voice.archives(BOUNDS)]
        )
        self.pending: list[Send] = []
        self.performed: list[object] = []
        self.engine = self._open()

    def _open(self) -> Engine:
        accounts = directory.desk()
        floors = sessions.desk(self.policy)
        desks: list[Desk[Any]] = [
            accounts,
            presence.desk(self.limits),
            clients.desk(self.limits),
            floors,
            channels.desk(),
            stats.desk(),
            voice.desk(),
            triggers.desk(),
            workers.desk(self.slots),
            provisioning.desk(),
        ]
        admit = sessions.Quotas(self.quotas, floors).admit
        engine = Engine(TABLE, desks, directory.Listing(accounts), admit=admit)
        self.journal.load(engine, self.now)
        self.pending = engine.hear(Resumed(), self.now)
        self.pending += engine.hear(self._directory(), self.now)
        self.pending += engine.tick(self.now)
        self.engine = engine
        self.greeting = [*self.commit(), *engine.projection(self.now)]
        return engine

    def restart(self) -> list[Send]:
        """Die without a word, start again from what is stored; return what is then sent."""
        self._open()
        return self.greeting

    def receive(self, topic: str, body: bytes | Mapping[str, Any], *, retained: bool = False) -> list[Send]:
        """Let a message arrive; return what would be sent for it."""
        payload = body if isinstance(body, bytes) else json.dumps(body).encode()
        return self._to_send(self.engine.receive(Arrived(topic, payload, retained), self.now))

    def asks(self, who: Principal, device: str, action: str, **keys: Any) -> dict[str, Any]:
        """Ask something of a device's session; return the first answer to the one who asked."""
        sends = self.receive(f"devices/{device}/session/request/{who.name}", {"action": action, **keys})
        return answer_to(sends, device, who)

    def knows(self, accounts: Mapping[str, Principal]) -> list[Send]:
        """Let the directory change."""
        self.accounts = accounts
        return self._to_send(self.engine.hear(self._directory(), self.now))

    def has(self, channels: Iterable[str] = (), rules: Mapping[str, Rules] | None = None) -> list[Send]:
        """Let channels, and the rules of floors, be these."""
        self.channels, self.rules = frozenset(channels), rules or {}
        return self.knows(self.accounts)

    def defines(self, triggers: Mapping[str, Definition], profiles: Mapping[str, Definition]) -> list[Send]:
        """Let these be the triggers and the profiles."""
        self.triggers, self.profiles = triggers, profiles
        return self.knows(self.accounts)

    def _directory(self) -> directory.DirectoryLoaded:
        return directory.DirectoryLoaded(
            self.accounts, self.channels, self.rules, triggers=self.triggers, profiles=self.profiles
        )

    def hears(self, fact: object) -> list[Send]:
        """Let something happen outside of MQTT."""
        return self._to_send(self.engine.hear(fact, self.now))

    def passes(self, seconds: float) -> list[Send]:
        """Let time pass."""
        self.now += seconds
        return self._to_send(self.engine.tick(self.now))

    def measures(self) -> list[Send]:
        """Let the shell measure, which it does every few seconds; here, that there is nothing."""
        return self.hears(Measured({}, {}, {}))

    def commit(self) -> list[Send]:
        """Store what changed; return what is now sent, the answers from what is stored included."""
        self.pending += self.engine.documents()
        changes = self.engine.changes()
        if changes or self.journal.is_due(self.now):
            self.journal.commit(changes, self.now)
        self.engine.committed()
        sent, self.pending = self.pending, []
        self.performed += self.engine.performed()
        return sent + [self._consulted(asked) for asked in self.engine.consulted()]

    def _consulted(self, asked: Consult) -> Send:
        known = self.engine.recall(asked.asked, self.now)
        if known is not None:
            return known
        reply = self.journal.consult(asked, self.now)
        if asked.once:
            return self.engine.learn(asked.asked, reply, self.now)
        return Send(asked.asked.reply_topic, reply.payload())

    def fail(self) -> None:
        """The disk is full: nothing since the last commit happened."""
        self.engine.roll_back()
        self.pending = []

    def session(self, device: str) -> Session:
        """Return the session of a device."""
        return self.floor(device_floor(device))

    def floor(self, floor: str) -> Session:
        """Return the session of a device or channel."""
        found = self._states("sessions")[floor]
        assert isinstance(found, Session)
        return found

    def presence(self, device: str) -> Presence:
        """Return the presence of a device."""
        found = self._states("presence")[device]
        assert isinstance(found, Presence)
        return found

    def talker(self, device: str) -> Talker:
        """Return what is known of a device that talks."""
        found = self._states("voice")[device]
        assert isinstance(found, Talker)
        return found

    def trigger(self, name: str) -> triggers.Trigger:
        """Return how a trigger stands."""
        found = self._states("triggers")[name]
        assert isinstance(found, triggers.Trigger)
        return found

    def pool(self) -> workers.Pool:
        """Return who works, and who waits to."""
        found = self._states("workers")[""]
        assert isinstance(found, workers.Pool)
        return found

    def user(self, name: str) -> User:
        """Return which apps of a person are there."""
        found = self._states("clients")[name]
        assert isinstance(found, User)
        return found

    def everything(self) -> dict[str, dict[str, object]]:
        """Return a copy of all states of all desks."""
        return {desk.name: dict(desk.states) for desk in self.engine.desks}

    def _states(self, name: str) -> Mapping[str, object]:
        (states,) = (desk.states for desk in self.engine.desks if desk.name == name)
        return states

    def _to_send(self, sends: list[Send]) -> list[Send]:
        self.pending += sends
        return sends


def surroundings(house: House, inbox: Inbox, deeds: Deeds) -> Surroundings:
    """Return what the shell around a house knows of it."""
    desks: dict[str, Desk[Any]] = {desk.name: desk for desk in house.engine.desks}
    return Surroundings(
        Settings(data=Path("nowhere")),
        memory_database(),
        directory.Listing(desks["directory"]),
        voice.Talkers(desks["voice"]),
        desks["sessions"],
        desks["presence"],
        inbox,
        deeds,
        lambda: house.now,
    )


def answer_to(sends: Sequence[Send], device: str, who: Principal) -> dict[str, Any]:
    """Return the first reply to a principal."""
    topic = f"devices/{device}/session/reply/{who.name}"
    return next(dict(json.loads(send.payload)) for send in sends if send.topic == topic)
