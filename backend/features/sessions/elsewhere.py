"""What a session hears of the rest: who is there and who is gone, which floors and accounts there are."""

from dataclasses import replace

from backend.core.effects import Publish
from backend.core.facts import (
    DeviceDeclared,
    DeviceLost,
    DeviceOnline,
    DirectoryChanged,
    FenceTold,
    MessageRefused,
    Resumed,
    StorageBack,
    UserLost,
    UserOnline,
)
from backend.core.floors import id_of
from backend.core.messages import UINT32
from backend.core.refusals import Code
from backend.features.sessions import handover
from backend.features.sessions.asks import MAX_NOTICE_S
from backend.features.sessions.messages import session_topic
from backend.features.sessions.policy import Policy
from backend.features.sessions.state import Running, Waiter
from backend.features.sessions.turn import Turn

_MAX_TOLD = UINT32 // 2  # fences above are for grants: no board can use them up by what it tells


def hear(turn: Turn, policy: Policy, fact: object) -> None:
    """Apply a fact; *policy* is that of devices without rules of their own."""
    match fact:
        case Resumed() | StorageBack():
            _resume(turn)
        case DeviceOnline() | DeviceLost() | DeviceDeclared() | FenceTold():
            _hear_of_device(turn, fact)
        case UserOnline(user=user):
            user_is_back(turn, user)
        case UserLost(user=user):
            _user_is_lost(turn, user)
        case DirectoryChanged():
            _directory_changed(turn, policy, fact)


# Devices


def _hear_of_device(turn: Turn, fact: DeviceOnline | DeviceLost | DeviceDeclared | FenceTold) -> None:
    match fact:
        case DeviceOnline():
            _device_is_back(turn)
        case DeviceLost():
            _device_is_lost(turn)
        case DeviceDeclared(cleans=cleans):
            turn.change(cleans=cleans)
            _need_not_confirm(turn)
        case FenceTold(fence=fence, topic=topic):
            _device_is_ahead(turn, fence, topic)


def _device_is_back(turn: Turn) -> None:
    running = turn.session.running
    turn.change(reachable=True)
    if running is not None and running.device_lost:
        _recover(turn, replace(running, device_lost=False), "device_lost")
    turn.grant_next()


def _device_is_lost(turn: Turn) -> None:
    running = turn.session.running
    turn.change(reachable=False)
    if running is not None and not running.device_lost:
        _lose(turn, replace(running, device_lost=True), "device_lost")


def _device_is_ahead(turn: Turn, fence: int, topic: str) -> None:
    """Go on above what the device has seen: an older database was restored, and its fences were given out before.

    The session in progress ends, since the device refuses it. One fence is left out, and is nobody's: with it the
    document is newer than any that the device knows.
    """
    if fence <= turn.session.fence:
        return
    if fence > _MAX_TOLD:
        turn.effects.append(MessageRefused(Code.BAD_MESSAGE, topic, f"fence {fence} is above {_MAX_TOLD}"))
        return
    turn.change(fence=fence + 1)
    if turn.session.running is not None:
        turn.end(turn.session.running, "stale_fence")


def _need_not_confirm(turn: Turn) -> None:
    """Go on where a device should confirm what it, or its policy, does not know any more."""
    if turn.session.dirty and not turn.must_reset:
        turn.is_clean()


# People


def _user_is_lost(turn: Turn, user: str) -> None:
    session, running = turn.session, turn.session.running
    turn.change(
        queue=tuple(
            replace(each, away_since=turn.now) if each.user == user and each.away_since is None else each
            for each in session.queue
        ),
        observers=tuple(each for each in session.observers if each.user != user),
    )
    if running is not None and running.holder == user and not running.client_lost:
        _lose(turn, replace(running, client_lost=True), "client_lost")


def user_is_back(turn: Turn, user: str) -> None:
    """Note that somebody is there (again): it goes on with what it has."""
    session, running = turn.session, turn.session.running
    waiter = session.waiter(user)
    if waiter is not None and waiter.away_since is not None:
        turn.change(queue=tuple(replace(each, away_since=None) if each is waiter else each for each in session.queue))
        turn.grant_next()
    if running is not None and running.holder == user and running.client_lost:
        _recover(turn, replace(running, client_lost=False), "client_lost")


