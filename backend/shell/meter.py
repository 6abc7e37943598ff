"""Measures how long requests take: from their arrival until the answer is the broker's, commit included."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field

from backend.core.engine import Arrived
from backend.core.measures import RequestCount
from backend.core.meters import Histogram, LastMinute
from backend.core.refusals import Refused
from backend.core.routing import RouteTable
from backend.shell.clock import ticks
from backend.shell.inbox import Item


@dataclass(frozen=True, slots=True)
class Durations:
    """How long something took, each time that it was done."""

    taken: Histogram = field(default_factory=Histogram)
    rate: LastMinute = field(default_factory=LastMinute)

    def add(self, seconds: float) -> None:
        """Take one measure."""
        self.taken.add(seconds)
        self.rate.add(ticks())

    def count(self) -> RequestCount:
        """Return how often, and how long."""
        taken, per_minute = self.taken, self.rate.total(ticks())
        p50, p95, p99 = (taken.percentile(percent) for percent in (50, 95, 99))
        return RequestCount(taken.count, per_minute, p50, p95, p99)


class Meter:
    """Counts by action: those that the route table has, and no others."""

    def __init__(self, table: RouteTable) -> None:
        self._table = table
        self._actions: defaultdict[str, Durations] = defaultdict(Durations)

    def done(self, items: Iterable[Item]) -> None:
        """Take note that these were answered now."""
        now = ticks()
        for item in items:
            if isinstance(item, Arrived) and item.at is not None and (asked := self._asked(item)) is not None:
                self._actions[asked].add(now - item.at)

    def counts(self) -> dict[str, RequestCount]:
        """Return how often each was asked for, and how long that took."""
        return {name: action.count() for name, action in self._actions.items()}

    def _asked(self, message: Arrived) -> str | None:
        """Return the action that a message asks for; None: none that there is."""
        found = self._table.find(message.topic)
        if found is None or found[0].reply is None:
            return None
        try:
            asked = message.json().get("action")
        except Refused:
            return None
        return asked if isinstance(asked, str) and asked in found[0].actions else None
