"""A desk keeps one feature's state machines, one per key, and knows which of them changed since the last commit."""

import heapq
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, Protocol, TypeVar

from backend.core.effects import Answer, Publish
from backend.core.facts import Fact

S = TypeVar("S")

Effect = Publish | Answer | Fact
Step = Callable[[S, Any, float], tuple[S, list[Effect]]]


class Rows(Protocol):
    """How a feature's states become rows of one table, and come back. Only the journal calls it."""

    TABLE: Any

    def load(self, session: Any) -> dict[str, Any]:
        """Return the stored states by key."""

    def dump(self, states: Iterable[Any]) -> list[dict[str, object]]:
        """Return one row per state."""


@dataclass
class Desk(Generic[S]):
    """One machine per key.

    ``step`` advances time first and applies the event then (None: time only); ``until`` says when time alone would
    change a state next; ``durable`` reduces a state to what must survive a restart (all of it, if there are rows).
    """

    name: str
    events: tuple[type, ...]
    fresh: Callable[[str], S]
    keys: Callable[[Any, Iterable[str]], Iterable[str]]
    step: Step[S]
    until: Callable[[S], float | None]
    project: Callable[[S, float], list[Publish]]
    rows: Rows | None = None
    durable: Callable[[S], object] = lambda state: state
    states: dict[str, S] = field(default_factory=dict)
    _before: dict[str, S | None] = field(default_factory=dict)
    _due: list[tuple[float, str]] = field(default_factory=list)
    _queued: dict[str, float] = field(default_factory=dict)

    def load(self, states: Mapping[str, S]) -> None:
        """Take over stored states."""
        for key, state in states.items():
            self.states[key] = state
            self._schedule(key)

    def handle(self, event: object, now: float) -> list[Effect]:
        """Give *event* to the machines it concerns."""
        return [effect for key in self.keys(event, self.states) for effect in self._step(key, event, now)]

    def tick(self, now: float) -> list[Effect]:
        """Advance the machines whose time has come."""
        effects: list[Effect] = []
        while self._due and self._due[0][0] <= now:
            when, key = heapq.heappop(self._due)
            if self._queued.get(key) == when:
                del self._queued[key]
                effects += self._step(key, None, now) if key in self.states else []
        return effects

    def deadline(self) -> float | None:
        """Return when `tick` has something to do next. It may be early, never late."""
        return self._due[0][0] if self._due else None

    def projection(self, now: float) -> list[Publish]:
        """Return every retained topic as it must stand now."""
        return [publish for state in self.states.values() for publish in self.project(state, now)]

    def changed(self) -> dict[str, S]:
        """Return the states that must be stored before anything is acted upon."""
        return {
            key: self.states[key]
            for key, before in self._before.items()
            if key in self.states and (before is None or self.durable(before) != self.durable(self.states[key]))
        }

    def committed(self) -> None:
        """Forget how things were: they are stored."""
        self._before.clear()

    def roll_back(self) -> None:
        """Make everything since the last commit not have happened."""
        for key, before in self._before.items():
            if before is None:
                self.states.pop(key, None)
            else:
                self.states[key] = before
                self._schedule(key)
        self._before.clear()

    def _step(self, key: str, event: object, now: float) -> list[Effect]:
        known = self.states.get(key)
        self._before.setdefault(key, known)  # first: a step that fails is undone, its alarm included
        self.states[key], effects = self.step(known if known is not None else self.fresh(key), event, now)
        self._schedule(key)
        return effects

    def _schedule(self, key: str) -> None:
        """Keep at most one alarm per key: a later deadline waits for the earlier alarm to ring."""
        when = self.until(self.states[key])
        if when is not None and when < self._queued.get(key, float("inf")):
            self._queued[key] = when
            heapq.heappush(self._due, (when, key))
