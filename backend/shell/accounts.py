"""Accounts in the database: added, removed and given new secrets by the command line, checked by the broker's door.

A secret is shown once, and stored as a verifier only.
"""

import json
import secrets
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from typing import Protocol

from sqlalchemy import Engine as Database
from sqlmodel import Session, select

from backend.core.desk import ROWS_AT_ONCE
from backend.core.floors import device_floor
from backend.core.ids import check_name
from backend.core.outside import MAX_FILTERS
from backend.core.principals import PARTICIPANTS, Principal, Role
from backend.features.directory.feature import AccountRow, principal, topics
from backend.features.voice.feature import erase, forget
from backend.shell import verifier
from backend.shell.codes import void
from backend.shell.floors import forget_rules
from backend.shell.revision import changing
from backend.shell.trigger_owners import disown, triggers_owned
from backend.shell.voices import forget_voice, opened

RESERVED = frozenset({"backend"})


class AccountError(Exception):
    """An account cannot be made, found or changed; the message says why."""


@dataclass(frozen=True, slots=True)
class Account:
    """What may be shown of an account."""

    name: str
    role: Role
    display_name: str
    created_at: float
    hardware: str | None
    owner: str | None
    topics: tuple[str, ...] = ()


class Mirror(Protocol):
    """Another broker that checks secrets by itself. It is told while the secret is known. All raise AccountError.

    A server removes from it who is not stored, whenever it compares. So an account is stored before it is put there.
    """

    def insist(self, name: str) -> None:
        """Insist that it answers, and has nobody else of that name."""

    def put(self, who: Principal, secret: str) -> None:
        """Let an account log in with this secret, and with no older one."""

    def remove(self, name: str) -> None:
        """Let nobody log in with that name, and end its connections."""


def new_secret() -> str:
    """Return a secret of 128 bits that survives being typed into a board's configuration."""
    return secrets.token_urlsafe(16)


class Accounts:
    """The accounts of one database, and of the *mirror* that shall know them too."""

    def __init__(self, database: Database, mirror: Mirror | None = None) -> None:
        self._database = database
        self._mirror = mirror

    def add(
        self, who: Principal, secret: str, now: float, hardware: str | None = None, *, generated: bool = False
    ) -> None:
        """Add an account; say whether its secret was *generated*, and so needs less hashing.

        Its topics are stored as they are: `Outside.check` says what is wrong with one. Raises AccountError where the
        name is bad or taken, there is no such owner, the topics are too many, or the mirror cannot be told.
        """
        try:
            check_name(who.name)
        except ValueError as error:
            raise AccountError(str(error)) from error
        if who.name in RESERVED:
            raise AccountError(f"{who.name} is the server's own name")
        with Session(self._database) as session:
            _insist_on_new(session, who)
        row = AccountRow(
            name=who.name,
            role=who.role.value,
            display_name=who.display_name,
            created_at=now,
            hardware=hardware,
            owner=who.owner,
            topics=_stored(who.role, dict.fromkeys(who.topics)),
            verifier=verifier.made(secret, generated=generated),
        )
        if self._mirror is not None:
            self._mirror.insist(who.name)
        with changing(self._database) as session:
            _insist_on_new(session, who)
            session.add(row)
            erase(session, who.name)
        if self._mirror is not None:
            with unless_told(lambda: self._take_back(who.name)):
                self._mirror.put(who, secret)

    def _take_back(self, name: str) -> None:
        with changing(self._database) as session:
            session.delete(_found(session, name))

    def remove(self, name: str) -> None:
        """Remove an account, its rules, voice and conversation included; its devices and triggers are nobody's then.

        What was said to these devices is forgotten.

        Raises AccountError where there is none, or it is the last admin's.
        """
        with changing(self._database) as session:
            row = _found(session, name)
            admins = session.exec(select(AccountRow).where(AccountRow.role == Role.ADMIN.value)).all()
            if [admin.name for admin in admins] == [name]:
                raise AccountError(f"{name} is the last admin; add another one first")
            session.delete(row)
            forget_rules(session, device_floor(name))
            forget_voice(session, name)
            erase(session, name)
            codes = void(session, name)
            for device in session.exec(select(AccountRow).where(AccountRow.owner == name)):
                forget(session, device.name)
                device.owner = None
            disown(session, name)
        if self._mirror is not None:
            try:
                for each in (name, *codes):
                    self._mirror.remove(each)
            except AccountError as error:
                raise AccountError(f"{name} is removed here; the server will tell the broker: {error}") from error

    def set_owner(self, name: str, owner: str | None) -> None:
        """Give a device to somebody; None: to nobody. What was said to it under another owner is forgotten.

        Raises AccountError where one of them is not there, or cannot.
        """
        with changing(self._database) as session:
            row = _found(session, name)
            if row.role != Role.DEVICE.value:
                raise AccountError(f"{name} is a {row.role}, and no device")
            _insist_on_owner(session, owner)
            if row.owner not in (None, owner):
                forget(session, name)
            row.owner = owner

    def check_owner(self, owner: str) -> None:
        """Insist that an account is there and may own devices. Raises AccountError."""
        with Session(self._database) as session:
            _insist_on_owner(session, owner)

    def change_topics(self, name: str, more: Collection[str], fewer: Collection[str]) -> None:
        """Give an account filters outside of the tree, as they are (see `add`), and take others away.

        Raises AccountError where it has none of those, would have too many, or needs none.
        """
        with changing(self._database) as session:
            row = _found(session, name)
            before = topics(row)
            for each in fewer:
                if each in more:
                    raise AccountError(f"{each}: add it or remove it, not both")
                if each not in before:
                    raise AccountError(f"{name} has no topics {each}")
            kept = (each for each in before if each not in fewer)
            row.topics = _stored(Role(row.role), dict.fromkeys((*kept, *more)))

    def set_secret(self, name: str, secret: str, *, generated: bool = False) -> None:
        """Replace the secret; the old one is void at once, and so is a claim code that would make another one.

        Raises AccountError where there is no such account.
        """
        who, stored = self.get(name), verifier.made(secret, generated=generated)
        with changing(self._database) as session:  # first: else a board that claims now has the last word at the mirror
            codes = void(session, name)
        if self._mirror is not None:
            self._mirror.put(Principal(name, who.role, who.display_name, topics=who.topics), secret)
        with changing(self._database) as session:
            _found(session, name).verifier = stored
        if self._mirror is not None:
            for each in codes:
                self._mirror.remove(each)

    def get(self, name: str) -> Account:
        """Return one account. Raises AccountError where there is none."""
        with Session(self._database) as session:
            return _shown(_found(session, name))

    def all(self) -> list[Account]:
        """Return all accounts by name."""
        with Session(self._database) as session:
            return [_shown(row) for row in session.exec(select(AccountRow).order_by(AccountRow.name))]

    def principals(self) -> Mapping[str, Principal]:
        """Return what the engine needs to know of all accounts."""
        with Session(self._database) as session:
            devices, owned = opened(session), triggers_owned(session)
            rows = session.exec(select(AccountRow).execution_options(yield_per=ROWS_AT_ONCE))
            return {
                row.name: principal(row, is_open=row.name in devices, triggers=owned.get(row.name, frozenset()))
                for row in rows
            }

    def verifiers(self) -> Mapping[str, str]:
        """Return all verifiers by name: while one stays, a login that was good is good."""
        with Session(self._database) as session:
            return dict(session.exec(select(AccountRow.name, AccountRow.verifier)).all())

    def verifier_of(self, name: str) -> str | None:
        """Return the stored hash, or None where there is no such account."""
        with Session(self._database) as session:
            row = session.get(AccountRow, name)
            return row.verifier if row is not None else None


