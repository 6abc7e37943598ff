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
from backend.core.principals import Principal
from backend.core.refusals import Code
from backend.features.sessions import views
from backend.features.sessions.messages import COMMAND, REPLY, REQUEST, RESULT, SESSION, Result
from backend.features.sessions.requests import answer
from backend.features.sessions.state import Policy, Running, Session
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
            answer(turn, who, asked, body)
        case Commanded(fence=fence, topic=topic):
            _commanded(turn, fence, topic)
        case Resulted(result=result):
            _resulted(turn, result)
        case PublishRefused():
            _publish_refused(turn, event)
        case _:
            _hear(turn, event)
    return turn.result(session)


# What the hardware does


def _commanded(turn: Turn, fence: int, topic: str) -> None:
    running = turn.session.running
    if running is None or fence != running.fence:
        turn.effects.append(MessageRefused(Code.STALE_FENCE, topic))
    elif turn.now - running.last_activity >= min(running.lease_s, turn.policy.idle_s) / 10:  # not a document for each
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
    after = turn.active(replace(running, output=data))
    if result.complete and not running.complete:
        after = replace(after, complete=True, expires_at=turn.now + turn.policy.linger_s)
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
            turn.run(_resumed(turn, running))
        case DeviceOnline():
            turn.change(reachable=True)
            turn.grant_next()
        case DeviceLost():
            turn.change(reachable=False)
            if running is not None:
                turn.end(running, "device_lost")
        case DirectoryChanged(devices=devices) if turn.session.device not in devices:
            if turn.session.provisioned:
                _remove(turn)
        case DirectoryChanged(principals=principals):
            turn.change(provisioned=True)
            _forget_removed_accounts(turn, principals)


def _resumed(turn: Turn, running: Running) -> Running:
    """Give the holder time to renew; and no more than it ever had, should the wall clock have been set back."""
    least = turn.now + turn.policy.restart_grace_s
    most = turn.now + max(running.lease_s, turn.policy.restart_grace_s)
    return replace(
        running,
        started_at=min(running.started_at, turn.now),
        expires_at=min(max(running.expires_at, least), most),
        last_activity=min(max(running.last_activity, least - turn.policy.idle_s), turn.now),
    )


def _remove(turn: Turn) -> None:
    """The device is gone for good: everybody is told, the topic is cleared, the fence stays."""
    running, waiters = turn.session.running, turn.session.queue
    turn.change(provisioned=False, reachable=False, queue=())
    if running is not None:
        turn.end(running, "device_lost")
    for waiter in waiters:
        turn.refuse(waiter.asked, Code.UNKNOWN_DEVICE)  # says more than that the place is gone
        turn.effects.append(views.left(turn.session, waiter, turn.now, "removed"))
    turn.effects.append(Publish(SESSION.at(device=turn.session.device), None, retain=True))


def _forget_removed_accounts(turn: Turn, principals: frozenset[str]) -> None:
    for waiter in turn.session.queue:
        if waiter.user not in principals:
            turn.drop(waiter.user, "removed")
    running = turn.session.running
    if running is not None and running.holder not in principals:
        turn.end(running, "kicked")
