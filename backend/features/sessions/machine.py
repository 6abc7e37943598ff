"""The session machine of a floor (a device, or a channel): one holder, a lease, a queue, a fence.

States, and what leads from one to the next:

    free       claim                              -> active     fence + 1
    active     offer                              -> offered    the holder holds on
    offered    accept                             -> active     another holder, fence + 1, the same session
               decline, time                      -> active
    active     last app or device lost            -> grace      the holder holds on
    grace      back, or a sign of life            -> active
    any held   release, kick, time, ...           -> resetting, if the device must confirm that it is clean; else
                                                     cooling, if it was lost and the policy asks for it; else
                                                     free, or at once active for the next in the queue
    resetting  the device confirms                -> cooling or free
    cooling    time                               -> free

Invariants, tested against random histories: at most one holder; every grant raises the fence and nothing lowers it;
nobody who is there waits for what is free, reachable, clean and cool; every claim is answered, and a waiting one is
answered again when its turn comes, or its place is gone.
"""

from dataclasses import dataclass, replace
from math import inf, isinf

from backend.core.desk import Effect, Known
from backend.core.effects import Publish
from backend.core.facts import (
    DeviceDeclared,
    DeviceLost,
    DeviceOnline,
    DirectoryChanged,
    FenceTold,
    FloorOrdered,
    FloorUsed,
    MessageRefused,
    PublishRefused,
    Resumed,
    StorageBack,
    UserLost,
    UserOnline,
)
from backend.core.floors import channel_floor, device_floor, floor_of
from backend.core.messages import merged
from backend.core.refusals import Code
from backend.features.sessions import admin, elsewhere, handover, views
from backend.features.sessions.asks import Demote, Kick, Leave, Order, Promote
from backend.features.sessions.messages import COMMAND, FLOOR_REQUEST, REQUEST, Result, reply_topic
from backend.features.sessions.policy import Policy
from backend.features.sessions.requests import SessionAsked, answer
from backend.features.sessions.state import Session
from backend.features.sessions.turn import Turn


@dataclass(frozen=True, slots=True)
class Commanded:
    """A command went to the device; the broker let it pass, so it came from the holder."""

    floor: str
    fence: int
    topic: str


@dataclass(frozen=True, slots=True)
class Resulted:
    """The device reports progress or the end of its work, or that it is clean."""

    floor: str
    result: Result
    topic: str


EVENTS = (
    SessionAsked, Commanded, Resulted, Resumed, StorageBack, DirectoryChanged, DeviceOnline, DeviceLost, DeviceDeclared,
    FenceTold, UserOnline, UserLost, FloorUsed, FloorOrdered, PublishRefused,
)  # fmt: skip


def keys(event: object, known: Known) -> list[str]:
    """Return the floors that an event concerns."""
    match event:
        case Resumed() | StorageBack():
            return list(known)
        case DirectoryChanged(devices=devices, channels=channels):
            return sorted({*map(device_floor, devices), *map(channel_floor, channels), *known})
        case UserOnline(user=user) | UserLost(user=user):
            return known.mentioning(user)
        case DeviceOnline() | DeviceLost() | DeviceDeclared() | FenceTold():
            return [device_floor(event.device)]
        case PublishRefused(topic=topic):
            floor = _floor_of(topic)
            return [floor] if floor in known else []
        case _:
            return [event.floor]  # type: ignore[attr-defined]


def _floor_of(topic: str) -> str:
    found = COMMAND.match(topic) or REQUEST.match(topic) or FLOOR_REQUEST.match(topic)
    return floor_of(found) if found is not None else ""


def until(policy: Policy, session: Session) -> float | None:
    """Return when time alone changes something."""
    policy = session.policy(policy)
    when = session.ends(policy)[0] if session.running is not None else session.cooling_until or inf
    if (running := session.running) is not None:
        when = min(when, running.offer.until if running.offer else inf)
    when = min(when, session.preemption.at if session.preemption else inf)
    for waiter in session.queue:
        if waiter.away_since is not None:
            when = min(when, waiter.away_since + policy.place_grace_s)
    for observer in session.observers:
        when = min(when, observer.until)
    return None if isinf(when) else when


