"""The moves of the session machine: each changes the session and says so."""

import uuid
from dataclasses import replace
from typing import Any, Literal

from backend.core.effects import Asked, Record
from backend.core.facts import SessionEnded
from backend.core.messages import merged
from backend.core.principals import Principal
from backend.core.refusals import Code
from backend.features.sessions import views
from backend.features.sessions.asks import Claim, Preempt
from backend.features.sessions.draft import Draft
from backend.features.sessions.messages import Ending
from backend.features.sessions.state import REMEMBERED, Past, Running, Waiter

_SESSION_IDS = uuid.uuid5(uuid.NAMESPACE_URL, "urn:talkstick:session")
_ABNORMAL = ("client_lost", "device_lost", "expired")
_REJOINING = ("idle", "expired", "client_lost")

_MISSED = 2  # turns that one lets pass unused; who does nothing then is taken to be gone, and makes room

Rejoin = Literal["next", "last"]


class Turn(Draft):
    """One step: what can be done with a session."""

    # Holding

    def grant(self, waiter: Waiter, heir_of: Running | None = None) -> None:
        """Give it, with a new fence; the heir of a session goes on with it."""
        fence = self.session.fence + 1
        running = Running(
            fence=fence,
            id=heir_of.id if heir_of else str(uuid.uuid5(_SESSION_IDS, f"{self.session.floor}/{fence}/{self.now}")),
            claim=waiter if waiter.is_plain else replace(waiter, away_since=None, ahead=False),
            lease_s=waiter.lease_s,
            started_at=self.now,
            began_at=heir_of.began_at if heir_of else self.now,
            last_activity=self.now,
            expires_at=self.now + waiter.lease_s,
            input=heir_of.input if heir_of else waiter.input,
        )
        if heir_of is not None:
            running = replace(
                running,
                output=heir_of.output,
                complete=heir_of.complete,
                job=heir_of.job,
                device_lost=heir_of.device_lost,
                lost_since=heir_of.lost_since if heir_of.device_lost else None,
            )
        self.change(fence=fence, running=running, reason="claimed", timeout=False, cooling_until=None)
        self.answer_holder(waiter.asked, "granted")
        self.tell(running, "granted", input=running.input)

    def grant_next(self) -> None:
        """Give it to the next in the queue, if it is free and there."""
        waiter = self.session.next
        if self.session.is_ready and waiter is not None:
            self.take_out(waiter)
            self.grant(waiter)

    def end(
        self,
        running: Running,
        reason: Ending,
        *,
        by: str | None = None,
        first: Waiter | None = None,
        rejoin: Rejoin | None = None,
    ) -> None:
        """End the session in progress, *by* the will of somebody else if so; the next in the queue gets it.

        *first* comes before all who wait. The holder that shall *rejoin* is the next after it, or the last of all.
        """
        cooling_s = self.policy.cooling_s if reason in _ABNORMAL else 0.0
        self._close(
            running,
            reason,
            by,
            timeout=reason in ("expired", "idle"),
            dirty=self.must_reset,
            cooling_until=self.now + cooling_s if cooling_s else None,
        )
        placed = self._line_up(running, reason, first, rejoin)
        if self.session.dirty:
            self.tell_floor("resetting")
        self.grant_next()
        for waiter, why in placed:
            if waiter in self.session.queue:
                self.tell_place(waiter, why)

    def _line_up(
        self, running: Running, reason: Ending, first: Waiter | None, rejoin: Rejoin | None
    ) -> list[tuple[Waiter, Ending | None]]:
        """Put into the queue who comes first, and the holder that waits on; return both, and why they are there."""
        placed: list[tuple[Waiter, Ending | None]] = []
        if rejoin is None and self.policy.joins and reason in _REJOINING:
            rejoin = "last"
        back = self._rejoined(running, reason, rejoin)
        if back is not None:
            placed.append((self.put_first(back) if rejoin == "next" else self._insert(back), reason))
        if first is not None:
            placed.insert(0, (self.put_first(first), None))
        return placed

    def hand_over(self, running: Running, heir: Waiter) -> None:
        """Give the session, as it is, to somebody else, in one step."""
        waiting = self.session.waiter(heir.user)
        self._close(running, "handed_over")
        if running.offer is not None:
            self.answer(running.offer.asked, "handed_over", running)
        if waiting is not None:
            self.take_out(waiting)
        self.grant(heir, running)
        if waiting is not None:
            self.answer_holder(waiting.asked, "granted")

    def _close(self, running: Running, reason: Ending, by: str | None = None, **fields: Any) -> None:
        """Say that a session is over, and keep it for the history."""
        held_s = self.now - running.started_at
        held = (*self.session.held, round(held_s, 1))[-REMEMBERED:]
        self.change(running=None, reason=reason, held=held, **fields)
        self.effects += [
            views.ended(self.session, running, self.now, reason, by),
            Record(Past(self.session.floor, running, self.now, reason, by)),
            SessionEnded(self.session.floor, reason, held_s),
        ]
        if running.offer is not None and reason != "handed_over":
            self.refuse(running.offer.asked, Code.OFFER_EXPIRED)

    def _rejoined(self, running: Running, reason: Ending, place: Rejoin | None) -> Waiter | None:
        """Return the claim of a holder that waits on; as the last it has no head start, or it would be the first."""
        if place is None:
            return None
        claim, missed = running.claim, running.claim.missed
        if reason in ("idle", "expired"):
            missed = 0 if running.is_used else missed + 1
        if missed >= _MISSED:
            self.refuse(claim.asked, Code.NOT_WAITING, reason=reason)
            return None
        if place == "last":
            claim = replace(claim, since=self.now, priority=0)
        return replace(
            claim,
            missed=missed,
            input=running.input,
            lease_s=running.lease_s,
            away_since=self.now if running.client_lost or reason == "client_lost" else None,
        )

    @property
    def must_reset(self) -> bool:
        """Tell whether the device has to confirm, after each session, that it is clean."""
        if self.session.is_channel or not self.session.provisioned:
            return False
        return self.policy.clean == "always" or (self.policy.clean == "declared" and self.session.cleans)

    def is_clean(self) -> None:
        """Note that the device confirmed `reset`."""
        self.change(dirty=False)
        self.tell_floor("reset")
        self.grant_next()

    # Waiting

    def place_for(self, who: Principal, asked: Asked, body: Claim | Preempt, priority: int = 0) -> Waiter:
        """Return the place in the queue that a request asks for."""
        return Waiter(
            user=who.name,
            name=who.display_name,
            client=body.client,
            type=body.type,
            priority=priority,
            lease_s=body.lease_s if body.lease_s is not None else self.policy.lease_s,
            input=merged({}, body.input),
            asked=asked,
            since=self.now,
        )

    def enqueue(self, waiter: Waiter) -> None:
        """Let somebody wait, behind all that came before it or have a greater head start."""
        if len(self.session.queue) >= self.policy.max_queue:
            self.refuse(waiter.asked, Code.QUEUE_FULL)
            return
        self._insert(waiter)
        self.tell_place(waiter)

    def put_first(self, waiter: Waiter) -> Waiter:
        """Let somebody wait before all others, whatever they come with; return its place."""
        waiter = replace(waiter, ahead=True)
        self.change(queue=(waiter, *self.session.queue))
        return waiter

    def _insert(self, waiter: Waiter) -> Waiter:
        queue, rank = self.session.queue, waiter.rank(self.policy)
        place = len(queue)
        while place > 0 and queue[place - 1].rank(self.policy) > rank:
            place -= 1
        self.change(queue=(*queue[:place], waiter, *queue[place:]))
        return waiter

    def take_out(self, waiter: Waiter) -> None:
        """Remove somebody from the queue without a word; if it had announced to take over, that is off."""
        self.change(queue=tuple(each for each in self.session.queue if each is not waiter))
        if self.session.preemption is not None and self.session.preemption.by == waiter.user:
            self.change(preemption=None)

    def drop(self, user: str, reason: str, code: Code = Code.NOT_WAITING) -> bool:
        """Take somebody out of the queue, and tell it; tell whether somebody was there."""
        waiter = self.session.waiter(user)
        if waiter is not None:
            self.take_out(waiter)
            self.effects.append(views.left(self.session, waiter, self.now, reason))
            self.refuse(waiter.asked, code, reason=reason)
        return waiter is not None

    # Living

    def renewed(self, running: Running, lease_s: float | None = None) -> Running:
        """Return the session with a fresh lease, of another length if one is given.

        Apps renew by themselves; who waits shall not wait for that when the work is done, so then nothing is gained.
        """
        lease_s = lease_s if lease_s is not None else running.lease_s
        expires_at = running.expires_at if running.complete else self.now + lease_s
        return replace(running, lease_s=lease_s, expires_at=expires_at)

    def active(self, running: Running) -> Running:
        """Return the session after a sign of life of its holder's work: that renews the lease and ends idleness."""
        return replace(self.renewed(running), last_activity=self.now)

    def touch(self, running: Running) -> None:
        """Note a sign of life; not each is worth a document."""
        if self.now - running.last_activity >= min(running.lease_s, self.policy.idle_s) / 10:
            self.run(self.active(running))
        else:
            self.run(replace(running, touched=self.now))
