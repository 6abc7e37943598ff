"""The database: SQLite in the data directory."""

from contextlib import suppress
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, event, inspect
from sqlalchemy.exc import SQLAlchemyError
from sqlmodel import Field, SQLModel, create_engine

from backend.shell.directory import DATABASE

_CONNECTIONS = 4  # each has a cache of its own
_CACHE_KIB = 512
SCHEMA = 8  # rises with every change of a table


class ReplyRow(SQLModel, table=True):
    """One answer that was given."""

    topic: str = Field(primary_key=True)
    id: str = Field(primary_key=True)
    payload: bytes
    expires_at: float = Field(index=True)


class WrongSchemaError(Exception):
    """The database was made by another version of Talkstick."""


def open_database(directory: Path) -> Engine:
    """Open (and make, if need be) the database of a data directory, readable by its owner only.

    Raises OSError or SQLAlchemyError where that is not possible, and WrongSchemaError.
    """
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = directory / DATABASE
    if not path.exists():  # never touch it later: closing a second handle would drop SQLite's locks of this process
        path.touch(mode=0o600)
    engine = create_engine(
        f"sqlite:///{path}", connect_args={"check_same_thread": False}, pool_size=_CONNECTIONS, max_overflow=0
    )
    event.listen(engine, "connect", _prepare)
    _make_tables(engine, path)
    return engine


def overwrite(database: Engine) -> None:
    """Empty the log, where what was just forgotten may stand; unless somebody reads it the whole time."""
    with suppress(SQLAlchemyError), database.connect() as connection:
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")


def _make_tables(engine: Engine, path: Path) -> None:
    with engine.begin() as connection:
        found = connection.exec_driver_sql("PRAGMA user_version").scalar_one()
        if found == SCHEMA:  # nothing to write: one may look at a database also while its disk is full
            return
        if inspect(connection).get_table_names():
            raise WrongSchemaError(
                f"{path} has schema {found}, and this version of Talkstick needs {SCHEMA}:"
                " move it away and begin anew, or use the version that made it"
            )
        from backend.shell import tables  # noqa: PLC0415 - who looks at what is there needs but a few

        tables.METADATA.create_all(connection)
        connection.exec_driver_sql(f"PRAGMA user_version={SCHEMA}")


def _prepare(connection: Any, _record: Any) -> None:
    """Readers never block the writer (WAL); a commit survives a power cut (FULL); a second writer waits its turn.

    What is deleted is overwritten: conversations are private.
    """
    for pragma in (
        "journal_mode=WAL",
        "synchronous=FULL",
        "secure_delete=ON",
        "busy_timeout=5000",
        f"cache_size=-{_CACHE_KIB}",
    ):
        connection.execute(f"PRAGMA {pragma}")
