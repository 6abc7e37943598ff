"""The operator's login, kept beside the database so that the command line works without typing a password."""

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path

FILE = "operator.json"


@dataclass(frozen=True, slots=True)
class Login:
    """A name and its secret."""

    user: str
    password: str


def read(directory: Path) -> Login | None:
    """Return the operator's login of a data directory, or None where there is none."""
    try:
        return Login(**json.loads((directory / FILE).read_text()))
    except (OSError, ValueError, TypeError):
        return None


def write(directory: Path, login: Login) -> None:
    """Store the login, readable by the owner only; whole or not at all."""
    new = directory / f"{FILE}.new"
    with os.fdopen(os.open(new, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600), "w") as file:
        json.dump(asdict(login), file)
    new.rename(directory / FILE)
