"""The moves of the model of a session: how it stands, and what becomes of it. What leads to them is in the model."""

from dataclasses import dataclass, field, replace
from math import inf, isinf

from backend.features.sessions.policy import Policy

# All times are multiples of four seconds, so that every deadline is hit exactly, and nothing depends on how often a
# command renews a lease; but a finished session lingers for three, so that it is over at the next look.
GRID_S = 4.0
POLICY = Policy(
    lease_s=20, max_lease_s=40, max_length_s=100, idle_s=32, linger_s=3, restart_grace_s=16, max_queue=3, max_data=100,
    grace_s=12, offer_s=8, ageing_s=8, max_priority=2,
)  # fmt: skip
POLICIES = {
    "plain": POLICY,
    "strict": replace(POLICY, grace_s=0, take_over="never", max_queue=1, max_priority=0),
    "careful": replace(POLICY, grace_s=4, cooling_s=8, clean="always", place_grace_s=8),
    "contested": replace(POLICY, cooling_s=8, take_over="priority", clean="never"),
    "stage": replace(POLICY, grace_s=0, place_grace_s=16, idle_s=12, joins=True),
    "rehearsal": replace(POLICY, grace_s=8, place_grace_s=8, cooling_s=4, joins=True, take_over="priority"),
}
ABNORMAL = ("client_lost", "device_lost", "expired")


@dataclass
class Place:
    """One who waits, or waited once for what it holds. ``ahead``: by an order it comes before all others."""

    user: str
    lease_s: float
    priority: int
    since: float
    away: float | None = None
    ahead: bool = False
    missed: int = 0

    def rank(self, policy: Policy) -> float:
        """Return what orders the queue."""
        return -inf if self.ahead else self.since - self.priority * policy.ageing_s


@dataclass
class Holding:
    """Somebody holds. ``began``: when it was granted to the first of those who handed it over.

    ``missing``: the client, the device; ``lost``: since when something is.
    """

    place: Place
    began: float
    active: float
    until: float
    complete: bool = False
    missing: set[str] = field(default_factory=set)
    lost: float | None = None
    offered: tuple[str, float] | None = None
    granted: float = 0.0

    def renews(self, now: float, lease_s: float | None = None) -> None:
        """Start the lease anew, unless the work is done."""
        self.place.lease_s = lease_s or self.place.lease_s
        self.until = self.until if self.complete else now + self.place.lease_s

    def works(self, now: float) -> None:
        """Let the holder be active: that renews the lease."""
        self.active = now
        self.renews(now)

    def misses(self, what: str, now: float) -> None:
        """Begin the grace, or go on with it."""
        self.lost = now if self.lost is None else self.lost
        self.missing.add(what)

    def finds(self, what: str, now: float) -> None:
        """End the grace, once nothing is missing any more."""
        if what in self.missing:
            self.missing.remove(what)
            if not self.missing:
                self.lost = None
                self.works(now)

    def over(self, policy: Policy) -> tuple[float, str]:
        """Return when it is over if nothing happens, and how."""
        ends = [(self.began + policy.max_length_s, "expired")]
        if self.lost is not None:
            ends.append((self.lost + policy.grace_s, "device_lost" if "device" in self.missing else "client_lost"))
        else:
            ends.append((self.active + policy.idle_s, "idle"))
        if self.lost is None or self.complete:
            ends.append((self.until, "completed" if self.complete else "expired"))
        return min(ends)


