"""Who takes part: the names that can log in, and what they are."""

from dataclasses import dataclass
from enum import StrEnum


class Role(StrEnum):
    """What a principal is."""

    ADMIN = "admin"
    USER = "user"
    LISTENER = "listener"
    INTEGRATION = "integration"
    DEVICE = "device"
    BACKEND = "backend"


PEOPLE = frozenset({Role.ADMIN, Role.USER, Role.LISTENER, Role.INTEGRATION})


@dataclass(frozen=True, slots=True)
class Principal:
    """A name that can log in, its role, and how people call it."""

    name: str
    role: Role
    display_name: str
    owner: str | None = None
