"""The names in a database, for who completes them while somebody types.

They are read with nothing but SQLite: what stores them takes a second to be imported, and may make or lock something.
"""

import sqlite3
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path
from typing import Literal

from backend.core.principals import PARTICIPANTS, PEOPLE, Role
from backend.shell.directory import DATABASE

Kind = Literal["account", "device", "user", "owner", "channel", "floor", "trigger", "profile"]

_PATIENCE_S = 0.2


def names(directory: Path, kind: Kind) -> list[str]:
    """Return the names of a kind in the database of a data directory, sorted; none where that cannot be read."""
    file = directory / DATABASE
    # Where there is no log nobody writes; and who looks at it as at any other database would leave one behind.
    mode = "mode=ro" if file.with_name(f"{DATABASE}-wal").exists() else "mode=ro&immutable=1"
    try:
        with closing(sqlite3.connect(f"{file.as_uri()}?{mode}", _PATIENCE_S, uri=True)) as database:
            return sorted(name for query in _QUERIES[kind] for (name,) in database.execute(query))
    except (sqlite3.Error, OSError):
        return []


def _accounts(roles: Iterable[Role]) -> str:
    return f"SELECT name FROM accountrow WHERE role IN ({', '.join(repr(role.value) for role in roles)})"  # noqa: S608


_QUERIES: dict[Kind, tuple[str, ...]] = {
    "account": (_accounts(PEOPLE | {Role.DEVICE}),),
    "device": (_accounts({Role.DEVICE}),),
    "user": (_accounts(PEOPLE),),
    "owner": (_accounts(PARTICIPANTS),),
    "channel": ("SELECT name FROM channelrow",),
    "floor": (_accounts({Role.DEVICE}), "SELECT 'channels/' || name FROM channelrow"),
    "trigger": ("SELECT name FROM triggerrow",),
    "profile": ("SELECT name FROM profilerow",),
}
