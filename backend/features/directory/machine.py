"""Who has an account, and which devices, channels, triggers and profiles there are. The command line writes it."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from backend.core.desk import Effect
from backend.core.facts import Definition, DirectoryChanged, Voice
from backend.core.floors import Rules
from backend.core.principals import Principal, Role


@dataclass(frozen=True, slots=True)
class DirectoryLoaded:
    """All accounts and channels, rules by floor, voice settings by device, triggers and profiles, as stored now."""

    principals: Mapping[str, Principal]
    channels: frozenset[str] = frozenset()
    rules: Mapping[str, Rules] = field(default_factory=dict)
    voices: Mapping[str, Voice] = field(default_factory=dict)
    triggers: Mapping[str, Definition] = field(default_factory=dict)
    profiles: Mapping[str, Definition] = field(default_factory=dict, repr=False)  # a log is no place for secrets


@dataclass(frozen=True, slots=True)
class Directory:
    """All accounts by name, all channels, rules and voices of those that have some of their own, and definitions."""

    principals: Mapping[str, Principal] = field(default_factory=dict)
    channels: frozenset[str] = frozenset()
    rules: Mapping[str, Rules] = field(default_factory=dict)
    voices: Mapping[str, Voice] = field(default_factory=dict)
    triggers: Mapping[str, Definition] = field(default_factory=dict)
    profiles: Mapping[str, Definition] = field(default_factory=dict)


EVENTS = (DirectoryLoaded,)


def step(directory: Directory, event: object, _now: float) -> tuple[Directory, list[Effect]]:
    """Replace the directory and tell everybody what there is now."""
    if not isinstance(event, DirectoryLoaded):
        return directory, []
    after = Directory(event.principals, event.channels, event.rules, event.voices, event.triggers, event.profiles)
    if after == directory:
        return directory, []
    devices = frozenset(name for name, who in after.principals.items() if who.role is Role.DEVICE)
    told = DirectoryChanged(
        devices,
        frozenset(after.principals),
        after.channels,
        after.rules,
        after.voices,
        after.triggers,
        after.profiles,
        {name: who.since for name, who in after.principals.items()},
        {name: who.owner for name, who in after.principals.items() if who.owner is not None},
    )
    return after, [told]
