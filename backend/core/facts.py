"""What has happened, in the past tense. Features hear facts; they never import each other."""

from dataclasses import dataclass

from backend.core.refusals import Code


@dataclass(frozen=True, slots=True)
class Fact:
    """Base of all facts."""


@dataclass(frozen=True, slots=True)
class Resumed(Fact):
    """The backend started, or its broker is back: nobody was seen yet, and nobody could renew anything meanwhile."""


@dataclass(frozen=True, slots=True)
class DirectoryChanged(Fact):
    """These are all devices and principals there are now: told whole, so that no earlier telling matters."""

    devices: frozenset[str]
    principals: frozenset[str]


@dataclass(frozen=True, slots=True)
class DeviceHeard(Fact):
    """A device published something, so it lives."""

    device: str


@dataclass(frozen=True, slots=True)
class DeviceOnline(Fact):
    """A device is there, after it was not."""

    device: str


@dataclass(frozen=True, slots=True)
class DeviceLost(Fact):
    """A device is gone: its last will, its silence or its goodbye."""

    device: str


@dataclass(frozen=True, slots=True)
class MessageRefused(Fact):
    """A message was refused by the backend. Who asked something was told; nobody else can be."""

    code: Code
    topic: str
    detail: str = ""


@dataclass(frozen=True, slots=True)
class PublishRefused(Fact):
    """The broker refused to pass on a message."""

    code: Code
    topic: str
    principal: str


@dataclass(frozen=True, slots=True)
class BrokerCounted(Fact):
    """What the embedded broker has to do: who is connected, what it keeps, and what it dropped since it started."""

    connections: int
    sessions: int
    retained: int
    dropped: int
