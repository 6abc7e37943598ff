"""Memory is the truth and the journal makes it durable: one transaction per batch, before anything is acted upon."""

import logging
import sqlite3
from collections.abc import Sequence
from functools import cache
from itertools import groupby
from typing import Any

from sqlalchemy import Connection, inspect
from sqlalchemy import Engine as Database
from sqlalchemy.dialects import sqlite
from sqlalchemy.exc import SQLAlchemyError
from sqlmodel import Session, SQLModel, col, delete, select

from backend.core.archive import Archive
from backend.core.desk import Changes
from backend.core.effects import Consult
from backend.core.engine import Engine
from backend.core.messages import Reply
from backend.core.replies import REMEMBERED_S, Remembered
from backend.shell.database import ReplyRow, overwrite

log = logging.getLogger(__name__)

_SWEEP_S = 60.0
_TRUSTED_AFTER_S = 600.0  # the clock: one that is wrong when the server starts, or for a moment, costs no history


class NotStoredError(Exception):
    """The database did not take the changes; nothing was stored."""


class Journal:
    """Stores what the engine changed, and loads it again; what belongs into an archive is only added to it."""

    def __init__(self, database: Database, archives: Sequence[Archive] = ()) -> None:
        self._database = database
        self._writer: Connection | None = None
        self._archives = {archive.record: archive for archive in archives}
        self._queries = {query: answer for archive in archives for query, answer in archive.queries.items()}
        self._sweep_at = 0.0
        self._sweep_archive_at = dict.fromkeys(self._archives, 0.0)

    def load(self, engine: Engine, now: float) -> None:
        """Bring back what was committed."""
        with Session(self._database) as session:
            for desk in engine.desks:
                if desk.rows is not None:
                    desk.load(desk.rows.load(session))
            stored = session.exec(select(ReplyRow).where(ReplyRow.expires_at > now).order_by(col(ReplyRow.expires_at)))
            answers = (Remembered(row.topic, row.id, row.payload, row.expires_at) for row in stored)
            engine.replies.load(answers, now)
        self._sweep_archive_at = dict.fromkeys(self._archives, now + _TRUSTED_AFTER_S)

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

    def is_due(self, now: float) -> bool:
        """Tell whether there may be something to forget, so that a commit is of use without any changes."""
        return now >= self._sweep_at

    def consult(self, asked: Consult, now: float) -> Reply:
        """Answer a request from what is stored, or change that and store the answer with it. Raises NotStoredError."""
        try:
            with Session(self._database) as session, session.begin():
                reply = self._queries[type(asked.query)](session, asked.asked, asked.query)
                if asked.once and asked.asked.id is not None:
                    payload = asked.asked.noted(reply).payload()
                    answer = Remembered(asked.asked.topic, asked.asked.id, payload, now + REMEMBERED_S)
                    _upsert(session.connection(), ReplyRow, [_reply(answer)])
            if asked.once:
                overwrite(self._database)
            return reply
        except (SQLAlchemyError, sqlite3.Error) as error:
            raise NotStoredError from error

    def _write(self, connection: Connection, changes: Changes, now: float) -> None:
        for rows, states in changes.states:
            _upsert(connection, rows.TABLE, rows.dump(states))
        for rows, keys in changes.over:
            (key,) = inspect(rows.TABLE).primary_key
            connection.execute(delete(rows.TABLE).where(key.in_(keys)))
        _upsert(connection, ReplyRow, [_reply(answer) for answer in changes.replies])
        for kind, records in groupby(changes.records, lambda record: type(record.what)):
            archive = self._archives[kind]
            _add(connection, archive, [record.what for record in records])
        if now >= self._sweep_at:
            self._sweep(connection, now)

    def _sweep(self, connection: Connection, now: float) -> None:
        """Forget what is too old, once a minute, or as seldom as an archive wants."""
        connection.execute(delete(ReplyRow).where(col(ReplyRow.expires_at) <= now))
        for kind, archive in self._archives.items():
            if now >= self._sweep_archive_at[kind]:
                gone = {
                    name: connection.execute(statement).rowcount for name, statement in archive.too_old(now).items()
                }
                if any(gone.values()):
                    log.info("too old, and forgotten: %s", ", ".join(f"{gone[name]} {name}" for name in gone))
                self._sweep_archive_at[kind] = now + archive.sweep_s
        self._sweep_at = now + _SWEEP_S


def _add(connection: Connection, archive: Archive, records: Sequence[Any]) -> None:
    if archive.row is not None:
        _upsert(connection, archive.table, [archive.row(record) for record in records])
    for record in records:
        for statement in archive.then(record):
            connection.execute(statement)


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
