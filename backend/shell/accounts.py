"""Accounts in the database: added, removed and given new secrets by the command line, checked by the broker's door.

A secret is shown once and stored as an argon2id hash only.
"""

import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerifyMismatchError
from sqlalchemy import Engine as Database
from sqlmodel import Session, select

from backend.core.ids import is_id
from backend.core.principals import Principal, Role
from backend.features.directory.feature import AccountRow, DirectoryRow, principal

RESERVED = frozenset({"backend"})

# OWASP's minimum for argon2id: about 20 ms and 19 MiB a login, bearable when a thousand boards come back at once.
_HASHER = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)


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


def new_secret() -> str:
    """Return a secret of 128 bits that survives being typed into a board's configuration."""
    return secrets.token_urlsafe(16)


class Accounts:
    """The accounts of one database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, who: Principal, secret: str, now: float, hardware: str | None = None) -> None:
        """Add an account. Raises AccountError where the name is bad or taken."""
        if not is_id(who.name):
            raise AccountError(f"{who.name!r} is no name: use 1 to 63 of a-z, 0-9, '-' and '_', not first '-' or '_'")
        if who.name in RESERVED:
            raise AccountError(f"{who.name} is the server's own name")
        with self._changing() as session:
            if session.get(AccountRow, who.name) is not None:
                raise AccountError(f"{who.name} exists already")
            session.add(
                AccountRow(
                    name=who.name,
                    role=who.role.value,
                    display_name=who.display_name,
                    secret_hash=_HASHER.hash(secret),
                    created_at=now,
                    hardware=hardware,
                )
            )

    def remove(self, name: str) -> None:
        """Remove an account. Raises AccountError where there is none, or it is the last admin's."""
        with self._changing() as session:
            row = _found(session, name)
            admins = session.exec(select(AccountRow).where(AccountRow.role == Role.ADMIN.value)).all()
            if [admin.name for admin in admins] == [name]:
                raise AccountError(f"{name} is the last admin; add another one first")
            session.delete(row)

    def set_secret(self, name: str, secret: str) -> None:
        """Replace the secret; the old one is void at once. Raises AccountError where there is no such account."""
        with self._changing() as session:
            _found(session, name).secret_hash = _HASHER.hash(secret)

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
            return {row.name: principal(row) for row in session.exec(select(AccountRow))}

    def secrets(self) -> Mapping[str, str]:
        """Return the hashes of all secrets by name: what a login that was good is good for."""
        with Session(self._database) as session:
            return {row.name: row.secret_hash for row in session.exec(select(AccountRow))}

    def revision(self) -> int:
        """Return a number that rises with every change."""
        with Session(self._database) as session:
            row = session.get(DirectoryRow, 1)
            return row.revision if row is not None else 0

    def secret_hash(self, name: str) -> str | None:
        """Return the stored hash, or None where there is no such account."""
        with Session(self._database) as session:
            row = session.get(AccountRow, name)
            return row.secret_hash if row is not None else None

    @contextmanager
    def _changing(self) -> Iterator[Session]:
        with Session(self._database) as session, session.begin():
            yield session
            row = session.get(DirectoryRow, 1) or DirectoryRow(id=1, revision=0)
            row.revision += 1
            session.add(row)


@cache
def _nobody() -> str:
    return _HASHER.hash(secrets.token_urlsafe())


def verify(secret_hash: str | None, secret: str) -> bool:
    """Tell whether *secret* is the one that was hashed. Slow on purpose, also where there is no account."""
    try:
        return _HASHER.verify(secret_hash or _nobody(), secret) and secret_hash is not None
    except (VerifyMismatchError, InvalidHashError):
        return False


def _found(session: Session, name: str) -> AccountRow:
    row = session.get(AccountRow, name)
    if row is None:
        raise AccountError(f"there is no account {name}")
    return row


def _shown(row: AccountRow) -> Account:
    return Account(row.name, Role(row.role), row.display_name, row.created_at, row.hardware)