def _lose(turn: Turn, running: Running, reason: str) -> None:
    lost_since = running.lost_since if running.lost_since is not None else turn.now
    turn.run(replace(running, lost_since=lost_since))
    in_s = round(max(0.0, lost_since + turn.policy.grace_s - turn.now), 1)
    turn.tell(running, "lost", reason=reason, in_s=in_s)


def _recover(turn: Turn, running: Running, reason: str) -> None:
    """Go on with the session once nobody is missing any more."""
    if not (running.client_lost or running.device_lost):
        running = turn.active(replace(running, lost_since=None))
    turn.run(running)
    turn.tell(running, "returned", reason=reason)


# The server


def _resume(turn: Turn) -> None:
    """Go on after a restart, or after the broker was away: nobody could do anything meanwhile, so nobody is blamed."""
    running = turn.session.running
    if running is not None:
        turn.run(_resumed(turn, running))
    cooling_until, coming = turn.session.cooling_until, turn.session.preemption
    turn.change(
        preemption=replace(coming, at=min(coming.at, turn.now + MAX_NOTICE_S)) if coming is not None else None,
        queue=tuple(_waiting_on(each, turn.now) for each in turn.session.queue),
        cooling_until=min(cooling_until, turn.now + turn.policy.cooling_s) if cooling_until is not None else None,
    )
    if running is not None or turn.session.queue:
        turn.tell_who()  # nobody else remembers


def _waiting_on(waiter: Waiter, now: float) -> Waiter:
    """Give who is away the whole time to come back; and let nobody who comes now be before who waits already."""
    return replace(waiter, since=min(waiter.since, now), away_since=now if waiter.away_since is not None else None)


def _resumed(turn: Turn, running: Running) -> Running:
    """Give the holder time to renew; and no more than it ever had, should the wall clock have been set back.

    Who was missing has its whole grace again, and the time to renew if that is longer: a broker that is stopped
    publishes the last wills of all, and boards need seconds to be back.
    """
    least = turn.now + turn.policy.restart_grace_s
    most = turn.now + max(running.lease_s, turn.policy.restart_grace_s)
    lost_since = max(turn.now, least - turn.policy.grace_s)
    offer = running.offer
    return replace(
        running,
        started_at=min(running.started_at, turn.now),
        began_at=min(running.began_at, turn.now),
        expires_at=min(max(running.expires_at, least), most),
        last_activity=min(max(running.last_activity, least - turn.policy.idle_s), turn.now),
        touched=0.0,
        lost_since=lost_since if running.lost_since is not None else None,
        offer=replace(offer, until=turn.now + turn.policy.offer_s) if offer is not None else None,
    )


# Accounts, devices, channels


def _directory_changed(turn: Turn, policy: Policy, changed: DirectoryChanged) -> None:
    floor = turn.session.floor
    if id_of(floor) not in (changed.channels if turn.session.is_channel else changed.devices):
        if turn.session.provisioned:
            _remove(turn)
        return
    turn.change(provisioned=True, rules=changed.rules.get(floor, ()))
    turn.policy = turn.session.policy(policy)
    if turn.session.is_channel and not turn.session.reachable:
        turn.change(reachable=True)
    _forget_removed_accounts(turn, changed.principals)
    _need_not_confirm(turn)


def _remove(turn: Turn) -> None:
    """The floor is gone for good: everybody is told, the topic is cleared, the fence stays."""
    gone = Code.UNKNOWN_CHANNEL if turn.session.is_channel else Code.UNKNOWN_DEVICE
    for waiter in turn.session.queue:
        turn.drop(waiter.user, "removed", gone)
    turn.change(provisioned=False, reachable=False, observers=())
    if turn.session.running is not None:
        turn.end(turn.session.running, "kicked" if turn.session.is_channel else "device_lost")
    turn.change(cleans=False, dirty=False, cooling_until=None)
    turn.effects.append(Publish(session_topic(turn.session.floor), None, retain=True))


def _forget_removed_accounts(turn: Turn, principals: frozenset[str]) -> None:
    for waiter in turn.session.queue:
        if waiter.user not in principals:
            turn.drop(waiter.user, "removed")
    turn.change(observers=tuple(each for each in turn.session.observers if each.user in principals))
    running = turn.session.running
    if running is not None and running.offer is not None and running.offer.to not in principals:
        handover.expire(turn, running, running.offer)
    running = turn.session.running
    if running is not None and running.holder not in principals:
        turn.end(running, "kicked")
