"""The session machine of a device: one holder, a lease, a queue, a fence.

States: *free* (no ``running``) and *active*. Transitions:

    free    claim                          -> active   fence + 1
    active  release, kick, time, loss      -> free, or at once active for the first in the queue
    active  claim of another, waiting      -> active   one more in the queue

Invariants, tested against random histories: at most one holder; every grant raises the fence and nothing lowers it;
nobody waits for a device that is free and reachable; every claim is answered, and a waiting one is answered again when
its turn comes or the device is removed.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from backend.core.desk import Effect
from backend.core.effects import Asked, Publish
from backend.core.facts import (
    DeviceLost,
    DeviceOnline,
    DirectoryChanged,
    MessageRefused,
    PublishRefused,
    Resumed,
)
from backend.core.messages import Message, merged
from backend.core.principals import Principal, Role
from backend.core.refusals import Code
from backend.features.sessions import views
from backend.features.sessions.messages import (
    COMMAND,
    REPLY,
    REQUEST,
    RESULT,
    SESSION,
    Claim,
    Ending,
    Kick,
    Leave,
    Release,
    Renew,
    Result,
    Update,
)
from backend.features.sessions.state import Policy, Running, Session, Waiter
from backend.features.sessions.turn import Turn


@dataclass(frozen=True, slots=True)
class SessionAsked:
    """A principal asks something of a device's session."""

    device: str
    who: Principal
    asked: Asked
    body: Message


@dataclass(frozen=True, slots=True)
class Commanded:
    """A command went to the device; the broker let it pass, so it came from the holder."""

    device: str
    fence: int
    topic: str


@dataclass(frozen=True, slots=True)
class Resulted:
    """The device reports progress or the end of its work."""

    device: str
    result: Result


EVENTS = (SessionAsked, Commanded, Resulted, Resumed, DirectoryChanged, DeviceOnline, DeviceLost, PublishRefused)


def keys(event: object, known: Iterable[str]) -> list[str]:
    """Return the devices that an event concerns."""
    match event:
        case Resumed():
            return list(known)
        case DirectoryChanged(devices=devices):
            return sorted(devices.union(known))
        case PublishRefused(topic=topic):
            found = COMMAND.match(topic) or REQUEST.match(topic)
            return [found["device"]] if found is not None and found["device"] in known else []
        case _:
            return [event.device]  # type: ignore[attr-defined]


def until(policy: Policy, session: Session) -> float | None:
    """Return when time alone ends the session."""
    return session.running.ends(policy)[0] if session.running is not None else None


def step(policy: Policy, session: Session, event: object, now: float) -> tuple[Session, list[Effect]]:
    """Advance time to *now*, then apply *event* (None: time only)."""
    turn = Turn(policy, session, now)
    if not isinstance(event, Resumed):  # what ended while the server was down gets a grace instead
        turn.pass_time()
    match event:
        case SessionAsked(who=who, asked=asked, body=body):
            _asked(turn, who, asked, body)
        case Commanded(fence=fence, topic=topic):
            _commanded(turn, fence, topic)
        case Resulted(result=result):
            _resulted(turn, result)
        case PublishRefused():
            _publish_refused(turn, event)
        case _:
            _hear(turn, event)
    return turn.result(session)


# What people ask


def _asked(turn: Turn, who: Principal, asked: Asked, body: Message) -> None:
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
    data = merged(running.input, body.input)
    if turn.too_large(data):
        turn.refuse(asked, Code.TOO_LARGE)
        return
    running = replace(turn.renewed(running, body.lease_s), input=data)
    turn.run(running)
    turn.effects.append(views.granted(turn.session, running, turn.policy, turn.now, asked))


def _wait_on(turn: Turn, again: Waiter) -> None:
    """Who waits already keeps the place; the newer wishes and the newer request id count."""
    turn.change(queue=tuple(again if waiter.user == again.user else waiter for waiter in turn.session.queue))
    turn.effects.append(views.queued(turn.session, turn.policy, turn.now, again.asked))


def _kick(turn: Turn, who: Principal, asked: Asked, user: str | None) -> None:
    running = turn.session.running
    if who.role is not Role.ADMIN:
        turn.refuse(asked, Code.FORBIDDEN)
    elif running is not None and user in (None, running.holder):
        turn.end(running, Ending.KICKED)
        turn.answer(asked, "kicked", running)
    elif user is not None and turn.drop(user, "kicked"):
        turn.answer(asked, "kicked")
    else:
        turn.refuse(asked, Code.NOT_WAITING if user is not None else Code.NOT_HOLDER)


