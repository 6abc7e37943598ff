"""What presence remembers of each device: that it was seen, its last boot, its nap."""

from collections.abc import Iterable
from typing import Any

from sqlmodel import Field, SQLModel, select
from sqlmodel import Session as Database

from backend.core.desk import ROWS_AT_ONCE
from backend.features.presence.machine import Presence


class PresenceRow(SQLModel, table=True):
    """One device that was seen, or may be."""

    device: str = Field(primary_key=True)
    provisioned: bool
    seen: bool
    boot: int | None
    asleep_until: float | None


TABLE = PresenceRow


def load(database: Database) -> dict[str, Presence]:
    """Return the stored states by device; nobody has been seen yet."""
    rows = database.exec(select(PresenceRow).execution_options(yield_per=ROWS_AT_ONCE))
    return {row.device: Presence(**row.model_dump()) for row in rows}


def dump(states: Iterable[Presence]) -> list[dict[str, Any]]:
    """Return one row per device."""
    return [
        {
            "device": state.device,
            "provisioned": state.provisioned,
            "seen": state.seen,
            "boot": state.boot,
            "asleep_until": state.asleep_until,
        }
        for state in states
    ]
