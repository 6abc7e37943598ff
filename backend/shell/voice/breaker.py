"""A circuit breaker: what failed several times in a row is left alone for a while, so that nobody waits for it."""

from collections.abc import Callable

_FAILURES = 3  # in a row
_PAUSE_S = 30.0


class Breaker:
    """Counts failures in a row. ``clock`` gives seconds that only rise."""

    def __init__(self, clock: Callable[[], float], failures: int = _FAILURES, pause_s: float = _PAUSE_S) -> None:
        self._clock, self._most, self._pause_s = clock, failures, pause_s
        self._failures = 0
        self._until = 0.0

    def allows(self) -> bool:
        """Tell whether to try. After each pause one may: the others wait for how that goes."""
        if self._failures < self._most:
            return True
        now = self._clock()
        if now < self._until:
            return False
        self._until = now + self._pause_s
        return True

    def worked(self) -> None:
        """Note that it worked."""
        self._failures = 0

    def failed(self) -> None:
        """Note that it failed."""
        self._failures += 1
        self._until = self._clock() + self._pause_s
