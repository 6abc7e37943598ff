"""The database has every table, whoever makes it: the command line, or a server."""

import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

from backend.shell.directory import DATABASE

TABLES = "import backend.app.serving; from sqlmodel import SQLModel; print(*SQLModel.metadata.tables)"
MAKE = "import sys, pathlib; from backend.shell.database import *; open_database(pathlib.Path(sys.argv[1])).dispose()"


def alone(program: str, *arguments: str | Path) -> str:
    """Return what a process of its own prints, which imports nothing but what *program* says."""
    return subprocess.run(
        [sys.executable, "-c", program, *arguments], capture_output=True, text=True, check=True
    ).stdout


def test_a_command_makes_the_tables_of_a_server(tmp_path: Path) -> None:
    known = alone(TABLES).split()
    assert "replyrow" in known
    alone(MAKE, tmp_path)
    with closing(sqlite3.connect(tmp_path / DATABASE)) as database:
        made = [name for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
    assert sorted(made) == sorted(known)
