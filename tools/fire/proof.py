"""What a history proves of one floor: who held it with which fence, and from when on nobody can any more.

Messages reach different people at different times, so that one heard something later than another proves nothing. What
counts is what comes after: a request that was sent, or a connection that was made, when something had been heard by
anybody, finds the server with at least that.
"""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from tools.fire.history import Record

HOLDS = ("granted", "renewed", "updated")
"""Answers to the holder."""
_OF_HOLDER = ("granted", "updated", "completed", "ended")
_FENCED = ("document", "event", "reply")


@dataclass(frozen=True, slots=True)
class Violation:
    """A promise that was broken. ``lines`` of the history show it."""

    rule: str
    floor: str
    text: str
    lines: tuple[int, ...] = ()

    def __str__(self) -> str:
        where = ", ".join(map(str, self.lines))
        return f"{self.rule}: {self.floor}: {self.text}" + (f" (lines {where})" if where else "")


@dataclass(frozen=True, slots=True)
class Holding:
    """That somebody holds, or held, a floor with a fence, and what shows it."""

    fence: int
    holder: str
    session: str | None
    shown_by: Record


@dataclass(frozen=True, slots=True)
class Connection:
    """When a connection began, and whether nothing was kept for it from before."""

    since: float
    clean: bool


@dataclass
class Run:
    """What holds for all floors."""

    embedded: bool = True
    connections: dict[int, Connection] = field(default_factory=dict)
    killed: list[float] = field(default_factory=list)
    lives: list[float] = field(default_factory=list)

    def life(self, record: Record) -> int:
        """Return in which life of the backend something was heard."""
        return bisect_left(self.lives, record.t)

    def since(self, record: Record) -> float:
        """Return when the connection on which something was heard was made."""
        known = self.connections.get(record.conn)
        return known.since if known is not None else record.t

    def was_whole(self, earlier: Record, later: Record) -> bool:
        """Tell whether nothing can have been lost between two messages to the same one."""
        kills = bisect_left(self.killed, later.t) - bisect_left(self.killed, earlier.t)
        return earlier.conn == later.conn and not kills

    def is_told_now(self, record: Record) -> bool:
        """Tell whether a document comes from the backend, and in order.

        A broker that is restarted may have kept an old one; the embedded one keeps none of the backend's.
        """
        known = self.connections.get(record.conn)
        return (known is None or known.clean) and (self.embedded or not record.retained)


@dataclass
class Floor:
    """One floor's part of a history, and what it proves."""

    name: str
    run: Run
    records: list[Record] = field(default_factory=list)
    holdings: dict[int, Holding] = field(default_factory=dict)
    disputed: list[tuple[Holding, Holding]] = field(default_factory=list)
    over_at: dict[int, float] = field(default_factory=dict)
    """By fence: when it was first told that its session is over."""
    _times: list[float] = field(default_factory=list)
    _newest: list[int] = field(default_factory=list)

    def add(self, record: Record) -> None:
        """Take the next record."""
        self.records.append(record)
        for holding in _shown(record):
            self._hold(holding)
        if record.fence is not None and record.what in _FENCED:
            self._times.append(record.t)
            self._newest.append(max(record.fence, self._newest[-1] if self._newest else 0))
        over = _over(record)
        if over is not None:
            self.over_at.setdefault(over, record.t)

    def of(self, *what: str) -> Iterator[Record]:
        """Return the records of these kinds."""
        return (record for record in self.records if record.what in what)

    def heard(self, what: str) -> Iterator[Sequence[Record]]:
        """Return what each one heard of a kind, in order."""
        by_who: dict[str, list[Record]] = defaultdict(list)
        for record in self.of(what):
            if what != "document" or (self.run.is_told_now(record) and record.body):
                by_who[record.who].append(record)
        return iter(by_who.values())

    def newest(self, before: float) -> int:
        """Return the highest fence that anybody had heard of by then."""
        index = bisect_left(self._times, before)
        return self._newest[index - 1] if index else 0

    def is_over(self, fence: int, before: float) -> bool:
        """Tell whether anybody had heard by then that the session of this fence is over."""
        return self.newest(before) > fence or self.over_at.get(fence, before) < before

    def held_since(self, who: str, fence: int) -> bool:
        """Tell whether somebody holds with this fence or a higher one, at any time."""
        return any(each.holder == who for number, each in self.holdings.items() if number >= fence)

    def of_session(self) -> Iterator[tuple[Holding, Holding]]:
        """Return the holdings of sessions that went from one fence to another: each, and the one after it."""
        by_session: dict[str, list[Holding]] = defaultdict(list)
        for _, holding in sorted(self.holdings.items()):
            if holding.session is not None:
                by_session[holding.session].append(holding)
        for holdings in by_session.values():
            yield from pairwise(holdings)

    def _hold(self, new: Holding) -> None:
        known = self.holdings.setdefault(new.fence, new)
        is_other = None not in (known.session, new.session) and known.session != new.session
        if known.holder != new.holder or is_other:
            self.disputed.append((known, new))
        elif known.session is None:
            self.holdings[new.fence] = new


def _shown(record: Record) -> Iterator[Holding]:
    """Return who holds, according to a record."""
    fence, session = record.fence, record.body.get("session")
    if fence is None:
        return
    if record.what in ("document", "final") and record.holder is not None:
        yield Holding(fence, record.holder, session, record)
    elif record.what == "event" and record.body.get("event") in _OF_HOLDER and session is not None:
        yield Holding(fence, str(record.body.get("user")), session, record)
    elif record.what == "reply" and record.code in HOLDS:
        yield Holding(fence, record.who, session, record)


def _over(record: Record) -> int | None:
    """Return the fence of a session that is over, according to a record."""
    is_over = (
        (record.what == "document" and record.body and record.holder is None)
        or (record.what == "event" and record.body.get("event") == "ended")
        or (record.what == "reply" and record.code == "released")
    )
    return record.fence if is_over else None


def gather(records: Iterable[Record]) -> tuple[Run, list[Floor]]:
    """Return what holds for all floors, and the floors."""
    run, floors = Run(), dict[str, Floor]()
    for record in records:
        match record.what:
            case "run":
                run.embedded = record.body.get("broker", "embedded") == "embedded"
            case "connected":
                run.connections[record.conn] = Connection(record.t, record.clean)
            case "killed":
                run.killed.append(record.t)
            case "started" if record.who in ("server", "backend"):
                run.lives.append(record.t)
        if record.floor:
            floors.setdefault(record.floor, Floor(record.floor, run)).add(record)
    return run, list(floors.values())
