"""What is known of a device that converses, and what the shell is asked to do for it."""

from dataclasses import dataclass

from backend.core.audio import UNDECLARED, AudioAbility
from backend.core.effects import Asked
from backend.core.refusals import Code
from backend.features.voice.settings import VoiceSettings

DEFAULTS = VoiceSettings()


@dataclass(frozen=True, slots=True)
class LastTurn:
    """Which turn was the last that began, and of which boot: a device counts them anew with each."""

    boot: int | None
    turn: int
    is_over: bool = True


@dataclass(frozen=True, slots=True)
class Talker:
    """One device. ``announcing`` are the requests with an id whose announcement has not begun yet.

    ``is_gone``: it was there, and is no longer. ``interrupted``: the server died in the last turn, and nobody was told
    yet that it is over. What was said is not here, but in the archives.
    """

    device: str
    provisioned: bool = False
    owner: str | None = None
    settings: VoiceSettings = DEFAULTS
    ability: AudioAbility = UNDECLARED
    holder: str | None = None
    boot: int | None = None
    last: LastTurn | None = None
    announcing: tuple[Asked, ...] = ()
    is_gone: bool = False
    interrupted: bool = False

    @property
    def turn(self) -> int:
        """The last turn since the device booted; 0: there was none."""
        return self.last.turn if self.last is not None and self.last.boot == self.boot else 0


@dataclass(frozen=True, slots=True)
class Announce:
    """Let a device say something; ``who`` wants it. Whoever does it tells `Announced`, once, whatever happens."""

    device: str
    text: str
    language: str | None
    who: str
    asked: Asked


@dataclass(frozen=True, slots=True)
class HushOrdered:
    """End what a device says or hears at the moment; if a turn is named, only that one."""

    device: str
    turn: int | None = None


@dataclass(frozen=True, slots=True)
class Interrupted:
    """Tell the board, and those who follow, that a turn is over, which the server was in when it died."""

    device: str
    turn: int


@dataclass(frozen=True, slots=True)
class Silenced:
    """What a device hears and says, and what waits to be said, is allowed no more; ``code`` tells why."""

    device: str
    code: Code


@dataclass(frozen=True, slots=True)
class ConversationErased:
    """Nothing of a device's conversation is stored any more: forget what else is known of it, recordings included.

    ``is_gone``: nor of the device.
    """

    device: str
    is_gone: bool = False


@dataclass(frozen=True, slots=True)
class HistoryAsked:
    """The last turns of a device, those before one of them if that is named; ``turn`` is the last since its boot."""

    device: str
    limit: int
    before: int | None
    turn: int


@dataclass(frozen=True, slots=True)
class FiguresAsked:
    """How much was said on a device."""

    device: str


@dataclass(frozen=True, slots=True)
class ForgetAsked:
    """Forget the conversation of a device."""

    device: str
