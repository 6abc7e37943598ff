"""The only clock of the backend, and its stopwatch."""

import time
from collections.abc import Callable

ticks = time.monotonic
"""Seconds of nothing but this process: when a message arrived, and when its answer left."""


class SteadyClock:
    """Seconds since the epoch that never jump, whatever is done to the wall clock (or to the machine: sleep).

    The values can be stored, and compared after a restart.
    """

    def __init__(self, wall: Callable[[], float] = time.time) -> None:
        self._wall = wall
        self._offset = wall() - time.monotonic()

    def __call__(self) -> float:
        """Return now."""
        return self._offset + time.monotonic()

    def off_by(self) -> float:
        """Return by how many seconds the wall clock was set forward (or back, < 0) since this one began."""
        return self._wall() - self()
