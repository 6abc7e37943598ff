"""Accounts, channels and rules as rows.

One table for people, integrations and devices, since each is a name that can log in; a channel cannot.
"""

import json

from sqlmodel import Field, SQLModel

from backend.core.floors import Rules, rules_of
from backend.core.principals import Principal, Role


class AccountRow(SQLModel, table=True):
    """One account.

    ``verifier`` is what is stored instead of the secret; ``hardware`` is what a device's id was made from.
    """

    name: str = Field(primary_key=True)
    role: str
    display_name: str
    verifier: str
    created_at: float
    hardware: str | None = None


class ChannelRow(SQLModel, table=True):
    """One channel."""

    name: str = Field(primary_key=True)
    display_name: str
    created_at: float


class RulesRow(SQLModel, table=True):
    """The rules by which one floor differs from all others, as a JSON object; most floors have none."""

    floor: str = Field(primary_key=True)
    rules: str


class DirectoryRow(SQLModel, table=True):
    """Rises with every change of all these, so that a running server notices."""

    id: int = Field(primary_key=True)
    revision: int


def principal(row: AccountRow) -> Principal:
    """Return the account without its secret."""
    return Principal(row.name, Role(row.role), row.display_name)


def rules(row: RulesRow) -> Rules:
    """Return the rules of one floor."""
    return rules_of(json.loads(row.rules))
