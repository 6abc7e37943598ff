"""What people may ask of a session, and what becomes of it."""

from dataclasses import replace

from backend.core.effects import Asked
from backend.core.messages import FreeJson, Message, merged
from backend.core.principals import Principal, Role
from backend.core.refusals import Code
from backend.features.sessions import views
from backend.features.sessions.messages import Claim, Kick, Leave, Release, Renew, Update
from backend.features.sessions.state import Running, Waiter
from backend.features.sessions.turn import Turn


def answer(turn: Turn, who: Principal, asked: Asked, body: Message) -> None:
    """Do what *who* asks, or refuse; either way there is an answer."""
    match body:
        case Claim():
            _claim(turn, who, asked, body)
        case Leave() if turn.drop(who.name, "left"):
            turn.answer(asked, "left")
        case Leave():
            turn.refuse(asked, Code.NOT_WAITING)
        case Kick():
            _kick(turn, who, asked, body.user)
        case Renew() | Update() | Release():
            _asked_by_holder(turn, who, asked, body)


def _claim(turn: Turn, who: Principal, asked: Asked, body: Claim) -> None:
    session, running = turn.session, turn.session.running
    refused = _bad_claim(turn, who, body)
    if refused is not None:
        turn.refuse(asked, refused)
    elif running is not None and running.holder == who.name:
        _claim_again(turn, running, asked, body)
    elif any(waiter.user == who.name for waiter in session.queue):
        _wait_on(turn, _waiter(turn, who, asked, body))
    elif running is None and session.reachable:
        turn.grant(_waiter(turn, who, asked, body))
    elif body.wait:
        turn.enqueue(_waiter(turn, who, asked, body))
    elif running is None:
        turn.refuse(asked, Code.DEVICE_OFFLINE)
    else:
        turn.effects.append(views.busy(session, running, turn.policy, turn.now, asked))


def _bad_claim(turn: Turn, who: Principal, body: Claim) -> Code | None:
    if body.for_ not in (None, who.name):
        return Code.NOT_YOURSELF
    if body.lease_s is not None and body.lease_s > turn.policy.max_lease_s:
        return Code.LEASE_TOO_LONG
    return Code.TOO_LARGE if turn.too_large(body.input) else None


def _waiter(turn: Turn, who: Principal, asked: Asked, body: Claim) -> Waiter:
    lease_s = body.lease_s if body.lease_s is not None else turn.policy.lease_s
    return Waiter(who.name, who.display_name, body.client, body.type, lease_s, merged({}, body.input), asked)


def _claim_again(turn: Turn, running: Running, asked: Asked, body: Claim) -> None:
    """The holder asks once more (another id, so no repetition): the same session, a fresh lease, new input merged."""
    after = _with_input(turn, running, body.input) if body.input else running
    if after is None:
        turn.refuse(asked, Code.TOO_LARGE)
        return
    after = turn.renewed(after, body.lease_s)
    turn.run(after)
    turn.answer_holder(asked, "granted")


def _wait_on(turn: Turn, again: Waiter) -> None:
    """Who waits already keeps the place; the newer wishes and the newer request id count."""
    for waiter in turn.session.queue:
        if waiter.user == again.user and waiter.asked != again.asked:
            turn.refuse(waiter.asked, Code.SUPERSEDED)
    turn.change(queue=tuple(again if waiter.user == again.user else waiter for waiter in turn.session.queue))
    turn.effects.append(views.queued(turn.session, turn.policy, turn.now, again.asked))


def _kick(turn: Turn, who: Principal, asked: Asked, user: str | None) -> None:
    running = turn.session.running
    if who.role is not Role.ADMIN:
        turn.refuse(asked, Code.FORBIDDEN)
    elif running is not None and user in (None, running.holder):
        turn.end(running, "kicked")
        turn.answer(asked, "kicked", running)
    elif user is not None and turn.drop(user, "kicked"):
        turn.answer(asked, "kicked")
    else:
        turn.refuse(asked, Code.NOT_WAITING if user is not None else Code.NOT_IN_USE)


def _asked_by_holder(turn: Turn, who: Principal, asked: Asked, body: Renew | Update | Release) -> None:
    running = turn.session.running
    if running is None or running.holder != who.name:
        turn.refuse(asked, Code.NOT_HOLDER)
    elif body.fence not in (None, running.fence):
        turn.refuse(asked, Code.STALE_FENCE)
    elif isinstance(body, Release):
        turn.end(running, "released")
        turn.answer(asked, "released", running)
    elif isinstance(body, Update):
        _update(turn, running, asked, body)
    elif body.lease_s is not None and body.lease_s > turn.policy.max_lease_s:
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
    turn.effects.append(views.of_running(turn.session, after, turn.now, "updated", input=after.input))
    turn.answer_holder(asked, "updated")


def _with_input(turn: Turn, running: Running, more: FreeJson) -> Running | None:
    """Return the session with more input, at work again if it was complete; None where that would be too much."""
    data = merged(running.input, more)
    if turn.too_large(data):
        return None
    if running.complete:  # another job in the same session
        running = replace(running, output={}, complete=False)
    return replace(running, input=data)
