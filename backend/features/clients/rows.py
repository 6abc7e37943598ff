"""What is remembered of each person's apps: which were there, which were gone since when, and their last boots."""

from collections.abc import Iterable
from typing import Any

from pydantic import TypeAdapter
from sqlmodel import Field, SQLModel, select
from sqlmodel import Session as Database

from backend.features.clients.machine import Client, User, durable

_CLIENTS = TypeAdapter(dict[str, Client])


class ClientsRow(SQLModel, table=True):
    """The apps of one person."""

    user: str = Field(primary_key=True)
    since: float
    clients: str


TABLE = ClientsRow


def load(database: Database) -> dict[str, User]:
    """Return the stored states by name; nobody has been seen yet."""
    return {row.user: _state(row) for row in database.exec(select(ClientsRow))}


def _state(row: ClientsRow) -> User:
    return User(row.user, _CLIENTS.validate_json(row.clients), row.since)


def dump(states: Iterable[User]) -> list[dict[str, Any]]:
    """Return one row per person."""
    return [
        {"user": user.name, "since": user.since, "clients": _CLIENTS.dump_json(durable(user)).decode()}
        for user in states
    ]
