"""Points in time and durations, as they are said."""

from collections.abc import Callable
from datetime import datetime

from backend.shell.voice.phrasebook import Phrasebook

_MINUTE, _HOUR = 60, 3600


def time_case(now: datetime, says: Callable[[str], bool]) -> str:
    """Return which of the answers that a language has tells this time: some have one of their own for some hours."""
    full = now.minute == 0
    cases = [
        ("midnight", full and now.hour == 0),
        ("noon", full and now.hour == 12),
        ("one_full", full and now.hour == 1),
        ("full", full),
        ("one", now.hour == 1),
    ]
    return next((case for case, fits in cases if fits and says(case)), "default")


def duration(book: Phrasebook, seconds: float) -> str:
    """Return about how long something takes, in one unit."""
    if seconds < 1.5 * _MINUTE:
        return book.duration("seconds", max(10, round(seconds, -1)))
    if seconds < 1.5 * _HOUR:
        return book.duration("minutes", round(seconds / _MINUTE))
    return book.duration("hours", round(seconds / _HOUR))
