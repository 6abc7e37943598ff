"""Who has an account, and which devices are provisioned. Written by the command line, read here."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from backend.core.desk import Effect
from backend.core.facts import DirectoryChanged
from backend.core.principals import Principal, Role


@dataclass(frozen=True, slots=True)
class DirectoryLoaded:
    """All accounts, as they are stored now."""

    principals: Mapping[str, Principal]


@dataclass(frozen=True, slots=True)
class Directory:
    """All accounts, by name."""

    principals: Mapping[str, Principal] = field(default_factory=dict)


EVENTS = (DirectoryLoaded,)


def step(directory: Directory, event: object, _now: float) -> tuple[Directory, list[Effect]]:
    """Replace the directory and tell everybody what there is now."""
    if not isinstance(event, DirectoryLoaded) or event.principals == directory.principals:
        return directory, []
    devices = frozenset(name for name, who in event.principals.items() if who.role is Role.DEVICE)
    return Directory(event.principals), [DirectoryChanged(devices, frozenset(event.principals))]
