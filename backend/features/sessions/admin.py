"""What admins may order: who goes, who is next, and to have it themselves."""

from dataclasses import replace

from backend.core.effects import Asked
from backend.core.principals import Principal, Role
from backend.core.refusals import Code
from backend.features.sessions.asks import Demote, Kick, Order, Preempt, Promote, Reset
from backend.features.sessions.state import Preemption, Running, Waiter
from backend.features.sessions.turn import Turn


def order(turn: Turn, who: Principal, asked: Asked, body: Order) -> None:
    """Do what an admin orders."""
    if who.role is not Role.ADMIN or _takes_what_nobody_may(turn, body):
        turn.refuse(asked, Code.FORBIDDEN)
        return
    match body:
        case Kick(user=user):
            _kick(turn, who, asked, user)
        case Promote(user=user):
            _promote(turn, who, asked, user)
        case Demote():
            _demote(turn, who, asked)
        case Preempt():
            _preempt(turn, who, asked, body)
        case Reset():
            _reset(turn, asked)


def _takes_what_nobody_may(turn: Turn, body: Order) -> bool:
    """Tell whether it is an order to take it from its holder, and nobody may; an end can always be put to it."""
    held = turn.session.running is not None
    return held and turn.policy.take_over == "never" and isinstance(body, Promote | Demote | Preempt)


def _kick(turn: Turn, who: Principal, asked: Asked, user: str | None) -> None:
    running = turn.session.running
    if running is not None and user in (None, running.holder):
        turn.end(running, "kicked", by=who.name)
        turn.answer(asked, "kicked", running)
    elif user is not None and turn.drop(user, "kicked"):
        turn.answer(asked, "kicked")
    else:
        turn.refuse(asked, Code.NOT_WAITING if user is not None else Code.NOT_IN_USE)


def _promote(turn: Turn, who: Principal, asked: Asked, user: str | None) -> None:
    session, running = turn.session, turn.session.running
    waiter = session.waiter(user) if user is not None else session.next
    if waiter is None:
        turn.refuse(asked, Code.NOT_WAITING if user is not None else Code.NOBODY_WAITS)
        return
    turn.take_out(waiter)
    waiter = replace(waiter, away_since=None)
    if running is not None:
        turn.end(running, "preempted", by=who.name, first=waiter, rejoin="next")
    else:
        _wait_first(turn, waiter)
    turn.answer(asked, "promoted")


def _demote(turn: Turn, who: Principal, asked: Asked) -> None:
    running = turn.session.running
    if running is None:
        turn.refuse(asked, Code.NOT_IN_USE)
        return
    turn.end(running, "preempted", by=who.name, rejoin="last" if turn.session.next is not None else None)
    turn.answer(asked, "demoted", running)


def _preempt(turn: Turn, who: Principal, asked: Asked, body: Preempt) -> None:
    running = turn.session.running
    mine = turn.place_for(who, asked, body)
    refused = _bad_preemption(turn, running, mine)
    if refused is not None:
        turn.refuse(asked, refused)
        return
    if (waiting := turn.session.waiter(who.name)) is not None:
        turn.take_out(waiting)
        if waiting.asked != asked:
            turn.refuse(waiting.asked, Code.SUPERSEDED)
    if running is not None and body.in_s:
        _announce(turn, running, mine, body)
    elif running is not None:
        turn.end(running, "preempted", by=mine.user, first=mine, rejoin="next" if body.requeue else None)
    else:
        _wait_first(turn, mine)


def _announce(turn: Turn, running: Running, mine: Waiter, body: Preempt) -> None:
    """Wait as the first until the notice is over; another admin that gave notice waits on as others do."""
    other = turn.session.preemption
    coming = Preemption(mine.user, turn.now + body.in_s, body.requeue, body.why)
    turn.put_first(mine)
    turn.change(preemption=coming)
    turn.answer(mine.asked, "preempting", expires_in_s=body.in_s)
    turn.tell(running, "preempting", by=mine.user, in_s=body.in_s, why=body.why)
    if other is not None and (earlier := turn.session.waiter(other.by)) is not None:
        turn.tell_place(earlier)


def _wait_first(turn: Turn, waiter: Waiter) -> None:
    """Put somebody before all who wait; it is the next, or has it at once."""
    waiter = turn.put_first(waiter)
    turn.grant_next()
    if waiter in turn.session.queue:
        turn.tell_place(waiter)


def _bad_preemption(turn: Turn, running: Running | None, mine: Waiter) -> Code | None:
    if running is not None and running.holder == mine.user:
        return Code.ALREADY_YOURS
    if turn.too_long(mine.lease_s):
        return Code.LEASE_TOO_LONG
    return Code.TOO_LARGE if turn.too_large(mine.input) else None


def take_over(turn: Turn, coming: Preemption) -> None:
    """Let an admin have it whose notice is over; one that is away by now waits on as others do."""
    running, waiter = turn.session.running, turn.session.waiter(coming.by)
    turn.change(preemption=None)
    if running is not None and waiter is not None and waiter.away_since is None:
        turn.take_out(waiter)
        turn.end(running, "preempted", by=coming.by, first=waiter, rejoin="next" if coming.requeue else None)


def _reset(turn: Turn, asked: Asked) -> None:
    if not turn.session.dirty:
        turn.refuse(asked, Code.NOT_RESETTING)
        return
    turn.is_clean()
    turn.answer(asked, "reset")
