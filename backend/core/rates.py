"""How often: token buckets. What is not used is saved, up to a limit. Points in time and intervals are in seconds."""

from collections.abc import Hashable
from dataclasses import dataclass

_MINUTE_S = 60.0


@dataclass(slots=True)
class Bucket:
    """One bucket of tokens; it is full when it is taken from for the first time."""

    tokens: float = 0.0
    filled_at: float = float("-inf")

    def take(self, per_s: float, most: float, now: float) -> float:
        """Take a token, of which *per_s* come each second, and *most* are kept.

        Return 0.0, or after how many seconds there is one again.
        """
        self.tokens = min(most, self.tokens + max(0.0, now - self.filled_at) * per_s)
        self.filled_at = now
        if self.tokens < 1.0:
            return (1.0 - self.tokens) / per_s
        self.tokens -= 1.0
        return 0.0


class PerMinute:
    """So many a minute for each key."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._buckets: dict[Hashable, Bucket] = {}

    def take(self, key: Hashable, now: float) -> float:
        """Count one of *key*. Return 0.0, or after how many seconds the next is allowed."""
        return self._buckets.setdefault(key, Bucket()).take(self._limit / _MINUTE_S, self._limit, now)
