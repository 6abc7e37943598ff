"""How a session looks from outside: its document, its events, its replies."""

from math import isinf
from typing import Any

from backend.core.clock import iso
from backend.core.effects import Answer, Asked, Publish
from backend.core.floors import id_of
from backend.core.messages import Reply, refusal
from backend.core.refusals import EXPLAINED, Code
from backend.features.sessions.messages import (
    Ending,
    Happening,
    Notice,
    Place,
    SessionDocument,
    SessionEvent,
    SessionReply,
    event_topic,
    session_topic,
)
from backend.features.sessions.policy import Policy
from backend.features.sessions.state import Running, Session, Waiter


def document(session: Session, policy: Policy, now: float) -> Publish:
    """Return the retained session document as it stands now."""
    running = session.running
    claim = running.claim if running is not None else None
    until = ends_at(session, policy)
    body = SessionDocument(
        state=session.state,
        in_use=running is not None,
        session=running.id if running else None,
        type=claim.type if claim else None,
        holder=claim.user if claim else None,
        holder_name=claim.name if claim else None,
        client=claim.client if claim else None,
        fence=session.fence,
        started_at=iso(running.started_at) if running else None,
        last_activity=iso(max(running.last_activity, running.touched)) if running else None,
        expires_in_s=round(max(0.0, until - now), 1) if until is not None else None,
        expires_at=iso(until) if until is not None else None,
        timeout=session.timeout,
        input=running.input if running else {},
        job=running.job if running else 0,
        output=running.output if running else {},
        complete=running.complete if running else False,
        offered_to=running.offer.to if running and running.offer else None,
        notice=_notice(session, now),
        queue=_places(session, policy, now),
        observers=len(session.observers),
        reason=session.reason,
        revision=session.revision,
    )
    return Publish(session_topic(session.floor), body, retain=True)


def ends_at(session: Session, policy: Policy) -> float | None:
    """Return when what is shown ends by itself. None: it does not."""
    if session.state == "resetting":
        return None
    until = session.ends(policy)[0] if session.running is not None else session.cooling_until
    if session.running is not None and session.preemption is not None and until is not None:
        until = min(until, session.preemption.at)
    return None if until is None or isinf(until) else until


def _notice(session: Session, now: float) -> Notice | None:
    coming = session.preemption
    if coming is None:
        return None
    return Notice(by=coming.by, in_s=round(max(0.0, coming.at - now), 1), why=coming.why)


def _places(session: Session, policy: Policy, now: float) -> tuple[Place, ...]:
    if not session.queue:
        return ()
    estimates = session.estimates(policy, now)
    return tuple(
        Place(
            user=waiter.user,
            name=waiter.name,
            position=position,
            priority=waiter.priority,
            away=waiter.away_since is not None,
            eta_s=eta,
        )
        for position, (waiter, eta) in enumerate(zip(session.queue, estimates, strict=True), start=1)
    )


def held(session: Session, running: Running, policy: Policy, now: float, asked: Asked, code: str) -> Answer:
    """Return the answer to the holder: which session, and how long it lasts if nothing happens."""
    return yes(asked, code, session=running.id, fence=running.fence, expires_in_s=seconds_left(session, policy, now))


def seconds_left(session: Session, policy: Policy, now: float) -> float | None:
    """Return how long what is shown lasts. None: for as long as nothing happens."""
    until = ends_at(session, policy)
    return round(max(0.0, until - now), 1) if until is not None else None


def queued(session: Session, policy: Policy, now: float, waiter: Waiter, reason: Ending | None = None) -> Answer:
    """Return the answer that tells somebody its place; *reason* tells who did not ask how it lost what it held."""
    mine = next(place for place in _places(session, policy, now) if place.user == waiter.user)
    return yes(waiter.asked, "queued", position=mine.position, eta_s=mine.eta_s, reason=reason)


def busy(session: Session, running: Running, policy: Policy, now: float, asked: Asked) -> Answer:
    """Return the answer that says who holds it, and for how long."""
    left = seconds_left(session, policy, now)
    about = f" for about {left:.0f} s" if left is not None else ""
    text = f"{id_of(session.floor)} is held by {running.claim.name}{about}"
    return no(asked, Code.BUSY, text, retry_in_s=left, fence=session.fence)


def no(asked: Asked, code: Code, message: str, **more: Any) -> Answer:
    """Return a refusal."""
    return Answer(asked, refusal(asked.id, code, message, **more))


def yes(asked: Asked, code: str, **more: Any) -> Answer:
    """Return the answer that something was done."""
    return Answer(asked, SessionReply(id=asked.id, ok=True, code=code, **more))


def event(session: Session, now: float, what: Happening, user: str, name: str, /, **more: Any) -> Publish:
    """Return one line of the event stream."""
    more = {"fence": session.fence, **more}
    body = SessionEvent(event=what, at=iso(now), user=user, name=name, **more)
    return Publish(event_topic(session.floor), body)


def of_running(session: Session, running: Running, now: float, what: Happening, /, **more: Any) -> Publish:
    """Return an event of the session in progress."""
    claim = running.claim
    about = {"session": running.id, "fence": running.fence, "type": claim.type}
    return event(session, now, what, claim.user, claim.name, **about, **more)


def ended(session: Session, running: Running, now: float, reason: Ending, by: str | None) -> Publish:
    """Return the event that ends a session; it carries everything, since the document starts anew."""
    return of_running(
        session,
        running,
        now,
        "ended",
        reason=reason,
        by=by,
        input=running.input,
        output=running.output,
        complete=running.complete,
        held_s=round(now - running.started_at, 3),
    )


def left(session: Session, waiter: Waiter, now: float, reason: str) -> Publish:
    """Return the event of somebody who waits no longer."""
    return event(session, now, "left", waiter.user, waiter.name, reason=reason)


def reply_to_refused(topic: str, code: Code, reply_topic: str) -> Publish:
    """Return what a principal is told whose publish the broker refused."""
    return Publish(reply_topic, Reply(ok=False, code=code, message=f"{topic}: {EXPLAINED[code]}"))
