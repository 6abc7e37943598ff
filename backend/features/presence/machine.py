"""Who is really there. One machine per device.

A last will is doubted for a moment (``debounce_s``): a device that comes back at once was never gone. A will or goodbye
of an older boot never overwrites a newer birth. Silence (``heartbeat_s``) makes a device lost whatever the broker says:
half-open connections and power cuts leave no will in time. Neither does a secret that becomes void: whoever ended the
connection says so. After a restart nobody knows, so the state is ``unknown``
until the device is seen; a retained status proves nothing.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from backend.core.clock import iso
from backend.core.desk import Effect
from backend.core.effects import Publish
from backend.core.facts import (
    DeviceBooted,
    DeviceHeard,
    DeviceLost,
    DeviceOnline,
    DirectoryChanged,
    FenceTold,
    MessageRefused,
    Resumed,
    SecretsChanged,
)
from backend.core.liveness import GONE, Limits, is_late
from backend.core.refusals import Code
from backend.features.presence.messages import (
    INFO,
    MAX_NAP_S,
    PRESENCE,
    STATUS,
    TELEMETRY,
    PresenceDocument,
    PresenceReason,
    PresenceState,
    Status,
)

RETAINED = (STATUS, PRESENCE, INFO, TELEMETRY)


@dataclass(frozen=True, slots=True)
class StatusSaid:
    """The device, or the broker in its name, said how it is."""

    device: str
    status: Status
    retained: bool = False


@dataclass(frozen=True, slots=True)
class Presence:
    """What is known of one device.

    ``seen``: it was there once; ``born_at``: when it said so last. ``asleep_until``: what it announced last.
    """

    device: str
    provisioned: bool = False
    state: PresenceState = "unknown"
    seen: bool = False
    born_at: float | None = None
    boot: int | None = None
    asleep_until: float | None = None
    since: float = 0.0
    reason: PresenceReason = "provisioned"
    wake_in_s: float | None = None
    silent_at: float | None = None
    doubt_until: float | None = None


EVENTS = (StatusSaid, DeviceHeard, SecretsChanged, Resumed, DirectoryChanged)


def keys(event: object, known: Iterable[str]) -> list[str]:
    """Return the devices that an event concerns."""
    match event:
        case Resumed():
            return list(known)
        case SecretsChanged(names=names):
            return [device for device in known if device in names]
        case DirectoryChanged(devices=devices):
            return sorted(devices.union(known))
        case _:
            return [event.device]  # type: ignore[attr-defined]


def until(presence: Presence) -> float | None:
    """Return when time alone changes the state."""
    return min((when for when in (presence.silent_at, presence.doubt_until) if when is not None), default=None)


def durable(presence: Presence) -> object:
    """Reduce to what a restart must not forget."""
    return presence.provisioned, presence.seen, presence.boot, presence.asleep_until


def document(presence: Presence) -> list[Publish]:
    """Return the retained presence."""
    if not presence.provisioned:
        return []
    body = PresenceDocument(
        state=presence.state,
        boot=presence.boot,
        since=iso(presence.since),
        reason=presence.reason,
        wake_in_s=presence.wake_in_s,
    )
    return [Publish(PRESENCE.at(device=presence.device), body, retain=True)]


def step(limits: Limits, before: Presence, event: object, now: float) -> tuple[Presence, list[Effect]]:
    """Advance time to *now*, then apply *event* (None: time only)."""
    presence, effects = _pass_time(before, now), list[Effect]()
    match event:
        case StatusSaid(status=said) if is_late(said.state, said.boot, presence.boot, retained=event.retained):
            effects.append(MessageRefused(Code.STALE_BOOT, STATUS.at(device=presence.device)))
        case StatusSaid(status=status, retained=retained):
            presence = _said(limits, presence, status, now, retained=retained)
            effects += _fence(presence.device, status)  # before anybody is granted it because it is there
        case DeviceHeard():
            reason = presence.reason if presence.state == "online" else "heard"
            presence = _alive(limits, presence, reason, now)
        case SecretsChanged() if presence.seen and presence.state not in GONE and not event.spares(presence.born_at):
            presence = _gone(presence, "lost", "secret_changed", now)
        case Resumed():
            presence = _resumed(limits, presence, now)
            effects += [DeviceBooted(presence.device, presence.boot)] if presence.boot is not None else []
        case DirectoryChanged(devices=devices) if presence.device in devices and not presence.provisioned:
            presence = replace(presence, provisioned=True, state="unknown", reason="provisioned", since=now)
        case DirectoryChanged(devices=devices) if presence.device not in devices and presence.provisioned:
            effects += [Publish(topic.at(device=presence.device), None, retain=True) for topic in RETAINED]
            presence = Presence(presence.device)
    return presence, effects + _told(before, presence)


def _pass_time(presence: Presence, now: float) -> Presence:
    if presence.doubt_until is not None and presence.doubt_until <= now:
        return _gone(presence, "lost", "last_will", now)
    if presence.silent_at is not None and presence.silent_at <= now:
        return _gone(presence, "lost", "silent", now)
    return presence


def _said(limits: Limits, presence: Presence, status: Status, now: float, *, retained: bool) -> Presence:
    awake_at = now + (status.wake_in_s or 0.0)
    known = replace(presence, seen=True, boot=status.boot)
    match status.state:
        case "online" | "sleeping" if retained:
            return _reminded(limits, known, status, now)
        case "online":
            return _alive(limits, replace(known, born_at=now), "birth", now)
        case "sleeping":
            asleep = replace(known, asleep_until=awake_at, silent_at=awake_at + limits.heartbeat_s, doubt_until=None)
            return replace(_enter(asleep, "sleeping", "sleeping", now), wake_in_s=status.wake_in_s)
        case "disconnected":
            return _gone(known, "disconnected", "goodbye", now)
        case _ if presence.state in GONE:
            return known
        case _:
            return replace(known, doubt_until=presence.doubt_until or now + limits.debounce_s)


def _fence(device: str, status: Status) -> list[Effect]:
    if status.state != "online" or not status.fence:
        return []
    return [FenceTold(device, status.fence, STATUS.at(device=device))]


def _reminded(limits: Limits, presence: Presence, status: Status, now: float) -> Presence:
    """A retained status proves nothing, and gives no second patience; but a nap that nobody heard of is believed."""
    if status.state != "sleeping" or status.wake_in_s is None or presence.asleep_until is not None:
        return replace(presence, silent_at=presence.silent_at or now + limits.heartbeat_s)
    awake_at = now + status.wake_in_s
    return replace(presence, asleep_until=awake_at, silent_at=awake_at + limits.heartbeat_s)


def _alive(limits: Limits, presence: Presence, reason: PresenceReason, now: float) -> Presence:
    alive = replace(presence, seen=True, asleep_until=None, silent_at=now + limits.heartbeat_s, doubt_until=None)
    return _enter(alive, "online", reason, now)


def _resumed(limits: Limits, presence: Presence, now: float) -> Presence:
    """Nobody knows, until the device is seen, or was silent for too long. A nap that was announced goes on.

    It lasts no longer than any, should the wall clock have been set back.
    """
    awake_at = min(max(now, presence.asleep_until or now), now + MAX_NAP_S)
    silent_at = awake_at + limits.heartbeat_s if presence.seen else None
    return replace(
        presence, state="unknown", reason="restarted", since=now, wake_in_s=None, silent_at=silent_at, doubt_until=None
    )


def _gone(presence: Presence, state: PresenceState, reason: PresenceReason, now: float) -> Presence:
    return _enter(replace(presence, silent_at=None, doubt_until=None), state, reason, now)


def _enter(presence: Presence, state: PresenceState, reason: PresenceReason, now: float) -> Presence:
    since = presence.since if state == presence.state else now
    return replace(presence, state=state, reason=reason, since=since, wake_in_s=None)


def _told(before: Presence, after: Presence) -> list[Effect]:
    """Say what changed: the retained document, and the facts that other features wait for."""
    effects: list[Effect] = []
    if after.provisioned and document(after) != document(before):
        effects += document(after)
    if after.boot is not None and after.boot != before.boot:
        effects.append(DeviceBooted(after.device, after.boot))
    if after.state == "online" and before.state != "online":
        effects.append(DeviceOnline(after.device))
    if after.state in GONE and before.state not in GONE:
        effects.append(DeviceLost(after.device))
    return effects
