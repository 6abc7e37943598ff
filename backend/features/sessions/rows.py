"""A session as a row. The machine never sees this file."""

from collections.abc import Iterable
from typing import Any

from pydantic import TypeAdapter
from sqlmodel import Field, SQLModel, select
from sqlmodel import Session as Database

from backend.features.sessions.state import Running, Session, Waiter

_RUNNING = TypeAdapter(Running | None)
_QUEUE = TypeAdapter(tuple[Waiter, ...])


class SessionRow(SQLModel, table=True):
    """One device's session."""

    device: str = Field(primary_key=True)
    provisioned: bool
    reachable: bool
    fence: int
    revision: int
    running: str
    queue: str
    reason: str | None
    timeout: bool


TABLE = SessionRow


def load(database: Database) -> dict[str, Session]:
    """Return the stored sessions by device."""
    return {row.device: _state(row) for row in database.exec(select(SessionRow))}


def _state(row: SessionRow) -> Session:
    fields = row.model_dump()
    fields["running"] = _RUNNING.validate_json(row.running)
    fields["queue"] = _QUEUE.validate_json(row.queue)
    return Session(**fields)


def dump(sessions: Iterable[Session]) -> list[dict[str, Any]]:
    """Return one row per session."""
    return [
        {
            "device": session.device,
            "provisioned": session.provisioned,
            "reachable": session.reachable,
            "fence": session.fence,
            "revision": session.revision,
            "running": _RUNNING.dump_json(session.running).decode(),
            "queue": _QUEUE.dump_json(session.queue).decode(),
            "reason": session.reason,
            "timeout": session.timeout,
        }
        for session in sessions
    ]
