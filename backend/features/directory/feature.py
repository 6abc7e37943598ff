"""Directory: accounts, devices, channels, rules, voices, triggers, profiles. Table of contents of the feature."""

from collections.abc import Mapping
from dataclasses import dataclass

from backend.core.desk import Desk
from backend.core.principals import Principal
from backend.features.directory.machine import EVENTS, Directory, DirectoryLoaded, step
from backend.features.directory.rows import (
    AccountRow,
    ChannelRow,
    DefinitionRow,
    DirectoryRow,
    ProfileRow,
    RulesRow,
    TriggerRow,
    VoiceRow,
    definition,
    principal,
    rules,
    topics,
    voice,
)

__all__ = [
    "AccountRow",
    "ChannelRow",
    "DefinitionRow",
    "DirectoryLoaded",
    "DirectoryRow",
    "Listing",
    "ProfileRow",
    "RulesRow",
    "TriggerRow",
    "VoiceRow",
    "definition",
    "desk",
    "lookup",
    "principal",
    "rules",
    "topics",
    "voice",
]

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


@dataclass(frozen=True, slots=True)
class Listing:
    """What the directory says at the moment: the engine looks names up in it."""

    directory: Desk[Directory]

    def principal(self, name: str) -> Principal | None:
        """Return the account of this name, or None."""
        return lookup(self.directory, name)

    def principals(self) -> Mapping[str, Principal]:
        """Return all accounts by name: the same object for as long as it says the same."""
        return self.directory.states[_KEY].principals

    def has_channel(self, name: str) -> bool:
        """Tell whether there is a channel of this name."""
        return name in self.directory.states[_KEY].channels

    def has_trigger(self, name: str) -> bool:
        """Tell whether there is a trigger of this name."""
        return name in self.directory.states[_KEY].triggers
