"""The database has every table, whoever opens it first: the command line, or a server."""

import subprocess
import sys

TABLES = "from sqlmodel import SQLModel; print(*sorted(SQLModel.metadata.tables))"


def tables(module: str) -> str:
    """Return the tables that are known to a process which imports this module only."""
    done = subprocess.run(
        [sys.executable, "-c", f"import {module}; {TABLES}"], capture_output=True, text=True, check=True
    )
    return done.stdout


def test_a_command_makes_the_tables_of_a_server() -> None:
    assert "replyrow" in tables("backend.app.serving")
    assert tables("backend.shell.database") == tables("backend.app.serving")
