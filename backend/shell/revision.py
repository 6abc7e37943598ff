"""Whoever changes what the command line writes says so, in the same transaction, by a number that a server looks at."""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Engine as Database
from sqlmodel import Session

from backend.features.directory.feature import DirectoryRow


@contextmanager
def changing(database: Database) -> Iterator[Session]:
    """Open a transaction that raises the revision, unless it fails."""
    with Session(database) as session, session.begin():
        yield session
        row = session.get(DirectoryRow, 1) or DirectoryRow(id=1, revision=0)
        row.revision += 1
        session.add(row)


def revision(database: Database) -> int:
    """Return a number that rises with every change."""
    with Session(database) as session:
        row = session.get(DirectoryRow, 1)
        return row.revision if row is not None else 0
