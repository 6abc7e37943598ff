"""Somebody beside a board who has a few questions, and asks them again and again."""

import queue
import threading
import time
from collections.abc import Sequence
from itertools import cycle
from typing import Any

from tools.actor import Login
from tools.satellite import Satellite, Talk

_PATIENCE_S = 30.0


class Chatter(Satellite):
    """A board that is talked to. ``lines`` tell each turn once it is over; *think_s* seconds pass after each answer."""

    def __init__(self, login: Login, sentences: Sequence[str], *, think_s: float, **board: Any) -> None:
        super().__init__(login, **board)
        self.lines: queue.SimpleQueue[str] = queue.SimpleQueue()
        self.over: list[Talk] = []
        """The turns that have ended, in order."""
        self.asked: list[Talk] = []
        self._sentences = cycle(sentences)
        self._think_s = think_s
        self._next_at: float | None = None
        self._is_full = False
        self.quiet = threading.Event()
        """Set when nothing more is asked, and all is answered."""

    def introduce(self) -> None:
        """Ask, as soon as the board is there."""
        super().introduce()
        self._next_at = time.monotonic() + self._think_s

    def ended(self, talk: Talk) -> None:
        """Think of the next question."""
        self.over.append(talk)
        self.lines.put(f"{time.strftime('%H:%M:%S')}  {self.login.name:10} {talk.line()}")
        self._next_at = max(time.monotonic(), self.speaker.plays_until) + self._think_s
        self._rest_if_full()

    def finish(self) -> None:
        """Ask nothing more."""
        self.post(self._fill)

    def due(self) -> float | None:
        """Return when the next question, or whatever else a board does, is due."""
        return min((moment for moment in (super().due(), self._next_at) if moment is not None), default=None)

    def pass_time(self, now: float) -> None:
        """Ask the next question; in vain, if no answer comes in time."""
        super().pass_time(now)
        if self._next_at is not None and self._next_at <= now and not self._is_full:
            self._next_at = now + _PATIENCE_S
            self.asked.append(self.say(next(self._sentences)))

    def _fill(self) -> None:
        self._is_full = True
        self._rest_if_full()

    def _rest_if_full(self) -> None:
        if self._is_full and len(self.over) == len(self.asked):
            self._next_at = None
            self.quiet.set()
