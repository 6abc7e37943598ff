"""The moves of the session machine: each changes the session and says so. A turn is one step in the making."""

import uuid
from dataclasses import dataclass, field, replace
from typing import Any

from backend.core.desk import Effect
from backend.core.effects import Asked
from backend.core.messages import FreeJson, json_size
from backend.core.refusals import EXPLAINED, Code
from backend.features.sessions import views
from backend.features.sessions.messages import Ending
from backend.features.sessions.state import Policy, Running, Session, Waiter

_SESSION_IDS = uuid.uuid5(uuid.NAMESPACE_URL, "urn:talkstick:session")


@dataclass
class Turn:
    """The session as it becomes, and what is to be told."""

    policy: Policy
    session: Session
    now: float
    effects: list[Effect] = field(default_factory=list)

    def result(self, before: Session) -> tuple[Session, list[Effect]]:
        """Return the new session; where it changed, its document is published anew.

        The document goes out before the replies: the broker reads in it who may command, so a holder that acts on its
        reply at once is let through.
        """
        if self.session == before or not self.session.provisioned:
            return self.session, self.effects
        self.change(revision=before.revision + 1)
        return self.session, [views.document(self.session, self.policy, self.now), *self.effects]

    def change(self, **fields: Any) -> None:
        """Replace fields of the session."""
        self.session = replace(self.session, **fields)

    def run(self, running: Running) -> None:
        """Replace the session in progress."""
        self.change(running=running)

    def pass_time(self) -> None:
        """End the session in progress if its time is over."""
        running = self.session.running
        if running is not None:
            when, ending = running.ends(self.policy)
            if when <= self.now:
                self.end(running, ending)

    def grant(self, waiter: Waiter) -> None:
        """Give the device, with a new fence."""
        fence = self.session.fence + 1
        running = Running(
            fence=fence,
            id=str(uuid.uuid5(_SESSION_IDS, f"{self.session.device}/{fence}")),
            holder=waiter.user,
            holder_name=waiter.name,
            client=waiter.client,
            type=waiter.type,
            lease_s=waiter.lease_s,
            started_at=self.now,
            last_activity=self.now,
            expires_at=self.now + waiter.lease_s,
            input=waiter.input,
        )
        self.change(fence=fence, running=running, reason="claimed", timeout=False)
        self.answer_holder(waiter.asked, "granted")
        self.effects.append(views.of_running(self.session, running, self.now, "granted", input=running.input))

    def grant_next(self) -> None:
        """Give the device to the first in the queue, if it is free and there."""
        if self.session.running is None and self.session.reachable and self.session.queue:
            first, *others = self.session.queue
            self.change(queue=tuple(others))
            self.grant(first)

    def end(self, running: Running, reason: Ending) -> None:
        """End the session in progress; the next in the queue gets the device."""
        timed_out = reason in ("expired", "idle")
        self.change(running=None, reason=reason, timeout=timed_out)
        self.effects.append(views.ended(self.session, running, self.now, reason))
        self.grant_next()

    def enqueue(self, waiter: Waiter) -> None:
        """Let somebody wait, at the end of the queue."""
        if len(self.session.queue) >= self.policy.max_queue:
            self.refuse(waiter.asked, Code.QUEUE_FULL)
            return
        self.change(queue=(*self.session.queue, waiter))
        place = len(self.session.queue)
        self.effects.append(views.queued(self.session, self.policy, self.now, waiter.asked))
        self.effects.append(views.event(self.session, self.now, "queued", waiter.user, waiter.name, position=place))

    def drop(self, user: str, reason: str) -> bool:
        """Take somebody out of the queue; tell whether somebody was there."""
        gone = [waiter for waiter in self.session.queue if waiter.user == user]
        if gone:
            self.change(queue=tuple(waiter for waiter in self.session.queue if waiter.user != user))
            for waiter in gone:
                self.effects.append(views.left(self.session, waiter, self.now, reason))
                self.refuse(waiter.asked, Code.NOT_WAITING)
        return bool(gone)

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

    def refuse(self, asked: Asked, code: Code, **more: Any) -> None:
        """Say no; nothing changes."""
        self.effects.append(views.no(asked, code, f"{self.session.device}: {EXPLAINED[code]}", **more))

    def answer(self, asked: Asked, code: str, running: Running | None = None) -> None:
        """Say that it was done, to the session *running* if it is over by now."""
        fence = running.fence if running is not None else self.session.fence
        self.effects.append(views.done(asked, code, fence))

    def answer_holder(self, asked: Asked, code: str) -> None:
        """Tell the holder that it has the device, and for how long."""
        if self.session.running is not None:
            self.effects.append(views.held(self.session.running, self.policy, self.now, asked, code))

    def too_large(self, data: FreeJson) -> bool:
        """Tell whether the document would carry too much."""
        return json_size(data) > self.policy.max_data
