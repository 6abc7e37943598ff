"""The state of one floor's session, and what can be read off it."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from math import inf
from statistics import median
from typing import Literal

from backend.core.effects import Asked
from backend.core.floors import Rules, is_channel
from backend.core.messages import FreeJson
from backend.features.sessions.messages import Ending, State
from backend.features.sessions.policy import CHANNEL, Policy, effective

REMEMBERED = 20  # of how many sessions the length is known, for estimates


@dataclass(frozen=True, slots=True)
class Waiter:
    """One claim that waits for its turn.

    ``since`` is when it was asked for, or, of who lost it and waits on as the last, when that was. ``away_since``: all
    its apps are gone. ``ahead``: by an order it comes before all others. ``missed`` counts turns that passed unused.
    """

    user: str
    name: str
    client: str | None
    type: str | None
    priority: int
    lease_s: float
    input: FreeJson
    asked: Asked
    since: float
    away_since: float | None = None
    ahead: bool = False
    missed: int = 0

    @property
    def is_plain(self) -> bool:
        """Tell whether it waits like most: it is there, and nobody put it first."""
        return self.away_since is None and not self.ahead

    def rank(self, policy: Policy) -> float:
        """Return what orders the queue: a priority is a head start.

        As everybody ages alike, the order of two never changes, and nobody starves: who comes late enough is behind,
        whatever its priority.
        """
        return -inf if self.ahead else self.since - self.priority * policy.ageing_s


@dataclass(frozen=True, slots=True)
class Offer:
    """The holder would hand the session over."""

    to: str
    until: float
    asked: Asked


@dataclass(frozen=True, slots=True)
class Preemption:
    """An admin, who waits until then as the first in the queue, will take over from whoever holds."""

    by: str
    at: float
    requeue: bool
    why: str | None


@dataclass(frozen=True, slots=True)
class Running:
    """The session in progress. ``claim`` is what it was granted for: the holder, and what it asked.

    ``began_at`` is when the session was granted to the first of those who handed it over: a hand-over makes no session
    longer. ``touched`` is the last sign of life that was not worth a document, nor of a row.
    """

    fence: int
    id: str
    claim: Waiter
    lease_s: float
    started_at: float
    began_at: float
    last_activity: float
    expires_at: float
    input: FreeJson
    job: int = 0
    output: FreeJson = field(default_factory=dict)
    complete: bool = False
    client_lost: bool = False
    device_lost: bool = False
    lost_since: float | None = None
    offer: Offer | None = None
    touched: float = field(default=0.0, compare=False)

    @property
    def holder(self) -> str:
        """Who holds."""
        return self.claim.user

    @property
    def is_used(self) -> bool:
        """Tell whether anything was done in it."""
        return max(self.last_activity, self.touched) > self.started_at

    def ends(self, policy: Policy) -> tuple[float, Ending]:
        """Return when the session ends if nothing happens, and how."""
        longest: tuple[float, Ending] = (self.began_at + policy.max_length_s, "expired")
        lease: tuple[float, Ending] = (self._lease_ends(), "completed" if self.complete else "expired")
        if self.lost_since is not None:
            reason: Ending = "device_lost" if self.device_lost else "client_lost"
            grace: tuple[float, Ending] = (self.lost_since + policy.grace_s, reason)
            return min(grace, lease, longest) if self.complete else min(grace, longest)
        return min(lease, (self._idle_ends(policy), "idle"), longest)

    def likely_end(self, policy: Policy, usual: float | None, now: float) -> float:
        """Return when it is probably over: when most are, or, if it is longer than that or about to end, as it says.

        Who did nothing yet may be idle. Where one waits by joining, idleness counts only once somebody waits, so how
        long others had it says little.
        """
        is_ending = self.complete or self.lost_since is not None
        if usual is None or is_ending or self.started_at + usual <= now:
            return self.ends(policy)[0]
        likely = min(self.started_at + usual, self.began_at + policy.max_length_s)
        return likely if self.is_used and not policy.joins else min(likely, self._idle_ends(policy))

    def _idle_ends(self, policy: Policy) -> float:
        return max(self.last_activity, self.touched) + policy.idle_s

    def _lease_ends(self) -> float:
        renewed = 0.0 if self.complete or not self.touched else self.touched + self.lease_s
        return max(self.expires_at, renewed)


@dataclass(frozen=True, slots=True)
class Past:
    """A session that is over, for the archive."""

    floor: str
    running: Running
    ended_at: float
    reason: Ending
    by: str | None = None


@dataclass(frozen=True, slots=True)
class HistoryAsked:
    """Which sessions that are over somebody wants to see."""

    floor: str
    limit: int
    before: int | None


@dataclass(frozen=True, slots=True)
class Observer:
    """One who said that it watches."""

    user: str
    until: float


@dataclass(frozen=True, slots=True)
class Session:
    """All about the sharing of one floor. ``fence`` is that of the last grant; it outlives the floor's removal.

    ``cleans``: the device declared that it confirms `reset`; ``dirty``: it has to, now. ``held``: how long the last
    sessions were, in seconds.
    """

    floor: str
    provisioned: bool = False
    reachable: bool = False
    fence: int = 0
    revision: int = 0
    running: Running | None = None
    queue: tuple[Waiter, ...] = ()
    preemption: Preemption | None = None
    observers: tuple[Observer, ...] = ()
    reason: Literal["claimed"] | Ending | None = None
    timeout: bool = False
    cleans: bool = False
    dirty: bool = False
    cooling_until: float | None = None
    rules: Rules = ()
    held: tuple[float, ...] = ()

    @property
    def is_channel(self) -> bool:
        """Tell whether there is no hardware behind it."""
        return is_channel(self.floor)

    def policy(self, of_devices: Policy) -> Policy:
        """Return how this floor is shared."""
        return effective(CHANNEL if self.is_channel else of_devices, self.rules)

    @property
    def state(self) -> State:
        """What is shown."""
        if self.running is not None:
            if self.running.lost_since is not None:
                return "grace"
            return "offered" if self.running.offer is not None else "active"
        if self.dirty:
            return "resetting"
        return "cooling" if self.cooling_until is not None else "free"

    @property
    def holder(self) -> str | None:
        """Who holds it."""
        return self.running.holder if self.running is not None else None

    @property
    def is_ready(self) -> bool:
        """Tell whether it may be granted at once."""
        return self.running is None and self.reachable and not self.dirty and self.cooling_until is None

    @property
    def next(self) -> Waiter | None:
        """Who is the next: the first in the queue that is there."""
        return next((waiter for waiter in self.queue if waiter.away_since is None), None)

    def waiter(self, user: str) -> Waiter | None:
        """Return the place of somebody in the queue."""
        return next((waiter for waiter in self.queue if waiter.user == user), None)

    def ends(self, policy: Policy) -> tuple[float, Ending]:
        """Return when the session in progress ends, if nothing happens, and how; infinite if it does not.

        On a floor that one waits for by joining, nobody has to give way while nobody else is there.
        """
        if self.running is None or (policy.joins and self.running.lost_since is None and self.next is None):
            return inf, "expired"
        return self.running.ends(policy)

    def estimates(self, policy: Policy, now: float) -> Iterator[float | None]:
        """Return, for each who waits, after about how many seconds its turn comes (None: the device is away)."""
        usual = median(self.held) if self.held else None
        after = 0.0
        if self.running is not None:
            after = max(0.0, min(self.running.likely_end(policy, usual, now), self._notice_ends()) - now)
        elif self.cooling_until is not None:
            after = max(0.0, self.cooling_until - now)
        for waiter in self.queue:
            yield round(after, 1) if self.reachable and not self.dirty else None
            length = min(usual if usual is not None else waiter.lease_s, policy.max_length_s)
            after += min(length, policy.idle_s) if usual is None or policy.joins else length

    def _notice_ends(self) -> float:
        return self.preemption.at if self.preemption is not None else inf

    def mentions(self) -> Iterator[str]:
        """Return whom it is about: who holds, who waits, who watches."""
        if self.running is not None:
            yield self.running.holder
        for waiter in self.queue:
            yield waiter.user
        for observer in self.observers:
            yield observer.user