@dataclass
class Moves:
    """How a floor stands. ``coming``: which admin takes over when, and whether who holds then waits on."""

    channel: bool = False
    rules: str = "plain"
    there: bool = False
    known: bool = True
    fence: int = 0
    holding: Holding | None = None
    waiting: list[Place] = field(default_factory=list)
    coming: tuple[str, float, bool] | None = None
    watching: dict[str, float] = field(default_factory=dict)
    cleans: bool = False
    dirty: bool = False
    cool_at: float | None = None
    past: list[tuple[int, str, str]] = field(default_factory=list)

    # How it stands

    @property
    def policy(self) -> Policy:
        """How it is shared."""
        return POLICIES[self.rules]

    @property
    def holder(self) -> str | None:
        """Who holds."""
        return self.holding.place.user if self.holding else None

    @property
    def queue(self) -> list[str]:
        """Who waits, in order."""
        return [place.user for place in self.waiting]

    @property
    def next(self) -> Place | None:
        """The first that is there."""
        return next((place for place in self.waiting if place.away is None), None)

    @property
    def state(self) -> str:
        """The word for it."""
        if self.holding:
            return "grace" if self.holding.lost is not None else "offered" if self.holding.offered else "active"
        return "resetting" if self.dirty else "cooling" if self.cool_at is not None else "free"

    @property
    def must_reset(self) -> bool:
        """Whether the device has to confirm that it is clean."""
        asked = self.policy.clean == "always" or (self.policy.clean == "declared" and self.cleans)
        return asked and self.known and not self.channel

    @property
    def over(self) -> tuple[float, str]:
        """When the session is over if nothing happens, and how; where people join, nobody leaves for nobody."""
        if self.holding is None or (self.policy.joins and not self.holding.missing and self.next is None):
            return inf, "expired"
        return self.holding.over(self.policy)

    @property
    def until(self) -> float | None:
        """When time alone changes something."""
        ends = [self.over[0], *self.watching.values()]
        ends += [self.cool_at] if self.cool_at is not None else []
        ends += [self.holding.offered[1]] if self.holding and self.holding.offered else []
        ends += [self.coming[1]] if self.coming else []
        ends += [place.away + self.policy.place_grace_s for place in self.waiting if place.away is not None]
        return None if isinf(min(ends)) else min(ends)

    def place(self, user: str) -> Place | None:
        """Return the place of somebody in the queue."""
        return next((place for place in self.waiting if place.user == user), None)

    # The moves

    def passes(self, now: float) -> None:
        """Let time pass."""
        if self.holding and self.holding.offered and self.holding.offered[1] <= now:
            self.holding.offered = None
        if self.coming and self.coming[1] <= now:
            self.takes_over(now)
        when, how = self.over
        if when <= now:
            self.ends(how, now)
        if self.cool_at is not None and self.cool_at <= now:
            self.cool_at = None
            self.next_is_granted(now)
        for place in list(self.waiting):
            if place.away is not None and place.away + self.policy.place_grace_s <= now:
                self.goes_away(place)
        self.watching = {user: until for user, until in self.watching.items() if until > now}

    def is_granted(self, place: Place, now: float) -> None:
        """Give it."""
        self.fence += 1
        self.cool_at, place.away, place.ahead = None, None, False
        self.holding = Holding(place, now, now, now + place.lease_s, granted=now)

    def next_is_granted(self, now: float) -> None:
        """Give it to the next, if it can be had."""
        place = self.next
        if place and self.there and self.state == "free":
            self.goes_away(place)
            self.is_granted(place, now)

    def ends(
        self, how: str, now: float, *, first: Place | None = None, rejoins: str | None = None, above: int = 0
    ) -> None:
        """End the session. *first* comes before all who wait; who held it may wait on as the ``next`` or ``last``.

        The next fence is *above* another, too.
        """
        was, self.holding = self.holding, None
        assert was is not None
        self.past.append((self.fence, was.place.user, how))
        self.fence = max(self.fence, above)
        self.dirty |= self.must_reset
        self.cool_at = now + self.policy.cooling_s if how in ABNORMAL and self.policy.cooling_s else None
        was.place.away = now if "client" in was.missing else None
        if rejoins == "next":
            self.is_put_first(was.place)
        elif rejoins == "last" or (self.policy.joins and how in ("idle", "expired", "client_lost")):
            was.place.since, was.place.priority = now, 0
            if how in ("idle", "expired"):
                was.place.missed = 0 if was.active > was.granted else was.place.missed + 1
            if was.place.missed < 2:
                self.lines_up(was.place)
        if first:
            self.is_put_first(first)
        self.next_is_granted(now)

    def is_put_first(self, place: Place) -> None:
        """Wait before all others, whatever they come with."""
        place.ahead = True
        self.waiting.insert(0, place)

    def lines_up(self, place: Place) -> None:
        """Wait behind all who came before, or have a greater head start."""
        at = len(self.waiting)
        while at and self.waiting[at - 1].rank(self.policy) > place.rank(self.policy):
            at -= 1
        self.waiting.insert(at, place)

    def goes_away(self, place: Place) -> None:
        """Wait no longer."""
        self.waiting = [each for each in self.waiting if each is not place]
        self.coming = None if self.coming and self.coming[0] == place.user else self.coming

    def takes_over(self, now: float) -> None:
        """Let the admin have it that said so before, if it is still there."""
        assert self.coming is not None
        (user, _at, requeue), self.coming = self.coming, None
        place = self.place(user)
        if self.holding and place and place.away is None:
            self.goes_away(place)
            self.ends("preempted", now, first=place, rejoins="next" if requeue else None)
