"""Points in time are seconds since the epoch, given as an argument; on the wire they are ISO 8601 in UTC."""

from datetime import UTC, datetime
from functools import lru_cache

DAY_S = 86400.0


@lru_cache(1024)  # all that happens in one step, and in one batch, happens at the same time
def iso(now: float) -> str:
    """Return ``2026-11-21T09:30:00.250Z`` for a point in time."""
    return datetime.fromtimestamp(now, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def moment(text: str) -> float:
    """Return the point in time that `iso` wrote. Raises ValueError."""
    return datetime.fromisoformat(text).timestamp()
