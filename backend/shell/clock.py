"""The only clock of the backend, and its stopwatch."""

import time

ticks = time.monotonic
"""Seconds of nothing but this process: when a message arrived, and when its answer left."""


class SteadyClock:
    """Seconds since the epoch that never jump while the process runs, whatever is done to the wall clock.

    The values can be stored, and compared after a restart.
    """

    def __init__(self) -> None:
        self._offset = time.time() - time.monotonic()

    def __call__(self) -> float:
        """Return now."""
        return self._offset + time.monotonic()
