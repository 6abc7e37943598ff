"""The data directory: where it is, and what the database in it is called."""

import os
from pathlib import Path

DATABASE = "talkstick.db"
DEFAULT = Path("~/.talkstick")


def data_directory(given: Path | None = None) -> Path:
    """Return the data directory: the one that is *given*, else ``TALKSTICK_DATA``, else ``~/.talkstick``."""
    return (given or Path(os.environ.get("TALKSTICK_DATA", DEFAULT))).expanduser().absolute()
