"""What admins ask of all conversations. The feature that asks and the one that keeps them do not know each other."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Tally:
    """Count all conversations, as they stand *at* a point in time."""

    at: float


@dataclass(frozen=True, slots=True)
class CleanUp:
    """Forget the conversations of devices on which nothing was said for so many days; None: as the server does."""

    at: float
    days: float | None = None
