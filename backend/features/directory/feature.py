"""Directory: accounts, devices, roles. Table of contents of the feature."""

from backend.core.desk import Desk
from backend.core.principals import Principal
from backend.features.directory.machine import EVENTS, Directory, DirectoryLoaded, step
from backend.features.directory.routes import ROUTES
from backend.features.directory.rows import AccountRow, DirectoryRow, principal

__all__ = ["ROUTES", "AccountRow", "DirectoryLoaded", "DirectoryRow", "desk", "lookup", "principal"]

_KEY = ""  # there is one directory


def desk() -> Desk[Directory]:
    """Return the desk that keeps the directory."""
    return Desk(
        name="directory",
        events=EVENTS,
        fresh=lambda _key: Directory(),
        keys=lambda _event, _known: (_KEY,),
        step=step,
        until=lambda _directory: None,
        project=lambda _directory, _now: [],
        states={_KEY: Directory()},
    )


def lookup(directory: Desk[Directory], name: str) -> Principal | None:
    """Return the account of this name, or None."""
    return directory.states[_KEY].principals.get(name)
