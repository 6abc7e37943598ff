"""Lets so many a second through. Of what is more the newest may come late; the others are superseded by it."""

from collections.abc import Callable
from typing import Generic, TypeVar

from backend.core.rates import Bucket

T = TypeVar("T")

Later = Callable[[float, Callable[[], None]], object]
"""Does something after so many seconds."""


class Throttle(Generic[T]):
    """So many (*per_s*) for each key, and *most* at once. *now* is the clock, in seconds."""

    def __init__(
        self, per_s: float, most: float, let: Callable[[T], None], now: Callable[[], float], later: Later
    ) -> None:
        self._per_s = per_s
        self._most = most
        self._let = let
        self._now = now
        self._later = later
        self._buckets: dict[str, Bucket] = {}
        self._late: dict[str, T] = {}

    def late(self, key: str) -> T | None:
        """Return what waits to be let through."""
        return self._late.get(key)

    def take(self, key: str, item: T, *, wait: bool) -> bool:
        """Let something through, in place of what waits; if it is too much, let it *wait*. Tell whether neither was."""
        after = self._buckets.setdefault(key, Bucket()).take(self._per_s, self._most, self._now())
        if not after:
            self._late.pop(key, None)
            self._let(item)
            return False
        if not wait:
            return True
        if key not in self._late:
            self._later(after, lambda: self._catch_up(key))
        self._late[key] = item
        return False

    def _catch_up(self, key: str) -> None:
        item = self._late.pop(key, None)
        if item is not None:
            self.take(key, item, wait=True)