@contextmanager
def unless_told(take_back: Callable[[], object]) -> Iterator[None]:
    """Take back what was stored, whatever keeps the mirror from being told of it; also somebody's Ctrl-C."""
    try:
        yield
    except BaseException:
        take_back()
        raise


@cache
def _nobody() -> str:
    return verifier.made(new_secret(), generated=True)


def verify(stored: str | None, secret: str) -> bool:
    """Tell whether *secret* is that of a stored verifier. None (there is no such account) takes a little time, too."""
    try:
        return verifier.matches(stored or _nobody(), secret) and stored is not None
    except ValueError:
        return False


def _found(session: Session, name: str) -> AccountRow:
    row = session.get(AccountRow, name)
    if row is None:
        raise AccountError(f"there is no account {name}")
    return row


def _insist_on_new(session: Session, who: Principal) -> None:
    """Insist that an account may be added. Raises AccountError."""
    if session.get(AccountRow, who.name) is not None:
        raise AccountError(f"{who.name} exists already")
    _insist_on_owner(session, who.owner)


def _insist_on_owner(session: Session, owner: str | None) -> None:
    """Insist that there is such an account, and that it may own devices. Raises AccountError."""
    if owner is not None and (role := _found(session, owner).role) not in PARTICIPANTS:
        raise AccountError(f"{owner} is a {role}, and owns nothing")


def _stored(role: Role, filters: Collection[str]) -> str | None:
    """Return filters as a row has them. Raises AccountError where they are too many, or an admin's."""
    if filters and role is Role.ADMIN:
        raise AccountError("an admin may use all topics outside of Talkstick's own already")
    if len(filters) > MAX_FILTERS:
        raise AccountError(f"an account has at most {MAX_FILTERS} topic filters")
    return json.dumps(list(filters)) if filters else None


def _shown(row: AccountRow) -> Account:
    return Account(row.name, Role(row.role), row.display_name, row.created_at, row.hardware, row.owner, topics(row))
