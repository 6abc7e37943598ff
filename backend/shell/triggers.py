"""Triggers and profiles in the database: the command line writes, a server watches."""

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from sqlalchemy import Engine as Database
from sqlmodel import Session, select

from backend.core.facts import Definition
from backend.core.ids import check_name
from backend.core.principals import Role
from backend.features.directory.feature import AccountRow, DefinitionRow, ProfileRow, TriggerRow, definition
from backend.features.triggers.definitions import DefinitionError, Source, profile_definition, trigger_definition
from backend.shell.database import overwrite
from backend.shell.revision import changing

What = Literal["trigger", "profile"]

_TABLES: Mapping[What, type[DefinitionRow]] = {"trigger": TriggerRow, "profile": ProfileRow}
_RESERVED = frozenset({"event", "request", "reply", "profiles"})
"""Levels of a trigger's topics: as the name of a profile they would mislead who reads along."""


class TriggerError(Exception):
    """A trigger or a profile cannot be made, found or changed; the message says which, and why."""


@dataclass(frozen=True, slots=True)
class Defined:
    """A trigger or a profile as it is stored: only what was given of its definition."""

    name: str
    definition: Definition
    created_at: float


@dataclass(frozen=True, slots=True)
class Put:
    """That a trigger or a profile shall be as defined here, whether or not there is one by now; None: not be."""

    what: What
    name: str
    definition: Definition | None


class Triggers:
    """The triggers and profiles of one database. ``check_topic`` raises ValueError for what cannot be a source."""

    def __init__(self, database: Database, check_topic: Callable[[str], None] = lambda _topic: None) -> None:
        self._database = database
        self._check_topic = check_topic

    def add(self, what: What, name: str, given: Definition, now: float) -> None:
        """Add a trigger or a profile. Raises TriggerError."""
        with changing(self._database) as session:
            if session.get(_TABLES[what], name) is not None:
                raise TriggerError(f"there is a {what} {name} already")
            self._store(session, what, name, given, now)

    def change(self, what: What, name: str, changed: Callable[[Definition], Definition]) -> None:
        """Replace the definition of a trigger or a profile by one made of it. Raises TriggerError."""
        with changing(self._database) as session:
            row = _found(session, what, name)
            self._store(session, what, name, changed(definition(row)), row.created_at)
        overwrite(self._database)  # a webhook's headers may be secret

    def remove(self, what: What, name: str) -> None:
        """Remove a trigger or a profile. Raises TriggerError where there is none."""
        with changing(self._database) as session:
            session.delete(_found(session, what, name))
        overwrite(self._database)

    def put(self, wanted: Iterable[Put], now: float) -> None:
        """Make all of these so, or none of them. Raises TriggerError."""
        with changing(self._database) as session:
            for each in wanted:
                row = session.get(_TABLES[each.what], each.name)
                if each.definition is not None:
                    self._store(
                        session, each.what, each.name, each.definition, row.created_at if row is not None else now
                    )
                elif row is not None:
                    session.delete(row)
        overwrite(self._database)

    def check(self, what: What, name: str, given: Definition) -> None:
        """Insist that a definition might be stored. Raises TriggerError."""
        with Session(self._database) as session:
            self._check(session, what, name, given)

    def get(self, what: What, name: str) -> Defined:
        """Return one trigger or profile. Raises TriggerError where there is none."""
        with Session(self._database) as session:
            return _shown(_found(session, what, name))

    def all(self, what: What) -> list[Defined]:
        """Return all triggers, or all profiles, by name."""
        with Session(self._database) as session:
            table = _TABLES[what]
            return [_shown(row) for row in session.exec(select(table).order_by(table.name))]

    def definitions(self, what: What) -> Mapping[str, Definition]:
        """Return what all triggers, or all profiles, are, by name."""
        return {each.name: each.definition for each in self.all(what)}

    def _store(self, session: Session, what: What, name: str, given: Definition, created_at: float) -> None:
        self._check(session, what, name, given)
        session.merge(_TABLES[what](name=name, definition=json.dumps(dict(given)), created_at=created_at))

    def _check(self, session: Session, what: What, name: str, given: Definition) -> None:
        """Insist that this is a trigger or a profile. Raises TriggerError."""
        try:
            check_name(name)
            if what == "trigger":
                made = trigger_definition(given)
                _insist_on_owner(session, made.owner)
                self._insist_on_source(made.source)
            else:
                _insist_on_free(name)
                profile_definition(given)
        except DefinitionError as error:
            raise TriggerError(f"{what} {name}: {error}") from error
        except ValueError as error:
            raise TriggerError(str(error)) from error

    def _insist_on_source(self, source: Source | None) -> None:
        try:
            if source is not None:
                self._check_topic(source.topic)
        except ValueError as error:
            raise DefinitionError(f"source: {error}") from error


def _insist_on_free(name: str) -> None:
    if name in _RESERVED:
        raise ValueError(f"a profile cannot be called {name!r}: topics have a level of that name")


def _insist_on_owner(session: Session, owner: str | None) -> None:
    """Insist that there is such an account, and that it may publish something."""
    if owner is None:
        return
    account = session.get(AccountRow, owner)
    if account is None:
        raise DefinitionError(f"owner: there is no account {owner}")
    if account.role in (Role.LISTENER, Role.CLAIM):
        raise DefinitionError(f"owner: {owner} is a {account.role}, and publishes nothing")


def _found(session: Session, what: What, name: str) -> DefinitionRow:
    row = session.get(_TABLES[what], name)
    if row is None:
        raise TriggerError(f"there is no {what} {name}")
    return row


def _shown(row: DefinitionRow) -> Defined:
    return Defined(row.name, definition(row), row.created_at)
