"""How triggers and their subscriptions look from outside."""

from functools import lru_cache
from typing import Any

from backend.core.clock import iso
from backend.core.effects import Publish
from backend.features.triggers.messages import (
    EVENT,
    PROFILE,
    PROFILES,
    TRIGGER,
    Happening,
    ProfileLine,
    ProfileSession,
    RunCounts,
    RunError,
    RunState,
    TriggerEvent,
    TriggerProfiles,
    TriggerStatus,
)
from backend.features.triggers.plan import Mode
from backend.features.triggers.state import Run, Subscription, Trigger

_LINES = 4096  # that are remembered


def speaks(trigger: Trigger) -> bool:
    """Tell whether the backend says how it stands: it has a source, and is not over as soon as it is said."""
    return trigger.definition.source is not None and trigger.definition.kind == "level"


def statuses(trigger: Trigger) -> list[Publish]:
    """Return whether a trigger is active, if it is the backend that says so."""
    if not speaks(trigger):
        return []
    body = TriggerStatus(active=trigger.active, data=dict(trigger.data), since=_moment(trigger.since))
    return [Publish(TRIGGER.at(trigger=trigger.id), body, retain=True)]


def pulse(trigger: Trigger, now: float) -> Publish:
    """Return that a pulse came from a source; who was not there has missed it."""
    return Publish(TRIGGER.at(trigger=trigger.id), TriggerStatus(active=True, data=dict(trigger.data), since=iso(now)))


def unsaid(trigger: Trigger) -> Publish:
    """Return what takes back whether a trigger is active: from now on somebody else says that."""
    return Publish(TRIGGER.at(trigger=trigger.id), None, retain=True)


def profiles(trigger: Trigger) -> Publish:
    """Return the list of the profiles of a trigger."""
    body = TriggerProfiles(
        name=trigger.name,
        active=trigger.active,
        since=_moment(trigger.since),
        profiles=tuple(line(each) for _, each in sorted(trigger.subscriptions.items())),
    )
    return Publish(PROFILES.at(trigger=trigger.id), body, retain=True)


def session(trigger: Trigger, subscription: Subscription) -> Publish:
    """Return how a subscription stands."""
    run, last, plan = subscription.newest, subscription.last, subscription.plan
    over = last.reason if last is not None else None
    body = ProfileSession(
        state=_state(subscription),
        mode=plan.mode,
        run=plan.run,
        enabled=plan.enabled,
        owner=subscription.owner,
        active=subscription.active,
        session=_session_id(subscription),
        since=_moment(_since(subscription)),
        reason=run.ending if run is not None else over,
        started_at=_moment(run.started_at if run is not None else last.started_at if last is not None else None),
        ends_at=_moment(run.ends_at if run is not None else None),
        next_at=_moment(run.next_at if run is not None else None),
        running=len(subscription.runs),
        waiting=len(subscription.waiting),
        cooldown_until=_moment(subscription.cooldown_until),
        delivered_at=_moment(subscription.delivered_at),
        counts=_counts(subscription),
        error=_error(subscription),
    )
    return Publish(_topic(trigger, subscription.profile), body, retain=True)


def gone(trigger: Trigger, profile: str) -> Publish:
    """Return what clears the topic of a subscription that there is no more."""
    return Publish(_topic(trigger, profile), None, retain=True)


def unlisted(trigger: Trigger) -> list[Publish]:
    """Return what clears the topics of a trigger that there is no more."""
    return [unsaid(trigger), Publish(PROFILES.at(trigger=trigger.id), None, retain=True)]


def event(trigger: Trigger, what: Happening, now: float, **more: Any) -> Publish:
    """Return what tells that something happened."""
    return Publish(EVENT.at(trigger=trigger.id), TriggerEvent(event=what, at=iso(now), active=trigger.active, **more))


def _topic(trigger: Trigger, profile: str) -> str:
    return PROFILE.at(trigger=trigger.id, profile=profile)


def line(subscription: Subscription) -> ProfileLine:
    """Return what the list of all says of a subscription."""
    name = subscription.definition.name or subscription.profile
    mode, state, session_id = subscription.plan.mode, _state(subscription), _session_id(subscription)
    return _line(subscription.profile, name, mode, subscription.owner, state, session_id)


@lru_cache(_LINES)
def _line(profile: str, name: str, mode: Mode, owner: str, state: RunState, session_id: str | None) -> ProfileLine:
    """Return a line, which is made once: most of a list is as it was."""
    return ProfileLine(profile=profile, name=name, mode=mode, owner=owner, state=state, session=session_id)


def _state(subscription: Subscription) -> RunState:
    if subscription.newest is not None:
        return subscription.newest.state
    return "terminated" if subscription.last is not None else "idle"


def _session_id(subscription: Subscription) -> str | None:
    found: Run | None = subscription.newest
    if found is not None:
        return found.id
    return subscription.last.id if subscription.last is not None else None


def _since(subscription: Subscription) -> float:
    if subscription.newest is not None:
        return subscription.newest.since
    return subscription.last.at if subscription.last is not None else subscription.since


def _counts(subscription: Subscription) -> RunCounts:
    counts = subscription.counts
    return RunCounts(
        activations=counts.activations,
        started=counts.started,
        ended=counts.ended,
        delivered=counts.delivered,
        repeated=counts.repeated,
        failed=counts.failed,
        coalesced=counts.coalesced,
        dropped=dict(counts.dropped),
    )


def _error(subscription: Subscription) -> RunError | None:
    failure = subscription.failure
    return RunError(code=failure.code, message=failure.message, at=iso(failure.at)) if failure is not None else None


def _moment(when: float | None) -> str | None:
    return iso(when) if when is not None else None


def projection(trigger: Trigger) -> list[Publish]:
    """Return all that is retained of a trigger, as it is now; a broker that was away may not know of what is gone."""
    cleared = [gone(trigger, profile) for profile in trigger.numbers if profile not in trigger.subscriptions]
    if not trigger.known and not trigger.subscriptions:
        return [*unlisted(trigger), *cleared]
    sessions = (session(trigger, each) for each in trigger.subscriptions.values())
    return [*statuses(trigger), profiles(trigger), *sessions, *cleared]
