"""Memory is the truth and the journal makes it durable: one transaction per batch, before anything is acted upon."""

import sqlite3
from collections.abc import Sequence
from functools import cache
from itertools import groupby
from typing import Any

from sqlalchemy import Connection
from sqlalchemy import Engine as Database
from sqlalchemy.dialects import sqlite
from sqlalchemy.exc import SQLAlchemyError
from sqlmodel import Field, Session, SQLModel, col, delete, select

from backend.core.archive import Archive
from backend.core.effects import Consult
from backend.core.engine import Changes, Engine
from backend.core.messages import Reply
from backend.core.replies import Remembered

_SWEEP_S = 60.0


class ReplyRow(SQLModel, table=True):
    """One answer that was given."""

    topic: str = Field(primary_key=True)
    id: str = Field(primary_key=True)
    payload: bytes
    expires_at: float = Field(index=True)


class NotStoredError(Exception):
    """The database did not take the changes; nothing was stored."""


class Journal:
    """Stores what the engine changed, and loads it again; what belongs into an archive is only added to it."""

    def __init__(self, database: Database, archives: Sequence[Archive] = ()) -> None:
        self._database = database
        self._writer: Connection | None = None
        self._archives = {archive.record: archive for archive in archives}
        self._readers = {archive.query: archive for archive in archives}
        self._sweep_at = 0.0

    def load(self, engine: Engine, now: float) -> None:
        """Bring back what was committed."""
        with Session(self._database) as session:
            for desk in engine.desks:
                if desk.rows is not None:
                    desk.load(desk.rows.load(session))
            stored = session.exec(select(ReplyRow).where(ReplyRow.expires_at > now).order_by(col(ReplyRow.expires_at)))
            engine.replies.load(Remembered(row.topic, row.id, row.payload, row.expires_at) for row in stored)

    def commit(self, changes: Changes, now: float) -> None:
        """Store everything in one transaction. Raises NotStoredError."""
        try:
            if self._writer is None:
                self._writer = self._database.connect()
            with self._writer.begin():
                self._write(self._writer, changes, now)
        except (SQLAlchemyError, sqlite3.Error) as error:
            raise NotStoredError from error

    def close(self) -> None:
        """Give the connection back."""
        if self._writer is not None:
            self._writer.close()

    def consult(self, asked: Consult) -> Reply:
        """Answer a request from what is stored. Raises NotStoredError."""
        try:
            with Session(self._database) as session:
                return self._readers[type(asked.query)].read(session, asked.asked, asked.query)
        except SQLAlchemyError as error:
            raise NotStoredError from error

    def _write(self, connection: Connection, changes: Changes, now: float) -> None:
        for rows, states in changes.states:
            _upsert(connection, rows.TABLE, rows.dump(states))
        _upsert(connection, ReplyRow, [_reply(answer) for answer in changes.replies])
        for kind, records in groupby(changes.records, lambda record: type(record.what)):
            archive = self._archives[kind]
            _upsert(connection, archive.table, [archive.row(record.what) for record in records])
        if now >= self._sweep_at:
            self._sweep(connection, now)

    def _sweep(self, connection: Connection, now: float) -> None:
        """Forget what is too old, once a minute."""
        connection.execute(delete(ReplyRow).where(col(ReplyRow.expires_at) <= now))
        for archive in self._archives.values():
            connection.execute(archive.too_old(now))
        self._sweep_at = now + _SWEEP_S


def _reply(answer: Remembered) -> dict[str, Any]:
    return {"topic": answer.topic, "id": answer.id, "payload": answer.payload, "expires_at": answer.expires_at}


def _upsert(connection: Connection, model: type[SQLModel], rows: Sequence[dict[str, Any]]) -> None:
    """Write rows of text, bytes and numbers, as they are: any more of SQLAlchemy takes longer than the disk."""
    if rows:
        connection.connection.cursor().executemany(_statement(model), rows)


@cache
def _statement(model: type[SQLModel]) -> str:
    """Return the SQL that writes a row, in place of the one with its key. To make it takes longer than to run it."""
    table = model.metadata.tables[str(model.__tablename__)]
    new = sqlite.insert(table)
    keys = [column.name for column in table.primary_key]
    changed = {column.name: new.excluded[column.name] for column in table.columns if not column.primary_key}
    upsert = new.on_conflict_do_update(index_elements=keys, set_=changed)
    return str(upsert.compile(dialect=sqlite.dialect(paramstyle="named")))
