"""The machine of a trigger: what it hears, and how its subscriptions go on from there."""

from dataclasses import dataclass, replace
from math import inf, isinf

from backend.core.desk import Effect, Known
from backend.core.facts import (
    DeviceLost,
    DirectoryChanged,
    ErrandDone,
    MessageRefused,
    TriggerSensed,
    WorkAdmitted,
    WorkEnded,
)
from backend.core.messages import json_size
from backend.core.refusals import Code
from backend.features.triggers import activation
from backend.features.triggers.definitions import understood_profile, understood_trigger
from backend.features.triggers.draft import Draft
from backend.features.triggers.messages import TRIGGER, TriggerStatus
from backend.features.triggers.requests import TriggerAsked, answer
from backend.features.triggers.state import NO_OWNER, Data, Trigger

MAX_DATA = 16 * 1024  # bytes of JSON


@dataclass(frozen=True, slots=True)
class TriggerSaid:
    """The owner of a trigger says whether it is active. ``retained``: it said so earlier."""

    trigger: str
    status: TriggerStatus
    retained: bool


EVENTS = (TriggerSaid, TriggerSensed, TriggerAsked, DirectoryChanged, DeviceLost, WorkAdmitted, ErrandDone)


def keys(event: object, known: Known) -> list[str]:
    """Return the triggers that an event concerns."""
    match event:
        case DirectoryChanged(triggers=triggers):
            return sorted(triggers.keys() | set(known))
        case DeviceLost(device=device):
            return known.mentioning(device)
        case WorkAdmitted(key=key):
            return [key]
        case _:
            return [event.trigger]  # type: ignore[attr-defined]


def mentions(trigger: Trigger) -> tuple[str, ...]:
    """Return who tells whether it is active."""
    return (trigger.definition.owner,) if trigger.definition.owner is not None else ()


def until(trigger: Trigger) -> float | None:
    """Return when time alone changes something."""
    if not trigger.told:
        return None
    when = min((activation.until(trigger, each) for each in trigger.subscriptions.values()), default=inf)
    when = min(when, _silent_at(trigger))
    return None if isinf(when) and when > 0 else when


def step(trigger: Trigger, event: object, now: float) -> tuple[Trigger, list[Effect]]:
    """Apply *event* (None: time only)."""
    draft = Draft(trigger, now)
    match event:
        case TriggerSaid():
            _said(draft, event)
        case TriggerSensed(active=active, data=data):
            _sensed(draft, active, data)
        case TriggerAsked():
            answer(draft, event)
        case DirectoryChanged():
            _directory_changed(draft, event)
        case DeviceLost():
            _inactive(draft, "owner_lost")
        case WorkAdmitted(ids=ids):
            _admitted(draft, ids)
        case ErrandDone():
            _done(draft, event)
        case _:
            _time_passed(draft)
    return draft.result(trigger)


# Whether it is active


def _said(draft: Draft, said: TriggerSaid) -> None:
    """Believe the owner. What the backend itself publishes of a source comes back to it, and says nothing new."""
    definition = draft.trigger.definition
    if definition.source is not None or (definition.kind == "pulse" and (said.retained or not said.status.active)):
        return
    if json_size(said.status.data) > MAX_DATA:
        topic = TRIGGER.at(trigger=said.trigger)
        draft.effects.append(MessageRefused(Code.TOO_LARGE, topic, f"the data have at most {MAX_DATA} bytes"))
        return
    _sensed(draft, said.status.active, said.status.data)


def _sensed(draft: Draft, active: bool | None, data: Data) -> None:  # noqa: FBT001 - as it was told
    draft.change(data=data)
    if draft.trigger.definition.kind == "pulse":
        if active:
            draft.tell("activated")
            draft.all_go_on(lambda course: activation.assess(course, pulse=True))
        return
    if active is False:
        _inactive(draft, None)
        return
    if active:
        draft.change(heard_at=draft.now)
    if active and not draft.trigger.active:
        draft.change(active=True, since=draft.now, reason=None)
        draft.tell("activated")
    draft.all_go_on()


def _inactive(draft: Draft, reason: str | None) -> None:
    if draft.trigger.active:
        draft.change(active=False, since=draft.now, reason=reason)
        draft.tell("deactivated", reason=reason)
    draft.all_go_on()


def _silent_at(trigger: Trigger) -> float:
    """Return when a trigger is inactive because nothing said the contrary."""
    patience = trigger.definition.off_after_s
    if not trigger.active or patience is None or trigger.heard_at is None:
        return inf
    return trigger.heard_at + patience


def _time_passed(draft: Draft) -> None:
    if _silent_at(draft.trigger) <= draft.now:
        _inactive(draft, "silent")
    else:
        draft.all_go_on()


# What becomes of its runs


def _admitted(draft: Draft, ids: tuple[str, ...]) -> None:
    """Let work who wanted to; a worker that nobody wants any more goes back."""
    admitted = frozenset(ids)
    wanting = {
        run.id: profile
        for profile, each in draft.subscriptions.items()
        for run in each.runs
        if run.id in admitted and run.wants_worker
    }
    for profile in dict.fromkeys(wanting.values()):
        draft.go_on(profile, lambda course: course.admit(admitted))
    if gone := admitted - wanting.keys():
        draft.effects.append(WorkEnded(tuple(sorted(gone))))


def _done(draft: Draft, done: ErrandDone) -> None:
    if done.profile in draft.subscriptions:
        draft.go_on(done.profile, lambda course: course.take(done))


# What the command line changes


def _directory_changed(draft: Draft, directory: DirectoryChanged) -> None:
    trigger = draft.trigger
    stored = directory.triggers.get(trigger.id)
    draft.change(
        told=True,
        known=stored is not None,
        profiles=directory.profiles,
        heard_at=draft.now if trigger.heard_at is None else trigger.heard_at,
    )
    if stored is None:
        draft.change(stored={}, definition=NO_OWNER, active=False)
    elif stored != trigger.stored or not trigger.told:
        draft.change(stored=stored, definition=understood_trigger(stored))
    for profile, subscription in list(draft.subscriptions.items()):
        told = directory.profiles.get(profile)
        if told is not None and (told != subscription.stored or not trigger.told):
            draft.subscriptions[profile] = replace(subscription, stored=told, definition=understood_profile(told))
        if stored is None or told is None or subscription.owner not in directory.principals:
            draft.go_on(profile, lambda course: activation.leave(course, "removed"))
        else:
            draft.go_on(profile, activation.assess)
