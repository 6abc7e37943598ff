"""What has happened, in the past tense. Features hear facts; they never import each other."""

from dataclasses import dataclass

from backend.core.refusals import Code


@dataclass(frozen=True, slots=True)
class Fact:
    """Base of all facts."""


@dataclass(frozen=True, slots=True)
class Resumed(Fact):
    """The backend started, or its broker is back: nobody has been seen yet, and nobody could renew anything meanwhile."""


@dataclass(frozen=True, slots=True)
class DirectoryChanged(Fact):
    """These are the devices and the principals there are now. Told whole, so that nothing depends on earlier tellings."""

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
    """A message was refused. Without an answer where nobody can be told."""

    code: Code
    topic: str
    principal: str | None = None


@dataclass(frozen=True, slots=True)
class PublishRefused(Fact):
    """The broker refused to pass on a message."""

    code: Code
    topic: str
    principal: str
