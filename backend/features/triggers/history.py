"""The runs that are over, as rows. The machine never sees this file."""

from functools import partial
from typing import Any

from sqlalchemy import Delete, func
from sqlmodel import Field, SQLModel, col, delete, select
from sqlmodel import Session as Database

from backend.core.archive import Archive, fitting
from backend.core.clock import DAY_S, iso
from backend.core.effects import Asked
from backend.features.triggers.messages import PastRun as PastRunShown
from backend.features.triggers.messages import TriggerReply
from backend.features.triggers.state import PastRun, RunsAsked

MAX_KEPT = 1000  # runs of one subscription
_SWEEP_S = 3600.0  # to rank hundreds of thousands takes a while


class RunRow(SQLModel, table=True):
    """One run that is over."""

    id: int = Field(primary_key=True)
    trigger: str = Field(index=True)
    profile: str
    session: str
    mode: str
    owner: str
    started_at: float
    ended_at: float = Field(index=True)
    reason: str
    delivered: int
    code: str | None
    message: str | None


def archive(days: float) -> Archive:
    """Return the archive of runs; they are forgotten after so many days, or when there are a thousand newer ones."""
    return Archive(RunRow, PastRun, _row, queries={RunsAsked: _read}, too_old=partial(_too_old, days), sweep_s=_SWEEP_S)


def _row(past: PastRun) -> dict[str, object]:
    failure = past.run.failure
    return {
        "id": None,
        "trigger": past.trigger,
        "profile": past.profile,
        "session": past.run.id,
        "mode": past.mode,
        "owner": past.owner,
        "started_at": past.run.started_at,
        "ended_at": past.at,
        "reason": past.reason,
        "delivered": past.run.delivered,
        "code": failure.code if failure is not None else None,
        "message": failure.message if failure is not None else None,
    }


def _read(database: Database, asked: Asked, query: RunsAsked) -> TriggerReply:
    """Return the last runs of a trigger, the newest first."""
    found = select(RunRow).where(RunRow.trigger == query.trigger).order_by(col(RunRow.id).desc())
    if query.profile is not None:
        found = found.where(RunRow.profile == query.profile)
    if query.before is not None:
        found = found.where(col(RunRow.id) < query.before)
    runs = fitting(_told(row) for row in database.exec(found.limit(query.limit)))
    return TriggerReply(id=asked.id, ok=True, code="runs", runs=tuple(runs))


def _told(row: RunRow) -> PastRunShown:
    same: dict[str, Any] = row.model_dump(
        include={"profile", "session", "mode", "owner", "reason", "delivered", "code", "message"}
    )
    return PastRunShown(key=row.id, started_at=iso(row.started_at), ended_at=iso(row.ended_at), **same)


def _too_old(days: float, now: float) -> dict[str, Delete]:
    newest = func.row_number().over(
        partition_by=(RunRow.trigger, RunRow.profile),
        order_by=col(RunRow.id).desc(),
    )
    ranked = select(RunRow.id, newest.label("number")).subquery()
    beyond = select(ranked.c.id).where(ranked.c.number > MAX_KEPT)
    return {
        "runs": delete(RunRow).where(col(RunRow.ended_at) <= now - days * DAY_S),
        "surplus runs": delete(RunRow).where(col(RunRow.id).in_(beyond)),
    }
