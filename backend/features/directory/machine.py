"""Who has an account, which devices and channels there are, their rules and voices. The command line writes it."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from backend.core.desk import Effect
from backend.core.facts import DirectoryChanged, Voice
from backend.core.floors import Rules
from backend.core.principals import Principal, Role


@dataclass(frozen=True, slots=True)
class DirectoryLoaded:
    """All accounts, channels, rules by floor, and voice settings by device, as they are stored now."""

    principals: Mapping[str, Principal]
    channels: frozenset[str] = frozenset()
    rules: Mapping[str, Rules] = field(default_factory=dict)
    voices: Mapping[str, Voice] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Directory:
    """All accounts by name, all channels, and the rules and voices of those that have some of their own."""

    principals: Mapping[str, Principal] = field(default_factory=dict)
    channels: frozenset[str] = frozenset()
    rules: Mapping[str, Rules] = field(default_factory=dict)
    voices: Mapping[str, Voice] = field(default_factory=dict)


EVENTS = (DirectoryLoaded,)


def step(directory: Directory, event: object, _now: float) -> tuple[Directory, list[Effect]]:
    """Replace the directory and tell everybody what there is now."""
    if not isinstance(event, DirectoryLoaded):
        return directory, []
    after = Directory(event.principals, event.channels, event.rules, event.voices)
    if after == directory:
        return directory, []
    devices = frozenset(name for name, who in after.principals.items() if who.role is Role.DEVICE)
    return after, [DirectoryChanged(devices, frozenset(after.principals), after.channels, after.rules, after.voices)]