def step(policy: Policy, session: Session, event: object, now: float) -> tuple[Session, list[Effect]]:
    """Advance time to *now*, then apply *event* (None: time only)."""
    turn = Turn(session.policy(policy), session, now)
    if not isinstance(event, Resumed | StorageBack):  # what ended while nobody could ask gets a grace instead
        _pass_time(turn)
    match event:
        case SessionAsked():
            _asked(turn, event)
        case Commanded(fence=fence, topic=topic):
            _commanded(turn, fence, topic)
        case FloorUsed(fence=fence):
            _used(turn, fence)
        case Resulted(result=result, topic=topic):
            _resulted(turn, result, topic)
        case FloorOrdered():
            _ordered(turn, event)
        case PublishRefused():
            _publish_refused(turn, event)
        case _:
            elsewhere.hear(turn, policy, event)
    _pass_time(turn)  # a grace of no length is over at once
    return turn.result(session)


def _pass_time(turn: Turn) -> None:
    running, coming = turn.session.running, turn.session.preemption
    if running is not None and running.offer is not None and running.offer.until <= turn.now:
        handover.expire(turn, running, running.offer)
    if coming is not None and coming.at <= turn.now:
        admin.take_over(turn, coming)
    _end_by_time(turn)
    for waiter in turn.session.queue:
        if waiter.away_since is not None and waiter.away_since + turn.policy.place_grace_s <= turn.now:
            turn.drop(waiter.user, "client_lost", Code.CLIENT_LOST)
    if any(observer.until <= turn.now for observer in turn.session.observers):
        turn.change(observers=tuple(each for each in turn.session.observers if each.until > turn.now))


def _end_by_time(turn: Turn) -> None:
    running = turn.session.running
    if running is not None:
        when, ending = turn.session.ends(turn.policy)
        if when <= turn.now:
            turn.end(running, ending)
    if turn.session.cooling_until is not None and turn.session.cooling_until <= turn.now:
        turn.change(cooling_until=None)
        turn.grant_next()


def _asked(turn: Turn, asked: SessionAsked) -> None:
    if not isinstance(asked.body, Leave):  # who leaves shall not be given what it no longer wants
        elsewhere.user_is_back(turn, asked.who.name)
    answer(turn, asked)


# What the hardware does, and what is sent through a channel


def _commanded(turn: Turn, fence: int, topic: str) -> None:
    running = turn.session.running
    if running is None or fence != running.fence:
        turn.effects.append(MessageRefused(Code.STALE_FENCE, topic))
        return
    _used(turn, fence)


def _used(turn: Turn, fence: int) -> None:
    running = turn.session.running
    if running is None or fence != running.fence:
        return
    elsewhere.user_is_back(turn, running.holder)
    if turn.session.running is not None:
        turn.touch(turn.session.running)


def _resulted(turn: Turn, result: Result, topic: str) -> None:
    session, running = turn.session, turn.session.running
    if result.fence != session.fence or (running is None and not result.reset):
        turn.effects.append(MessageRefused(Code.STALE_FENCE, topic))
    elif running is None:
        if session.dirty:  # else it is said twice
            turn.is_clean()
    elif result.job is not None and result.job != running.job:
        turn.effects.append(MessageRefused(Code.STALE_JOB, topic))
    else:
        _merge(turn, result, topic)


def _merge(turn: Turn, result: Result, topic: str) -> None:
    running = turn.session.running
    if running is None:
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
        turn.tell(after, "completed", output=data)


# What is ordered, or was refused, elsewhere


def _ordered(turn: Turn, ordered: FloorOrdered) -> None:
    body: Order
    match ordered.action:
        case "kick":
            body = Kick(action="kick", user=ordered.user)
        case "promote":
            body = Promote(action="promote", user=ordered.user)
        case "demote":
            body = Demote(action="demote")
    admin.order(turn, ordered.who, ordered.asked, body)


def _publish_refused(turn: Turn, refused: PublishRefused) -> None:
    to = reply_topic(turn.session.floor, refused.principal)
    reply: Publish = views.reply_to_refused(refused.topic, refused.code, to)
    turn.effects.append(reply)
