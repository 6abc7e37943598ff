"""How much of conversations is kept, and what admins ask of all of them.

The feature that asks and the one that keeps them do not know each other.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Bounds:
    """How much is remembered: of each device so many turns, and so many phrases of so many bytes of audio.

    A conversation is forgotten when nothing was said for so many days.
    """

    days: float = 30.0
    turns: int = 200
    phrases: int = 100
    phrase_bytes: int = 4 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Tally:
    """Count all conversations, as they stand *at* a point in time."""

    at: float


@dataclass(frozen=True, slots=True)
class CleanUp:
    """Forget the conversations of devices on which nothing was said for so many days; None: as the server does."""

    at: float
    days: float | None = None
