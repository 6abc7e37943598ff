"""What survives a restart of the broker: retained messages of clients, and persistent sessions, in one SQLite file.

Changes are collected and written in batches, off the loop; nothing is acknowledged to a client before what it changed
is written. Who changed nothing waits for nothing. ``synchronous=NORMAL``: a killed process loses nothing, a power cut
at most the last moments.
"""

import asyncio
import logging
import sqlite3
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

log = logging.getLogger(__name__)

_RETRY_S = 0.5
_APPLICATION = 0x7A15_71C2  # in the file's header, so that no other program's file is taken for ours
_SCHEMA = 1

# Each table: its key columns, and its other columns.
_TABLES: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "account": (("name",), ("mark",)),
    "retained": (("topic",), ("payload", "qos", "owner")),
    "session": (("client",), ("name", "left_at")),
    "subscription": (("client", "filter"), ("qos", "replayed")),
    "outgoing": (("client", "number"), ("topic", "payload", "qos", "retain", "packet_id", "released")),
    "incoming": (("client", "packet_id"), ()),
}

Changes = dict[tuple[str, tuple[Any, ...]], tuple[Any, ...] | None]  # by table and key; None removes


class Keeper:
    """Write-behind memory of the broker. With no path it keeps nothing, and everything counts as written."""

    def __init__(self, path: Path | None) -> None:
        self._database = _opened(path) if path is not None else None
        self.noted = 0
        """How often something was to be kept so far: while it stays, there is nothing to wait for."""
        self._changed: Changes = {}
        self._writing: Changes = {}
        self._is_writing = False
        self._is_failing = False
        self._then: list[Callable[[], None]] = []
        self._wake = asyncio.Event()
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="keeper")

    def rows(self, table: str) -> Iterable[tuple[Any, ...]]:
        """Return what was kept of a table, in the order of its key."""
        if self._database is None:
            return []
        keys, others = _TABLES[table]
        columns = ", ".join((*keys, *others))
        return self._database.execute(f"SELECT {columns} FROM {table} ORDER BY {', '.join(keys)}").fetchall()  # noqa: S608

    def put(self, table: str, key: tuple[Any, ...], *values: Any) -> None:
        """Keep a row, in place of the one with this key."""
        self._note((table, key), values)

    def remove(self, table: str, *key: Any) -> None:
        """Keep a row no longer."""
        self._note((table, key), None)

    def touch(self) -> None:
        """Let who asked wait, though nothing changes: what was asked first, and is asked again, may not be kept yet."""
        self.noted += 1

    def _note(self, key: tuple[str, tuple[Any, ...]], values: tuple[Any, ...] | None) -> None:
        if self._database is not None:
            self.touch()
            self._changed[key] = values
            self._wake.set()

    def when_kept(self, act: Callable[[], None]) -> None:
        """Call *act* once all that was changed until now is written: at once, where nothing is under way."""
        if not self._changed and not self._is_writing:
            act()
            return
        self._then.append(act)
        self._wake.set()

    async def run(self) -> None:
        """Write what changes, until cancelled. Where the disk is full, try again until it is not."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            self._writing, self._changed, self._is_writing = self._changed, {}, True
            then, self._then = self._then, []
            while not await self._is_written():  # noqa: ASYNC110 - it is not waiting, it tries
                await asyncio.sleep(_RETRY_S)
            self._writing, self._is_writing = {}, False
            for act in then:
                self._do(act)

    @staticmethod
    def _do(act: Callable[[], None]) -> None:
        try:
            act()
        except Exception:  # one client's trouble must not keep the acknowledgements of all others
            log.exception("an acknowledgement failed")

    async def _is_written(self) -> bool:
        try:
            await asyncio.get_running_loop().run_in_executor(self._thread, self._write, self._writing)
        except sqlite3.Error as error:
            if not self._is_failing:
                log.error("cannot keep sessions and retained messages, trying again: %s; who changes them waits", error)
            self._is_failing = True
            return False
        if self._is_failing:
            log.warning("sessions and retained messages are kept again")
        self._is_failing = False
        return True

    def _write(self, changed: Changes) -> None:
        if self._database is None or not changed:
            return
        with self._database:
            for (table, key), values in changed.items():
                keys, others = _TABLES[table]
                if values is None:
                    where = " AND ".join(f"{column} = ?" for column in keys)
                    self._database.execute(f"DELETE FROM {table} WHERE {where}", key)  # noqa: S608
                else:
                    marks = ", ".join("?" * len(keys + others))
                    self._database.execute(f"INSERT OR REPLACE INTO {table} VALUES ({marks})", (*key, *values))  # noqa: S608

    def close(self) -> None:
        """Write the rest, and close the file."""
        self._thread.shutdown()
        if self._database is not None:
            try:
                self._write(self._writing | self._changed)
            except sqlite3.Error:
                log.exception("the last changes of sessions and retained messages are lost")
            self._database.close()


def _opened(path: Path) -> sqlite3.Connection:
    """Open the file; put one that is damaged, or not ours, aside: what it held is passing knowledge."""
    is_new = not path.exists() or path.stat().st_size == 0
    path.touch(mode=0o600)
    database = sqlite3.connect(path, check_same_thread=False)  # one thread at a time: the keeper's own
    try:
        if is_new:
            _make_tables(database)
        database.execute("PRAGMA synchronous=NORMAL")
        if database.execute("PRAGMA quick_check(1)").fetchone() == ("ok",) and _is_ours(database):
            return database
    except sqlite3.OperationalError:  # locked, or the disk is full: no fault of the file
        database.close()
        raise
    except sqlite3.DatabaseError as error:
        log.warning("%s: %s", path, error)
    database.close()
    _put_aside(path)
    return _opened(path)


def _put_aside(path: Path) -> None:
    aside = path.with_suffix(".aside")
    log.warning("%s is damaged, or of another version; beginning anew, it is now %s", path, aside)
    path.replace(aside)
    for rest in ("-wal", "-shm"):
        path.with_name(path.name + rest).unlink(missing_ok=True)


def _is_ours(database: sqlite3.Connection) -> bool:
    found = [database.execute(f"PRAGMA {name}").fetchone()[0] for name in ("application_id", "user_version")]
    return found == [_APPLICATION, _SCHEMA]


def _make_tables(database: sqlite3.Connection) -> None:
    database.execute("PRAGMA journal_mode=WAL")
    with database:
        for table, (keys, others) in _TABLES.items():
            columns = ", ".join((*keys, *others))
            database.execute(f"CREATE TABLE {table} ({columns}, PRIMARY KEY ({', '.join(keys)})) WITHOUT ROWID")
        database.execute(f"PRAGMA application_id={_APPLICATION}")
        database.execute(f"PRAGMA user_version={_SCHEMA}")
