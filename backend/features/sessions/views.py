"""How a session looks from outside: its document, its events, its replies."""

from typing import Any

from backend.core.clock import iso
from backend.core.effects import Answer, Asked, Publish
from backend.core.messages import Reply, refusal
from backend.core.refusals import EXPLAINED, Code
from backend.features.sessions.messages import (
    EVENT,
    SESSION,
    Ending,
    Happening,
    Place,
    SessionDocument,
    SessionEvent,
    SessionReply,
)
from backend.features.sessions.state import Policy, Running, Session, Waiter


def document(session: Session, policy: Policy, now: float) -> Publish:
    """Return the retained session document as it stands now."""
    running = session.running
    ends_at = running.ends(policy)[0] if running is not None else None
    body = SessionDocument(
        state="free" if running is None else "active",
        in_use=running is not None,
        session=running.id if running else None,
        type=running.type if running else None,
        holder=running.holder if running else None,
        holder_name=running.holder_name if running else None,
        client=running.client if running else None,
        fence=session.fence,
        started_at=iso(running.started_at) if running else None,
        last_activity=iso(running.last_activity) if running else None,
        expires_in_s=round(max(0.0, ends_at - now), 1) if ends_at is not None else None,
        expires_at=iso(ends_at) if ends_at is not None else None,
        timeout=session.timeout,
        input=running.input if running else {},
        output=running.output if running else {},
        complete=running.complete if running else False,
        queue=_places(session, policy, now),
        reason=session.reason,
        revision=session.revision,
    )
    return Publish(SESSION.at(device=session.device), body, retain=True)


def _places(session: Session, policy: Policy, now: float) -> tuple[Place, ...]:
    estimates = session.estimates(policy, now)
    return tuple(
        Place(user=waiter.user, name=waiter.name, position=position, eta_s=eta)
        for position, (waiter, eta) in enumerate(zip(session.queue, estimates, strict=True), start=1)
    )


def held(running: Running, policy: Policy, now: float, asked: Asked, code: str) -> Answer:
    """Return the answer to the holder: which session, and how long it lasts if nothing happens."""
    left = round(max(0.0, running.ends(policy)[0] - now), 1)
    return _yes(asked, code, session=running.id, fence=running.fence, expires_in_s=left)


def queued(session: Session, policy: Policy, now: float, asked: Asked) -> Answer:
    """Return the answer that tells the place in the queue of the one who asked."""
    mine = next(
        place
        for place, waiter in zip(_places(session, policy, now), session.queue, strict=True)
        if waiter.asked == asked
    )
    return _yes(asked, "queued", position=mine.position, eta_s=mine.eta_s)


def done(asked: Asked, code: str, fence: int) -> Answer:
    """Return the answer to anything else that was done."""
    return _yes(asked, code, fence=fence)


def busy(session: Session, running: Running, policy: Policy, now: float, asked: Asked) -> Answer:
    """Return the answer that says who holds the device, and for how long."""
    left = round(max(0.0, running.ends(policy)[0] - now), 1)
    text = f"{session.device} is held by {running.holder_name} for about {left:.0f} s"
    return no(asked, Code.BUSY, text, retry_in_s=left, fence=session.fence)


def no(asked: Asked, code: Code, message: str, **more: Any) -> Answer:
    """Return a refusal."""
    return Answer(asked, refusal(asked.id, code, message, **more))


def _yes(asked: Asked, code: str, **more: Any) -> Answer:
    return Answer(asked, SessionReply(id=asked.id, ok=True, code=code, **more))


def event(session: Session, now: float, what: Happening, user: str, name: str, /, **more: Any) -> Publish:
    """Return one line of the event stream."""
    body = SessionEvent(event=what, at=iso(now), fence=session.fence, user=user, name=name, **more)
    return Publish(EVENT.at(device=session.device), body)


def of_running(session: Session, running: Running, now: float, what: Happening, /, **more: Any) -> Publish:
    """Return an event of the session in progress."""
    return event(session, now, what, running.holder, running.holder_name, session=running.id, type=running.type, **more)


def ended(session: Session, running: Running, now: float, reason: Ending) -> Publish:
    """Return the event that ends a session; it carries everything, since the document starts anew."""
    return of_running(
        session,
        running,
        now,
        "ended",
        reason=reason,
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
