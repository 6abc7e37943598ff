"""Who takes part: the names that can log in, and what they are."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property


class Role(StrEnum):
    """What a principal is."""

    ADMIN = "admin"
    USER = "user"
    LISTENER = "listener"
    INTEGRATION = "integration"
    DEVICE = "device"
    CLAIM = "claim"
    BACKEND = "backend"


PEOPLE = frozenset({Role.ADMIN, Role.USER, Role.LISTENER, Role.INTEGRATION})
PARTICIPANTS = PEOPLE - {Role.LISTENER}
"""Those who do more than read: they may hold something, and own devices."""


@dataclass(frozen=True, slots=True)
class Principal:
    """A name that can log in, its role, and how people call it."""

    name: str
    role: Role
    display_name: str
    owner: str | None = None
    """Of a device: whose it is."""
    is_open: bool = False
    """Of a device: whether all people may read its conversation along."""
    topics: tuple[str, ...] = ()
    """The filters of topics outside of Talkstick's tree that it may receive, and publish to unless it only reads."""
    triggers: frozenset[str] = frozenset()
    """The triggers that it owns: it says whether they are active."""
    since: float = 0.0
    """When the account was made, in seconds since the epoch: of the same name there may have been another."""


@dataclass(frozen=True)
class Roster:
    """All who can log in, by name, and who has which devices."""

    principals: Mapping[str, Principal] = field(default_factory=dict)

    @cached_property
    def owned(self) -> Mapping[str, frozenset[str]]:
        """The devices of each who owns some."""
        found: dict[str, set[str]] = {}
        for who in self.principals.values():
            if who.owner is not None:
                found.setdefault(who.owner, set()).add(who.name)
        return {owner: frozenset(devices) for owner, devices in found.items()}

    @cached_property
    def opened(self) -> frozenset[str]:
        """The devices whose conversations all people may read along."""
        return frozenset(who.name for who in self.principals.values() if who.is_open)
