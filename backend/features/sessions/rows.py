"""A session as a row. The machine never sees this file."""

from collections.abc import Iterable
from typing import Any

from pydantic import TypeAdapter
from sqlmodel import Field, SQLModel, select
from sqlmodel import Session as Database

from backend.core.desk import ROWS_AT_ONCE
from backend.features.sessions.state import Session

_STATE = TypeAdapter(Session)


class SessionRow(SQLModel, table=True):
    """How one floor stands."""

    floor: str = Field(primary_key=True)
    state: str


TABLE = SessionRow


def load(database: Database) -> dict[str, Session]:
    """Return the stored sessions by floor."""
    stored = database.exec(select(SessionRow.floor, SessionRow.state).execution_options(yield_per=ROWS_AT_ONCE))
    return {floor: _STATE.validate_json(state) for floor, state in stored}


def dump(sessions: Iterable[Session]) -> list[dict[str, Any]]:
    """Return one row per session."""
    return [{"floor": session.floor, "state": _STATE.dump_json(session).decode()} for session in sessions]
