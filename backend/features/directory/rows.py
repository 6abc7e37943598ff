"""Accounts, channels, rules, voices, triggers and profiles as rows.

One table for people, integrations and devices, since each is a name that can log in; a channel cannot.
"""

import json

from sqlmodel import Field, SQLModel

from backend.core.facts import Definition, Voice
from backend.core.floors import Rules, rules_of
from backend.core.principals import Principal, Role


class AccountRow(SQLModel, table=True):
    """One account.

    ``verifier`` is what is stored instead of the secret; ``hardware`` is what a device's id was made from, ``owner``
    whose it is. ``topics`` are its filters outside of the tree, as a JSON list; most accounts have none.
    """

    name: str = Field(primary_key=True)
    role: str
    display_name: str
    verifier: str
    created_at: float
    hardware: str | None = None
    owner: str | None = None
    topics: str | None = None


class ChannelRow(SQLModel, table=True):
    """One channel."""

    name: str = Field(primary_key=True)
    display_name: str
    created_at: float


class RulesRow(SQLModel, table=True):
    """The rules by which one floor differs from all others, as a JSON object; most floors have none."""

    floor: str = Field(primary_key=True)
    rules: str


class VoiceRow(SQLModel, table=True):
    """The voice settings by which one device differs from all others, as a JSON object; most devices have none."""

    device: str = Field(primary_key=True)
    settings: str


class DefinitionRow(SQLModel):
    """What something is, as a JSON object that holds only what was given: defaults may change."""

    name: str = Field(primary_key=True)
    definition: str
    created_at: float


class TriggerRow(DefinitionRow, table=True):
    """One trigger."""


class ProfileRow(DefinitionRow, table=True):
    """One profile."""


class DirectoryRow(SQLModel, table=True):
    """Rises with every change of all these, so that a running server notices."""

    id: int = Field(primary_key=True)
    revision: int


def principal(row: AccountRow, *, is_open: bool = False, triggers: frozenset[str] = frozenset()) -> Principal:
    """Return the account without its secret."""
    return Principal(
        row.name, Role(row.role), row.display_name, row.owner, is_open, topics(row), triggers, row.created_at
    )


def topics(row: AccountRow) -> tuple[str, ...]:
    """Return the filters of an account outside of the tree."""
    return tuple(json.loads(row.topics)) if row.topics is not None else ()


def voice(row: VoiceRow) -> Voice:
    """Return the voice settings of one device."""
    found: Voice = json.loads(row.settings)
    return found


def definition(row: DefinitionRow) -> Definition:
    """Return what a trigger, or a profile, is."""
    found: Definition = json.loads(row.definition)
    return found


def rules(row: RulesRow) -> Rules:
    """Return the rules of one floor."""
    return rules_of(json.loads(row.rules))
