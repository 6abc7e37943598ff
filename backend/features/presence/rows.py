"""What presence remembers: the last boot of each device."""

from collections.abc import Iterable
from typing import Any

from sqlmodel import Field, SQLModel, select
from sqlmodel import Session as Database

from backend.features.presence.machine import Presence


class PresenceRow(SQLModel, table=True):
    """One device that was seen, or may be."""

    device: str = Field(primary_key=True)
    provisioned: bool
    boot: int | None


TABLE = PresenceRow


def load(database: Database) -> dict[str, Presence]:
    """Return the stored states by device; nobody has been seen yet."""
    found = database.exec(select(PresenceRow))
    return {row.device: Presence(row.device, row.provisioned, boot=row.boot) for row in found}


def dump(states: Iterable[Presence]) -> list[dict[str, Any]]:
    """Return one row per device."""
    return [{"device": state.device, "provisioned": state.provisioned, "boot": state.boot} for state in states]
