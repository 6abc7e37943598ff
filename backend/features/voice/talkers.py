"""Which turn of each device was the last, as rows: an announcement after a restart belongs to it."""

from collections.abc import Iterable
from dataclasses import asdict
from typing import Any

from sqlalchemy import Delete
from sqlmodel import Field, SQLModel, col, delete, select
from sqlmodel import Session as Database

from backend.features.voice.state import LastTurn, Talker


class TalkerRow(SQLModel, table=True):
    """The last turn of one device."""

    device: str = Field(primary_key=True)
    boot: int | None
    turn: int
    is_over: bool


TABLE = TalkerRow


def load(database: Database) -> dict[str, Talker]:
    """Return the stored states by device; all else of them is told anew."""
    rows = database.exec(select(TalkerRow))
    return {
        row.device: Talker(row.device, last=LastTurn(row.boot, row.turn, row.is_over), interrupted=not row.is_over)
        for row in rows
    }


def removed(device: str) -> Delete:
    """Return the statement that forgets a device: one that gets its name counts its turns from the beginning."""
    return delete(TalkerRow).where(col(TalkerRow.device) == device)


def dump(states: Iterable[Talker]) -> list[dict[str, Any]]:
    """Return one row for each device that ever had a turn."""
    return [{"device": talker.device, **asdict(talker.last)} for talker in states if talker.last is not None]
