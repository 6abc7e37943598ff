"""What is refused is logged, but no more than so often: who is refused all the time shall not fill the disk."""

import logging
from collections.abc import Hashable

from backend.core.rates import PerMinute
from backend.shell.clock import ticks

_PER_MINUTE = 60  # lines of one kind; `backend/stats` counts them all


class Complaints:
    """A log of refusals."""

    def __init__(self, log: logging.Logger) -> None:
        self._log = log
        self._lines = PerMinute(_PER_MINUTE)

    def say(self, kind: Hashable, message: str, *arguments: object) -> None:
        """Log a line, unless there were many of this *kind* in the last minute."""
        if not self._lines.take(kind, ticks()):
            self._log.info(message, *arguments)
