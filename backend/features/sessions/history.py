"""The sessions that are over, as rows. The machine never sees this file."""

from functools import partial
from typing import Any

from pydantic import TypeAdapter
from sqlalchemy import Delete
from sqlmodel import Field, SQLModel, col, delete, select
from sqlmodel import Session as Database

from backend.core.archive import Archive, fitting
from backend.core.clock import DAY_S, iso
from backend.core.effects import Asked
from backend.core.messages import FreeJson
from backend.features.sessions.messages import PastSession, SessionReply
from backend.features.sessions.state import HistoryAsked, Past

_FREE = TypeAdapter(FreeJson)


class HistoryRow(SQLModel, table=True):
    """One session that is over."""

    floor: str = Field(primary_key=True)
    fence: int = Field(primary_key=True)
    session: str
    user: str
    name: str
    client: str | None
    type: str | None
    started_at: float
    ended_at: float = Field(index=True)
    reason: str
    by: str | None
    input: str
    output: str
    complete: bool


def archive(days: float) -> Archive:
    """Return the archive of sessions; they are forgotten after so many days."""
    return Archive(HistoryRow, Past, _row, queries={HistoryAsked: _read}, too_old=partial(_too_old, days))


def _row(past: Past) -> dict[str, object]:
    running, claim = past.running, past.running.claim
    return {
        "floor": past.floor,
        "fence": running.fence,
        "session": running.id,
        "user": claim.user,
        "name": claim.name,
        "client": claim.client,
        "type": claim.type,
        "started_at": running.started_at,
        "ended_at": past.ended_at,
        "reason": past.reason,
        "by": past.by,
        "input": _FREE.dump_json(running.input).decode(),
        "output": _FREE.dump_json(running.output).decode(),
        "complete": running.complete,
    }


def _read(database: Database, asked: Asked, query: HistoryAsked) -> SessionReply:
    """Return the last sessions of a floor, the newest first."""
    found = select(HistoryRow).where(HistoryRow.floor == query.floor).order_by(col(HistoryRow.fence).desc())
    if query.before is not None:
        found = found.where(HistoryRow.fence < query.before)
    sessions = fitting(_told(row) for row in database.exec(found.limit(query.limit)))
    return SessionReply(id=asked.id, ok=True, code="history", sessions=tuple(sessions))


def _told(row: HistoryRow) -> PastSession:
    same = {"fence", "session", "user", "name", "client", "type", "reason", "by", "complete"}
    kept: dict[str, Any] = row.model_dump(include=same)
    return PastSession(
        **kept,
        started_at=iso(row.started_at),
        ended_at=iso(row.ended_at),
        held_s=round(row.ended_at - row.started_at, 3),
        input=_FREE.validate_json(row.input),
        output=_FREE.validate_json(row.output),
    )


def _too_old(days: float, now: float) -> dict[str, Delete]:
    return {"sessions": delete(HistoryRow).where(col(HistoryRow.ended_at) <= now - days * DAY_S)}
