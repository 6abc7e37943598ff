"""What has happened, in the past tense. Features hear facts; they never import each other."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from backend.core.audio import UNDECLARED, AudioAbility
from backend.core.effects import Asked
from backend.core.floors import Rules
from backend.core.principals import Principal
from backend.core.refusals import Code

Voice = Mapping[str, Any]
"""How a device converses: the settings that somebody made for it, by name, as they are stored."""

Definition = Mapping[str, Any]
"""What a trigger, or a profile, is: as somebody defined it, and as it is stored."""


@dataclass(frozen=True, slots=True)
class Fact:
    """Base of all facts."""


@dataclass(frozen=True, slots=True)
class Resumed(Fact):
    """The backend started, or its broker is back: nobody was seen yet, and nobody could renew anything meanwhile."""


@dataclass(frozen=True, slots=True)
class BrokerReached(Fact):
    """The broker is there, and passes on what is said from now on: what was said before reached nobody."""


@dataclass(frozen=True, slots=True)
class StorageBack(Fact):
    """The journal takes changes again, after a while in which nobody could renew anything."""


@dataclass(frozen=True, slots=True)
class DirectoryChanged(Fact):
    """These are all devices, principals and channels there are now: told whole, so that no earlier telling matters.

    ``rules`` are those of floors that have some of their own, by floor; ``voices`` are settings of devices likewise.
    ``triggers`` and ``profiles`` are their definitions, by id; ``since`` tells when each account was made, ``owners``
    whose a device is.
    """

    devices: frozenset[str]
    principals: frozenset[str]
    channels: frozenset[str] = frozenset()
    rules: Mapping[str, Rules] = field(default_factory=dict)
    voices: Mapping[str, Voice] = field(default_factory=dict)
    triggers: Mapping[str, Definition] = field(default_factory=dict)
    profiles: Mapping[str, Definition] = field(default_factory=dict)
    since: Mapping[str, float] = field(default_factory=dict)
    owners: Mapping[str, str] = field(default_factory=dict)


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
class DeviceBooted(Fact):
    """A device is at another boot than before, and counts anew; told again after a restart: nobody else remembers."""

    device: str
    boot: int


@dataclass(frozen=True, slots=True)
class FenceTold(Fact):
    """A device said, on ``topic``, the highest fence it has seen: it takes no lower one."""

    device: str
    fence: int
    topic: str


@dataclass(frozen=True, slots=True)
class DeviceDeclared(Fact):
    """A device told what it is. ``cleans``: it confirms `reset` after each session, before the next may begin."""

    device: str
    cleans: bool
    audio: AudioAbility = UNDECLARED


@dataclass(frozen=True, slots=True)
class UserHeard(Fact):
    """A principal asked something, so somebody is there; nobody knows which of its apps."""

    user: str


@dataclass(frozen=True, slots=True)
class UserOnline(Fact):
    """An app of a principal is there, after none was."""

    user: str


@dataclass(frozen=True, slots=True)
class UserLost(Fact):
    """The last app of a principal is gone: its last will, its goodbye, or its silence after a restart."""

    user: str


@dataclass(frozen=True, slots=True)
class AccountsConnected(Fact):
    """These accounts have a connection to the broker; told every few seconds, where the broker can tell."""

    names: frozenset[str]


@dataclass(frozen=True, slots=True)
class SecretsChanged(Fact):
    """The old secrets of these accounts are void, and who was connected with one is not any more: without a last will.

    It was some time after ``since``, so that who was born later may have come with the new secret.
    """

    names: frozenset[str]
    since: float

    def spares(self, born_at: float | None) -> bool:
        """Tell whether who was born then may have come with the new secret."""
        return born_at is not None and born_at >= self.since


@dataclass(frozen=True, slots=True)
class FloorUsed(Fact):
    """The holder sent data on a channel."""

    floor: str
    fence: int


@dataclass(frozen=True, slots=True)
class FloorOrdered(Fact):
    """An admin orders something of a floor, elsewhere than on its own topic, and is to be answered there."""

    floor: str
    who: Principal
    asked: Asked
    action: Literal["kick", "promote", "demote"]
    user: str | None


@dataclass(frozen=True, slots=True)
class FloorChanged(Fact):
    """Somebody else holds a floor, or nobody, or another number waits."""

    floor: str
    holder: str | None
    waiting: int


@dataclass(frozen=True, slots=True)
class ChannelAddressed(Fact):
    """An admin says something to all who listen to a channel, whoever holds its floor."""

    channel: str
    who: Principal
    kind: str
    message: str


@dataclass(frozen=True, slots=True)
class SessionEnded(Fact):
    """A session is over; ``reason`` is one of the named endings, and it lasted ``held_s`` seconds."""

    floor: str
    reason: str
    held_s: float


@dataclass(frozen=True, slots=True)
class TurnBegun(Fact):
    """A turn of a conversation, or an announcement on the last one, has begun. ``boot`` is that of the device."""

    device: str
    turn: int
    boot: int | None = None


@dataclass(frozen=True, slots=True)
class TurnEnded(Fact):
    """A turn of a conversation is over, with or without an answer: what will be remembered of it.

    ``boot`` is that of the device when it began. ``user`` held the device, or asked for the announcement; ``heard`` is
    None of an announcement; ``code`` tells why the turn failed, where it did. ``phrases`` are the keys of what was
    spoken from the cache. Times are milliseconds: how much audio came, how much of it was speech, and how long after
    its end, or after the request, the text was final and the first audio went out. Not ``remembered``:
    nothing of it is.
    """

    device: str
    turn: int
    at: float
    boot: int | None = None
    user: str | None = None
    heard: str | None = None
    answer: str | None = None
    by: Literal["intents", "chat", "announcement"] | None = None
    code: Code | None = None
    phrases: tuple[str, ...] = ()
    audio_ms: float | None = None
    speech_ms: float | None = None
    final_ms: float | None = None
    first_audio_ms: float | None = None
    remembered: bool = True


@dataclass(frozen=True, slots=True)
class PhraseMade(Fact):
    """Something was put into speech for a device, that it may say again; the key names text, voice and codec."""

    device: str
    key: str
    text: str
    audio: bytes
    seconds: float
    at: float


@dataclass(frozen=True, slots=True)
class Announced(Fact):
    """What is to be said of an announcement, once for each: the turn on whose topic it is spoken, or why it is not."""

    asked: Asked
    device: str
    turn: int | None = None
    code: Code | None = None


@dataclass(frozen=True, slots=True)
class ClaimJudged(Fact):
    """What came of a board's claim, once for each: the device that it is now, and the server's *nonce*, or why not."""

    account: str
    asked: Asked
    device: str | None = None
    nonce: str | None = None
    code: Code | None = None


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
    """What the embedded broker has to do: who is connected, what it keeps, and what it dropped since it started.

    ``users``, ``listeners`` and ``devices`` are accounts with a connection: admins and integrations are users, too.
    """

    connections: int
    sessions: int
    retained: int
    dropped: int
    users: int = 0
    listeners: int = 0
    devices: int = 0
