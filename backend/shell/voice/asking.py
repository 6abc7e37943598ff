"""What is asked in a turn, who answers, and what whoever answers may know and do."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, Protocol


@dataclass(frozen=True, slots=True)
class Exchange:
    """What was heard in an earlier turn of the device, and what was answered."""

    heard: str
    answer: str


@dataclass(frozen=True, slots=True)
class Question:
    """What somebody said to a device, and all that belongs to it. ``history``: the newest exchange is the last."""

    device: str
    text: str
    language: str
    speaker: str | None = None
    """The principal for whom the turn speaks: the holder, or the device's owner. None: nobody knows."""
    prompt: str = ""
    """What the chat endpoint is told about its part. Empty: what it is told by default."""
    history: Sequence[Exchange] = ()
    responder: Literal["intents", "chat", "both"] = "intents"
    """Who shall answer; see the device's voice settings."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What the device says."""

    text: str
    by: Literal["intents", "chat"]
    intent: str | None = None
    fallback: str | None = None
    """Why the chat endpoint did not answer, though it should."""
    understood: bool = True


@dataclass(frozen=True, slots=True)
class Thing:
    """A device as people speak of it."""

    id: str
    name: str
    """How people call it."""
    online: bool
    holder: str | None = None
    """The principal."""
    holder_name: str | None = None
    waiting: int = 0
    """How many wait for it."""
    next_name: str | None = None
    """Who is the next of them, as people call it."""
    ends_s: float | None = None
    """When the holder loses it if nothing is done, in seconds from now."""
    eta_s: float | None = None
    """When somebody who asks for it now would get it, in seconds from now. None: nobody knows."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a deed: ``code`` is the reason code of the reply."""

    ok: bool
    code: str = ""


class World(Protocol):
    """What an intent may know and do."""

    def now(self) -> datetime:
        """Return the local time, with its zone."""
        ...

    def names(self) -> Mapping[str, str]:
        """Return how people call each device, by id: the same object for as long as it says the same."""
        ...

    def thing(self, device: str) -> Thing | None:
        """Return a device as it is now. None: there is none of this id."""
        ...

    async def claim(self, device: str, speaker: str) -> Outcome:
        """Claim a device, without waiting for it where it is in use."""
        ...

    async def release(self, device: str, speaker: str) -> Outcome:
        """Give a device back."""
        ...

    async def command(self, device: str, speaker: str, name: str, body: Mapping[str, object]) -> Outcome:
        """Send a command to a device that the speaker holds; its fence is added."""
        ...


class Responder(Protocol):
    """Who answers."""

    async def answer(self, question: Question) -> Answer:
        """Return the answer; that something is not understood, or cannot be done, is one, too."""
        ...
