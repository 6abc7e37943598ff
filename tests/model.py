"""A session in the fewest words: who holds, who waits, until when. The stateful tests ask it what must be true."""

from dataclasses import dataclass, field

from backend.features.sessions.policy import Policy

# All times are multiples of four seconds, so that every deadline is hit exactly, and nothing depends on how often a
# command renews a lease; but a finished session lingers for three, so that it is over at the next look.
GRID_S = 4.0
POLICY = Policy(
    lease_s=20, max_lease_s=40, max_length_s=100, idle_s=32, linger_s=3, restart_grace_s=16, max_queue=2, max_data=100
)
LEASES = (None, 8.0, 20.0, 40.0)


@dataclass
class Holding:
    """Somebody holds."""

    user: str
    lease_s: float
    since: float
    active: float
    until: float
    complete: bool = False

    @property
    def over_at(self) -> float:
        """When it is over if nothing happens."""
        return min(self.until, self.active + POLICY.idle_s, self.since + POLICY.max_length_s)


@dataclass
class Floor:
    """One device."""

    there: bool = False
    known: bool = True
    fence: int = 0
    holding: Holding | None = None
    waiting: list[tuple[str, float]] = field(default_factory=list)

    @property
    def holder(self) -> str | None:
        """Who holds."""
        return self.holding.user if self.holding else None

    @property
    def queue(self) -> list[str]:
        """Who waits, in order."""
        return [user for user, _lease_s in self.waiting]

    def passes(self, now: float) -> None:
        """Let time pass."""
        if self.holding and self.holding.over_at <= now:
            self.ends(now)

    def ends(self, now: float) -> None:
        """Free the device for the next one."""
        self.holding = None
        if self.there and self.waiting:
            self.is_granted(*self.waiting.pop(0), now)

    def is_granted(self, user: str, lease_s: float, now: float) -> None:
        """Give the device."""
        self.fence += 1
        self.holding = Holding(user, lease_s, now, now, now + lease_s)

    def claims(self, user: str, lease_s: float | None, now: float, *, wait: bool, another_job: bool = False) -> str:
        """Return the code of the answer."""
        lease = lease_s or POLICY.lease_s
        if self.holding and self.holding.user == user:
            self.holding.complete &= not another_job
            return self.renews(user, lease_s, now) and "granted"
        if user in self.queue:
            self.waiting[self.queue.index(user)] = (user, lease)
            return "queued"
        if self.there and not self.holding:
            self.is_granted(user, lease, now)
            return "granted"
        if not wait:
            return "busy" if self.holding else "device_offline"
        if len(self.waiting) == POLICY.max_queue:
            return "queue_full"
        self.waiting.append((user, lease))
        return "queued"

    def renews(self, user: str, lease_s: float | None, now: float) -> str:
        """Return the code of the answer."""
        if self.holding is None or self.holding.user != user:
            return "not_holder"
        self.holding.lease_s = lease_s or self.holding.lease_s
        self.extends(now)
        return "renewed"

    def extends(self, now: float) -> None:
        """Start the lease anew, unless the work is done."""
        if self.holding and not self.holding.complete:
            self.holding.until = now + self.holding.lease_s

    def updates(self, user: str, now: float) -> str:
        """Return the code of the answer."""
        if self.holding is None or self.holding.user != user:
            return "not_holder"
        self.holding.complete = False
        self.works(now)
        return "updated"

    def releases(self, user: str, now: float) -> str:
        """Return the code of the answer."""
        if self.holder != user:
            return "not_holder"
        self.ends(now)
        return "released"

    def leaves(self, user: str) -> str:
        """Return the code of the answer."""
        if user not in self.queue:
            return "not_waiting"
        del self.waiting[self.queue.index(user)]
        return "left"

    def is_kicked(self, by_admin: bool, user: str | None, now: float) -> str:
        """Return the code of the answer."""
        if not by_admin:
            return "forbidden"
        if self.holding and user in (None, self.holding.user):
            self.ends(now)
            return "kicked"
        if user is None:
            return "not_in_use"
        return "kicked" if self.leaves(user) == "left" else "not_waiting"

    def works(self, now: float) -> None:
        """Let the holder be active: that renews the lease."""
        if self.holding:
            self.holding.active = now
            self.extends(now)

    def is_commanded(self, fence: int, now: float) -> None:
        """Let a command pass; the moment of the last activity needs no second one."""
        if self.holding and fence == self.fence and now > self.holding.active:
            self.works(now)

    def results(self, fence: int, now: float, *, complete: bool) -> None:
        """Let the device report."""
        if self.holding is None or fence != self.fence:
            return
        self.works(now)
        if complete and not self.holding.complete:
            self.holding.complete, self.holding.until = True, now + POLICY.linger_s

    def comes(self, now: float) -> None:
        """Let the device be there."""
        self.there = True
        if self.holding is None:
            self.ends(now)

    def goes(self) -> None:
        """Let the device be gone."""
        self.there, self.holding = False, None

    def resumes(self, now: float) -> None:
        """Start the server again."""
        if self.holding:
            grace = now + POLICY.restart_grace_s
            most = now + max(self.holding.lease_s, POLICY.restart_grace_s)
            self.holding.until = min(max(self.holding.until, grace), most)
            self.holding.active = min(max(self.holding.active, grace - POLICY.idle_s), now)

    def directory(self, *, known: bool, users: frozenset[str], now: float) -> None:
        """Let devices and accounts come and go."""
        if not known and self.known:
            self.goes()
            self.waiting = []
        self.known = known
        if not known:
            return
        self.waiting = [(user, lease_s) for user, lease_s in self.waiting if user in users]
        if self.holding and self.holding.user not in users:
            self.ends(now)