def _asked_by_holder(turn: Turn, who: Principal, asked: Asked, body: Renew | Update | Release) -> None:
    running = turn.session.running
    if running is None or running.holder != who.name:
        turn.refuse(asked, Code.NOT_HOLDER)
    elif body.fence not in (None, running.fence):
        turn.refuse(asked, Code.STALE_FENCE)
    elif isinstance(body, Release):
        turn.end(running, Ending.RELEASED)
        turn.answer(asked, "released", running)
    elif isinstance(body, Update):
        _update(turn, running, asked, body)
    elif body.lease_s is not None and body.lease_s > turn.policy.max_lease_s:
        turn.refuse(asked, Code.LEASE_TOO_LONG)
    else:
        turn.run(turn.renewed(running, body.lease_s))
        turn.answer(asked, "renewed")


def _update(turn: Turn, running: Running, asked: Asked, body: Update) -> None:
    data = merged(running.input, body.input)
    if turn.too_large(data):
        turn.refuse(asked, Code.TOO_LARGE)
        return
    running = replace(turn.active(running), input=data)
    if running.complete:  # another job in the same session
        running = replace(running, output={}, complete=False)
    turn.run(running)
    turn.effects.append(views.of_running(turn.session, running, turn.now, "updated", input=data))
    turn.answer(asked, "updated")


# What the hardware does


def _commanded(turn: Turn, fence: int, topic: str) -> None:
    running = turn.session.running
    if running is None or fence != running.fence:
        turn.effects.append(MessageRefused(Code.STALE_FENCE, topic))
    elif turn.now - running.last_activity >= running.lease_s / 10:  # not a new document for every command
        turn.run(turn.active(running))


def _resulted(turn: Turn, result: Result) -> None:
    running, topic = turn.session.running, RESULT.at(device=turn.session.device)
    if running is None or result.fence != running.fence:
        turn.effects.append(MessageRefused(Code.STALE_FENCE, topic))
        return
    data = merged(running.output, result.output)
    if turn.too_large(data):
        turn.effects.append(MessageRefused(Code.TOO_LARGE, topic))
        return
    after = replace(turn.active(running), output=data, complete=result.complete)
    if after.complete:
        after = replace(after, expires_at=min(running.expires_at, turn.now + turn.policy.linger_s))
    turn.run(after)
    if after.complete and not running.complete:
        turn.effects.append(views.of_running(turn.session, after, turn.now, "completed", output=data))


def _publish_refused(turn: Turn, refused: PublishRefused) -> None:
    to = REPLY.at(device=turn.session.device, principal=refused.principal)
    turn.effects.append(views.reply_to_refused(refused.topic, refused.code, to))


# What happens elsewhere


def _hear(turn: Turn, fact: object) -> None:
    running = turn.session.running
    match fact:
        case Resumed() if running is not None:
            least = turn.now + turn.policy.restart_grace_s
            active = max(running.last_activity, least - turn.policy.idle_s)
            turn.run(replace(running, expires_at=max(running.expires_at, least), last_activity=active))
        case DeviceOnline():
            turn.change(reachable=True)
            turn.grant_next()
        case DeviceLost():
            turn.change(reachable=False)
            if running is not None:
                turn.end(running, Ending.DEVICE_LOST)
        case DirectoryChanged(devices=devices) if turn.session.device not in devices:
            if turn.session.provisioned:
                _remove(turn)
        case DirectoryChanged(principals=principals):
            turn.change(provisioned=True)
            _forget_removed_accounts(turn, principals)


def _remove(turn: Turn) -> None:
    """The device is gone for good: everybody is told, the topic is cleared, the fence stays."""
    running, waiters = turn.session.running, turn.session.queue
    turn.change(provisioned=False, reachable=False, queue=())
    if running is not None:
        turn.end(running, Ending.DEVICE_LOST)
    for waiter in waiters:
        turn.refuse(waiter.asked, Code.UNKNOWN_DEVICE)
        turn.effects.append(views.left(turn.session, waiter, turn.now, "removed"))
    turn.effects.append(Publish(SESSION.at(device=turn.session.device), None, retain=True))


def _forget_removed_accounts(turn: Turn, principals: frozenset[str]) -> None:
    for waiter in turn.session.queue:
        if waiter.user not in principals:
            turn.drop(waiter.user, "removed")
    running = turn.session.running
    if running is not None and running.holder not in principals:
        turn.end(running, Ending.KICKED)
