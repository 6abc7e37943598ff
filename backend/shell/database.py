"""The database: SQLite in the data directory."""

from pathlib import Path
from typing import Any

from sqlalchemy import Engine, event
from sqlmodel import SQLModel, create_engine

FILE = "talkstick.db"


def open_database(directory: Path) -> Engine:
    """Open (and make, if need be) the database of a data directory, readable by its owner only.

    Raises OSError or SQLAlchemy's OperationalError where that is not possible.
    """
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = directory / FILE
    if not path.exists():  # never touch it later: closing a second handle would drop SQLite's locks of this process
        path.touch(mode=0o600)
    engine = create_engine(f"sqlite:///{path}", connect_args={"check_same_thread": False})
    event.listen(engine, "connect", _prepare)
    SQLModel.metadata.create_all(engine)
    return engine


def _prepare(connection: Any, _record: Any) -> None:
    """Readers never block the writer (WAL); a commit survives a power cut (FULL); a second writer waits its turn."""
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "busy_timeout=5000"):
        connection.execute(f"PRAGMA {pragma}")
