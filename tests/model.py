"""A session in the fewest words: who holds, who waits, until when. The stateful tests ask it what must be true."""

from dataclasses import dataclass
from typing import Any

from backend.core.principals import Principal, Role
from tests.moves import Moves, Place

LEASES = (None, 8.0, 20.0, 40.0)
TOO_LONG_S = 44.0
HIGHEST_TOLD = 2**31 - 1

OF_THE_HOLDER = ("renew", "update", "release", "offer")
OF_ADMINS = ("kick", "promote", "demote", "preempt", "reset")


@dataclass
class Floor(Moves):
    """One device, or one channel."""

    # What is asked. Each returns the code of the first answer.

    def asked(self, who: Principal, action: str, now: float, *, here: bool = True, **keys: Any) -> str:
        """Do what is asked, *here*, or where admins order it for all floors; return the code of the first answer."""
        self.passes(now)
        if here and action != "leave":
            self.is_back(who.name, now)
        refused = self.refuses(who, action, **keys)
        code: str = refused or getattr(self, action)(who.name, now, **keys)
        self.passes(now)
        return code

    def refuses(
        self, who: Principal, action: str, *, fence: int | None = None, lease_s: float | None = None, **keys: Any
    ) -> str | None:
        """Return what is wrong with a request, whatever else is the case."""
        highest = 9 if who.role in (Role.ADMIN, Role.INTEGRATION) else self.policy.max_priority
        wrong = {
            "forbidden": action in OF_ADMINS and self.may_not(who, action),
            "not_holder": action in OF_THE_HOLDER and self.holder != who.name,
            "stale_fence": fence not in (None, self.fence),
            "not_offered": action == "accept" and not self.is_offered_to(who.name),
            "already_yours": action == "preempt" and self.holder == who.name,
            "lease_too_long": lease_s == TOO_LONG_S,
            "priority_too_high": keys.get("priority", 0) > highest,
        }
        return next((code for code, is_wrong in wrong.items() if is_wrong), None)

    def may_not(self, who: Principal, order: str) -> bool:
        """Tell whether somebody may not order that; where nobody may take it over, an end can still be put to it."""
        takes = self.holding is not None and order in ("promote", "demote", "preempt")
        return who.role is not Role.ADMIN or (takes and self.policy.take_over == "never")

    def claim(
        self, user: str, now: float, *, lease_s: float | None = None, wait: bool = False, priority: int = 0,
        another_job: bool = False,
    ) -> str:  # fmt: skip
        """Ask for it."""
        mine = Place(user, lease_s or self.policy.lease_s, priority, now)
        if self.holding and self.holder == user:
            self.holding.complete &= not another_job
            self.holding.renews(now, lease_s)
        elif before := self.place(user):
            before.lease_s, before.missed = mine.lease_s, 0
        elif self.there and self.state == "free":
            self.is_granted(mine, now)
        elif self.holding and self.policy.take_over == "priority" and priority > self.holding.place.priority:
            self.ends("preempted", now, first=mine, rejoins="next")
        elif not (wait or self.policy.joins):
            return "busy" if self.holding else self.state if self.there else "device_offline"
        elif len(self.waiting) >= self.policy.max_queue:
            return "queue_full"
        else:
            self.lines_up(mine)
        return "granted" if self.holder == user else "queued"

    def renew(self, _user: str, now: float, *, lease_s: float | None = None, **_fence: int) -> str:
        """Make the lease last longer."""
        assert self.holding is not None
        self.holding.renews(now, lease_s)
        return "renewed"

    def update(self, _user: str, now: float, **_fence: int) -> str:
        """Change the input."""
        assert self.holding is not None
        self.holding.complete = False
        self.holding.works(now)
        return "updated"

    def release(self, _user: str, now: float, **_fence: int) -> str:
        """Give it back."""
        self.ends("released", now)
        return "released"

    def leave(self, user: str, _now: float) -> str:
        """Wait no longer."""
        place = self.place(user)
        if place is None:
            return "not_waiting"
        self.goes_away(place)
        return "left"

    def offer(self, user: str, now: float, *, to: str | None = None, **_fence: int) -> str:
        """Offer it to somebody, or to the next."""
        assert self.holding is not None
        to = to or (self.next.user if self.next else None)
        if to in (None, user):
            return "already_yours" if to else "nobody_waits"
        self.holding.works(now)
        self.holding.offered = str(to), now + self.policy.offer_s
        return "offered"

    def is_offered_to(self, user: str) -> bool:
        """Tell whether somebody may accept."""
        return bool(self.holding and self.holding.offered and self.holding.offered[0] == user)

    def accept(self, user: str, now: float, *, lease_s: float | None = None) -> str:
        """Take what is offered, as it is; a device that is lost stays lost."""
        was, waits = self.holding, self.place(user)
        assert was is not None
        self.past.append((self.fence, was.place.user, "handed_over"))
        if waits:
            self.goes_away(waits)
        self.is_granted(Place(user, lease_s or self.policy.lease_s, was.place.priority, now), now)
        assert self.holding is not None
        self.holding.began, self.holding.complete = was.began, was.complete
        if "device" in was.missing:
            self.holding.missing, self.holding.lost = {"device"}, was.lost
        return "granted"

    def decline(self, user: str, _now: float) -> str:
        """Do not take it; or take the offer back."""
        if self.holding is None or self.holding.offered is None or user not in (self.holder, self.holding.offered[0]):
            return "not_offered"
        self.holding.offered = None
        return "declined"

    def observe(self, user: str, now: float, *, lease_s: float | None = None) -> str:
        """Be counted among those who watch."""
        self.watching[user] = now + (lease_s or self.policy.max_lease_s)
        return "observing"

    def unobserve(self, user: str, _now: float) -> str:
        """Be no longer counted."""
        return "unobserved" if self.watching.pop(user, None) else "not_observing"

    def kick(self, _admin: str, now: float, *, user: str | None = None) -> str:
        """End the session, or the wait, of somebody."""
        if self.holding and user in (None, self.holder):
            self.ends("kicked", now)
        elif user is None or self.leave(user, now) != "left":
            return "not_in_use" if user is None else "not_waiting"
        return "kicked"

    def promote(self, _admin: str, now: float, *, user: str | None = None) -> str:
        """Put somebody first; it is the next, or has it now."""
        place = self.place(user) if user else self.next
        if place is None:
            return "not_waiting" if user else "nobody_waits"
        self.goes_away(place)
        place.away = None
        self.comes_first(place, now, requeue=True)
        return "promoted"

    def demote(self, _admin: str, now: float) -> str:
        """Give it to the next; who held it waits on, if others do."""
        if self.holding is None:
            return "not_in_use"
        self.ends("preempted", now, rejoins="last" if self.next else None)
        return "demoted"

    def preempt(
        self, user: str, now: float, *, lease_s: float | None = None, requeue: bool = True, in_s: float = 0.0
    ) -> str:
        """Take it, now, or after a notice during which one waits as the first."""
        if before := self.place(user):
            self.goes_away(before)
        mine = Place(user, lease_s or self.policy.lease_s, 0, now)
        if self.holding and in_s:
            self.is_put_first(mine)
            self.coming = user, now + in_s, requeue
            return "preempting"
        self.comes_first(mine, now, requeue=requeue)
        return "granted" if self.holder == user else "queued"

    def comes_first(self, place: Place, now: float, *, requeue: bool) -> None:
        """Take it from who holds, or wait before all others."""
        if self.holding:
            self.ends("preempted", now, first=place, rejoins="next" if requeue else None)
        else:
            self.is_put_first(place)
            self.next_is_granted(now)

    def reset(self, _admin: str, now: float) -> str:
        """Say that the device is clean."""
        if not self.dirty:
            return "not_resetting"
        self.is_clean(now)
        return "reset"

    # What happens

    def is_clean(self, now: float) -> None:
        """Let the device be clean."""
        self.dirty = False
        self.next_is_granted(now)

    def is_used(self, fence: int, now: float) -> None:
        """Let a command pass, or data; the moment of the last activity needs no second one."""
        self.passes(now)
        if self.holding and fence == self.fence:
            self.is_back(self.holding.place.user, now)
            if now > self.holding.active:
                self.holding.works(now)

    def reports(self, fence: int, now: float, *, complete: bool = False, reset: bool = False) -> None:
        """Let the device report."""
        self.passes(now)
        if fence != self.fence:
            return
        if self.holding is None:
            if self.dirty and reset:
                self.is_clean(now)
            return
        self.holding.works(now)
        if complete and not self.holding.complete:
            self.holding.complete, self.holding.until = True, now + self.policy.linger_s

    def declares(self, cleans: bool, now: float) -> None:
        """Let the device tell whether it confirms that it is clean."""
        self.passes(now)
        self.cleans = cleans
        self.need_not_confirm(now)

    def need_not_confirm(self, now: float) -> None:
        """Wait for no confirmation that nobody asks for any more."""
        if self.dirty and not self.must_reset:
            self.is_clean(now)

    def tells_fence(self, fence: int, now: float) -> None:
        """Let the device tell the highest fence it has seen; who holds by an older one can do nothing with it."""
        self.passes(now)
        if not self.fence < fence <= HIGHEST_TOLD:
            return
        if self.holding:
            self.ends("stale_fence", now, above=fence + 1)
        self.fence = max(self.fence, fence + 1)

    def device_comes(self, now: float) -> None:
        """Let the device be there."""
        self.passes(now)
        self.there = True
        if self.holding:
            self.holding.finds("device", now)
        self.next_is_granted(now)

    def device_goes(self, now: float) -> None:
        """Let the device be gone."""
        self.passes(now)
        self.there = False
        if self.holding:
            self.holding.misses("device", now)
        self.passes(now)

    def user_comes(self, user: str, now: float) -> None:
        """Let an app of somebody be there."""
        self.passes(now)
        self.is_back(user, now)
        self.passes(now)

    def is_back(self, user: str, now: float) -> None:
        """Let somebody go on with what it has; whoever had overstayed is asked to go after what is said now."""
        if self.holding and self.holder == user:
            self.holding.finds("client", now)
        for place in self.waiting:
            place.away = None if place.user == user else place.away
        self.next_is_granted(now)

    def user_goes(self, user: str, now: float) -> None:
        """Let all apps of somebody be gone."""
        self.passes(now)
        self.watching.pop(user, None)
        if self.holding and self.holder == user:
            self.holding.misses("client", now)
        for place in self.waiting:
            place.away = now if place.user == user and place.away is None else place.away
        self.passes(now)

    def resumes(self, now: float) -> None:
        """Start the server again: nobody could do anything meanwhile, so nobody is blamed."""
        if self.holding:
            least = now + self.policy.restart_grace_s
            most = max(least, now + self.holding.place.lease_s)
            self.holding.until = min(max(self.holding.until, least), most)
            self.holding.active = min(max(self.holding.active, least - self.policy.idle_s), now)
            self.holding.lost = max(now, least - self.policy.grace_s) if self.holding.missing else None
            if self.holding.offered:
                self.holding.offered = self.holding.offered[0], now + self.policy.offer_s
        for place in self.waiting:
            place.since, place.away = min(place.since, now), now if place.away is not None else None
        self.cool_at = min(self.cool_at, now + self.policy.cooling_s) if self.cool_at is not None else None
        self.passes(now)

    def directory(self, *, known: bool, users: frozenset[str], rules: str, now: float) -> None:
        """Let devices, channels, accounts and rules come and go."""
        self.passes(now)
        if not known:
            self.is_removed(now)
            return
        self.known, self.rules, self.there = True, rules, self.there or self.channel
        for place in self.waiting:
            if place.user not in users:
                self.goes_away(place)
        self.watching = {user: until for user, until in self.watching.items() if user in users}
        if self.holding and self.holding.offered and self.holding.offered[0] not in users:
            self.holding.offered = None
        if self.holding and self.holder not in users:
            self.ends("kicked", now)
        self.need_not_confirm(now)
        self.passes(now)

    def is_removed(self, now: float) -> None:
        """Let the device or channel be removed; the fence stays."""
        self.known = self.there = False
        self.waiting, self.watching, self.coming = [], {}, None
        if self.holding:
            self.ends("kicked" if self.channel else "device_lost", now)
        self.cleans = self.dirty = False
        self.cool_at = None
