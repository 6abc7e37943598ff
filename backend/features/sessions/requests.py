"""What people may ask of a session, and what becomes of it."""

from dataclasses import dataclass, replace

from backend.core.effects import Asked, Consult
from backend.core.messages import FreeJson, Message, merged
from backend.core.principals import Principal, Role
from backend.core.refusals import Code
from backend.features.sessions import admin, handover, views
from backend.features.sessions.asks import (
    Accept,
    Claim,
    Decline,
    Demote,
    History,
    Kick,
    Leave,
    Observe,
    Offer,
    Preempt,
    Promote,
    Release,
    Renew,
    Reset,
    Unobserve,
    Update,
)
from backend.features.sessions.policy import MAX_PRIORITY
from backend.features.sessions.state import HistoryAsked, Observer, Running, Waiter
from backend.features.sessions.turn import Turn

MAX_OBSERVERS = 1000
_STANDING = (Role.ADMIN, Role.INTEGRATION)  # who may ask for any priority


@dataclass(frozen=True, slots=True)
class SessionAsked:
    """A principal asks something of a floor's session; ``other`` is whom it names."""

    floor: str
    who: Principal
    asked: Asked
    body: Message
    other: Principal | None = None


def answer(turn: Turn, ask: SessionAsked) -> None:
    """Do what is asked, or refuse; either way there is an answer."""
    who, asked = ask.who, ask.asked
    match ask.body:
        case Claim() as body:
            _claim(turn, who, asked, body)
        case Leave():
            _leave(turn, who, asked)
        case Renew() | Update() | Release() | Offer() as body:
            _asked_by_holder(turn, ask, body)
        case Accept() | Decline() as body:
            handover.answer(turn, who, asked, body)
        case Observe() | Unobserve() as body:
            _watch(turn, who, asked, body)
        case History(limit=limit, before=before):
            turn.effects.append(Consult(asked, HistoryAsked(turn.session.floor, limit, before)))
        case Kick() | Promote() | Demote() | Preempt() | Reset() as body:
            admin.order(turn, who, asked, body)


# Claiming


def _claim(turn: Turn, who: Principal, asked: Asked, body: Claim) -> None:
    session, running = turn.session, turn.session.running
    refused = _bad_claim(turn, who, body)
    waiter = turn.place_for(who, asked, body, body.priority)
    if refused is not None:
        turn.refuse(asked, refused)
    elif running is not None and running.holder == who.name:
        _claim_again(turn, running, asked, body)
    elif (before := session.waiter(who.name)) is not None:
        _wait_on(turn, before, waiter)
    elif session.is_ready and session.next is None:
        turn.grant(waiter)
    elif running is not None and turn.policy.take_over == "priority" and body.priority > running.claim.priority:
        turn.end(running, "preempted", by=who.name, first=waiter, rejoin="next")
    elif body.wait or turn.policy.joins:
        turn.enqueue(waiter)
    else:
        _say_why_not(turn, asked)


def _bad_claim(turn: Turn, who: Principal, body: Claim) -> Code | None:
    if turn.too_long(body.lease_s):
        return Code.LEASE_TOO_LONG
    if body.priority > (MAX_PRIORITY if who.role in _STANDING else turn.policy.max_priority):
        return Code.PRIORITY_TOO_HIGH
    return Code.TOO_LARGE if turn.too_large(body.input) else None


def _say_why_not(turn: Turn, asked: Asked) -> None:
    session = turn.session
    if session.running is not None:
        turn.effects.append(views.busy(session, session.running, turn.policy, turn.now, asked))
    elif not session.reachable:
        turn.refuse(asked, Code.DEVICE_OFFLINE)
    elif session.dirty:
        turn.refuse(asked, Code.RESETTING)
    else:
        turn.refuse(asked, Code.COOLING, retry_in_s=views.seconds_left(session, turn.policy, turn.now))


def _claim_again(turn: Turn, running: Running, asked: Asked, body: Claim) -> None:
    """The holder asks once more (another id, so no repetition): the same session, a fresh lease, new input merged."""
    after = _with_input(turn, running, body.input) if body.input else running
    if after is None:
        turn.refuse(asked, Code.TOO_LARGE)
        return
    turn.run(turn.renewed(after, body.lease_s))
    turn.answer_holder(asked, "granted")


def _wait_on(turn: Turn, before: Waiter, again: Waiter) -> None:
    """Who waits already keeps the place; the newer wishes and the newer request id count."""
    if before.asked != again.asked:
        turn.refuse(before.asked, Code.SUPERSEDED)
    kept = replace(again, since=before.since, priority=before.priority, ahead=before.ahead)
    turn.change(queue=tuple(kept if waiter is before else waiter for waiter in turn.session.queue))
    turn.effects.append(views.queued(turn.session, turn.policy, turn.now, kept))


def _leave(turn: Turn, who: Principal, asked: Asked) -> None:
    if turn.drop(who.name, "left"):
        turn.answer(asked, "left")
    else:
        turn.refuse(asked, Code.NOT_WAITING)


# Holding


def _asked_by_holder(turn: Turn, ask: SessionAsked, body: Renew | Update | Release | Offer) -> None:
    running, asked = turn.session.running, ask.asked
    if running is None or running.holder != ask.who.name:
        turn.refuse(asked, Code.NOT_HOLDER)
    elif body.fence not in (None, running.fence):
        turn.refuse(asked, Code.STALE_FENCE)
    elif isinstance(body, Release):
        turn.end(running, "released")
        turn.answer(asked, "released", running)
    elif isinstance(body, Update):
        _update(turn, running, asked, body)
    elif isinstance(body, Offer):
        handover.offer(turn, running, asked, ask.other)
    elif turn.too_long(body.lease_s):
        turn.refuse(asked, Code.LEASE_TOO_LONG)
    else:
        turn.run(turn.renewed(running, body.lease_s))
        turn.answer_holder(asked, "renewed")


def _update(turn: Turn, running: Running, asked: Asked, body: Update) -> None:
    after = _with_input(turn, running, body.input)
    if after is None:
        turn.refuse(asked, Code.TOO_LARGE)
        return
    after = turn.active(after)
    turn.run(after)
    turn.tell(after, "updated", input=after.input)
    turn.answer_holder(asked, "updated")


def _with_input(turn: Turn, running: Running, more: FreeJson) -> Running | None:
    """Return the session with more input, at work again if it was complete; None where that would be too much."""
    data = merged(running.input, more)
    if turn.too_large(data):
        return None
    if running.complete:  # another job in the same session
        running = replace(running, output={}, complete=False)
    return replace(running, input=data, job=running.job + 1)


# Watching


def _watch(turn: Turn, who: Principal, asked: Asked, body: Observe | Unobserve) -> None:
    others = tuple(each for each in turn.session.observers if each.user != who.name)
    if isinstance(body, Observe):
        _observe(turn, who, asked, body.lease_s, others)
    elif others == turn.session.observers:
        turn.refuse(asked, Code.NOT_OBSERVING)
    else:
        turn.change(observers=others)
        turn.answer(asked, "unobserved")


def _observe(turn: Turn, who: Principal, asked: Asked, lease_s: float | None, others: tuple[Observer, ...]) -> None:
    if turn.too_long(lease_s):
        turn.refuse(asked, Code.LEASE_TOO_LONG)
    elif len(others) >= MAX_OBSERVERS:
        turn.refuse(asked, Code.TOO_MANY)
    else:
        lease_s = lease_s if lease_s is not None else turn.policy.max_lease_s
        turn.change(observers=(*others, Observer(who.name, turn.now + lease_s)))
        turn.answer(asked, "observing", expires_in_s=lease_s)
