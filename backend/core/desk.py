"""A desk keeps one feature's state machines, one per key, and knows which of them changed since the last commit."""

import heapq
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, Protocol, TypeVar

from backend.core.effects import Answer, Consult, Perform, Publish, Record
from backend.core.facts import Fact
from backend.core.replies import Remembered

S = TypeVar("S")

Effect = Publish | Answer | Record | Consult | Perform | Fact
Step = Callable[[S, Any, float], tuple[S, list[Effect]]]


ROWS_AT_ONCE = 500
"""How many rows are read in one go: all of them would take memory that is never given back."""


class Rows(Protocol):
    """How a feature's states become rows of one table, and come back. Only the journal calls it."""

    TABLE: Any

    def load(self, session: Any) -> dict[str, Any]:
        """Return the stored states by key."""

    def dump(self, states: Iterable[Any]) -> list[dict[str, object]]:
        """Return one row per state."""


@dataclass(frozen=True, slots=True)
class Changes:
    """What must be stored before anything is sent. ``over``: the keys of rows that nobody needs any more."""

    states: Sequence[tuple[Rows, Sequence[Any]]]
    replies: Sequence[Remembered]
    records: Sequence[Record] = ()
    over: Sequence[tuple[Rows, Sequence[str]]] = ()

    def __bool__(self) -> bool:
        return bool(self.states or self.replies or self.records or self.over)


class Known(Protocol):
    """The keys of a desk, and which of them a name is mentioned in."""

    def __iter__(self) -> Iterator[str]: ...

    def __contains__(self, key: object) -> bool: ...

    def mentioning(self, name: str) -> list[str]:
        """Return the keys of the states that mention a name."""


@dataclass
class Desk(Generic[S]):
    """One machine per key.

    ``step`` advances time first and applies the event then (None: time only); ``until`` says when time alone would
    change a state next; ``durable`` reduces a state to what must survive a restart (all of it, if there are rows).
    ``renew`` returns the documents that look otherwise than before: where much happens at once, not each step need
    publish them. ``is_over`` tells of a state that nobody needs any more: it is forgotten, and so is its row.
    ``mentions`` tells which names a state is about, so that an event about a name finds its machines
    without a search.
    """

    name: str
    events: tuple[type, ...]
    fresh: Callable[[str], S]
    keys: Callable[[Any, Known], Iterable[str]]
    step: Step[S]
    until: Callable[[S], float | None]
    project: Callable[[S, float], list[Publish]]
    rows: Rows | None = None
    durable: Callable[[S], object] = lambda state: state
    mentions: Callable[[S], Iterable[str]] | None = None
    renew: Callable[[S, S], list[Publish]] = lambda _before, _after: []
    is_over: Callable[[S], bool] = lambda _state: False
    states: dict[str, S] = field(default_factory=dict)
    _before: dict[str, S | None] = field(default_factory=dict)
    _due: list[tuple[float, str]] = field(default_factory=list)
    _queued: dict[str, float] = field(default_factory=dict)
    _mentioned: dict[str, dict[str, None]] = field(default_factory=dict)

    def __iter__(self) -> Iterator[str]:
        return iter(self.states)

    def __contains__(self, key: object) -> bool:
        return key in self.states

    def mentioning(self, name: str) -> list[str]:
        """Return the keys of the states that mention a name."""
        return list(self._mentioned.get(name, ()))

    def load(self, states: Mapping[str, S]) -> None:
        """Take over stored states."""
        for key, state in states.items():
            self.states[key] = state
            self._index(key, None, state)
            self._schedule(key)

    def handle(self, event: object, now: float) -> list[Effect]:
        """Give *event* to the machines it concerns."""
        return [effect for key in self.keys(event, self) for effect in self._step(key, event, now)]

    def tick(self, now: float) -> list[Effect]:
        """Advance the machines whose time has come."""
        effects: list[Effect] = []
        while self._due and self._due[0][0] <= now:
            when, key = heapq.heappop(self._due)
            if self._queued.get(key) == when:
                del self._queued[key]
                effects += self._ring(key, when, now) if key in self.states else []
        return effects

    def deadline(self) -> float | None:
        """Return when `tick` has something to do next. It may be early, never late."""
        return self._due[0][0] if self._due else None

    def projection(self, now: float, of: Callable[[str], bool] = lambda _key: True) -> Iterator[Publish]:
        """Return every retained topic as it must stand now, of all keys, or of those that *of* picks.

        One by one, for all of them at once take much memory.
        """
        return (publish for key, state in self.states.items() if of(key) for publish in self.project(state, now))

    def documents(self) -> Iterator[Publish]:
        """Return what is published anew since the last commit, by the states at its beginning and now."""
        for key, before in self._before.items():
            yield from self.renew(before if before is not None else self.fresh(key), self.states[key])

    def changed(self) -> dict[str, S]:
        """Return the states that must be stored before anything is acted upon."""
        return {
            key: self.states[key]
            for key, before in self._before.items()
            if key in self.states and (before is None or self.durable(before) != self.durable(self.states[key]))
        }

    def over(self) -> list[str]:
        """Return the keys of the states that are to be forgotten."""
        return [key for key in self._before if key in self.states and self.is_over(self.states[key])]

    def committed(self) -> None:
        """Forget how things were: they are stored. What is over is forgotten, too."""
        for key in self.over():
            self._index(key, self.states.pop(key), None)
        self._before.clear()

    def roll_back(self) -> None:
        """Make everything since the last commit not have happened."""
        for key, before in self._before.items():
            self._index(key, self.states.get(key), before)
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
        self._index(key, known, self.states[key])
        self._schedule(key)
        return effects

    def _index(self, key: str, before: S | None, after: S | None) -> None:
        """Keep up with which names are mentioned where."""
        if self.mentions is None or before is after:
            return
        old = set(self.mentions(before)) if before is not None else set()
        new = set(self.mentions(after)) if after is not None else set()
        for name in old - new:
            self._mentioned[name].pop(key, None)
            if not self._mentioned[name]:
                del self._mentioned[name]
        for name in new - old:
            self._mentioned.setdefault(name, {})[key] = None

    def _ring(self, key: str, when: float, now: float) -> list[Effect]:
        """Advance a machine, if it is really its turn: in which order all are advanced depends on their states only."""
        until = self.until(self.states[key])
        if until is not None and until <= when:
            return self._step(key, None, now)
        self._schedule(key)
        return []

    def _schedule(self, key: str) -> None:
        """Keep at most one alarm per key: a later deadline waits for the earlier alarm to ring."""
        when = self.until(self.states[key])
        if when is not None and when < self._queued.get(key, float("inf")):
            self._queued[key] = when
            heapq.heappush(self._due, (when, key))
