"""The machine of a trigger: what it hears, and how its subscriptions go on from there."""

from dataclasses import dataclass, replace
from math import inf, isinf

from backend.core.automation import ErrandDone, TriggerSensed, WorkAdmitted, WorkEnded
from backend.core.clock import DAY_S
from backend.core.desk import Effect, Known
from backend.core.facts import Definition, DeviceLost, DirectoryChanged, MessageRefused
from backend.core.messages import json_size
from backend.core.refusals import Code
from backend.features.triggers import activation, views
from backend.features.triggers.course import Course
from backend.features.triggers.definitions import understood_profile, understood_trigger
from backend.features.triggers.mapping import MAX_DATA
from backend.features.triggers.messages import TRIGGER, TriggerStatus
from backend.features.triggers.requests import TriggerAsked, answer
from backend.features.triggers.state import NO_OWNER, Data, Trigger
from backend.features.triggers.turn import Turn


@dataclass(frozen=True, slots=True)
class TriggerSaid:
    """The owner of a trigger says whether it is active. ``retained``: it said so earlier."""

    trigger: str
    status: TriggerStatus
    retained: bool


REMEMBERED_S = 30 * DAY_S
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
    when = min(trigger.due.values(), default=inf)
    when = min(when, _silent_at(trigger), _over_at(trigger))
    return None if isinf(when) else when


def step(trigger: Trigger, event: object, now: float) -> tuple[Trigger, list[Effect]]:
    """Advance time to *now*, then apply *event* (None: time only)."""
    turn = Turn(trigger, now)
    _pass_time(turn)
    match event:
        case TriggerSaid():
            _said(turn, event)
        case TriggerSensed():
            _told(turn, event)
        case TriggerAsked():
            answer(turn, event)
        case DirectoryChanged():
            _directory_changed(turn, event)
        case DeviceLost():
            _inactive(turn, "owner_lost")
        case WorkAdmitted(ids=ids):
            _admitted(turn, ids)
        case ErrandDone():
            _done(turn, event)
    return turn.result()


# Whether it is active


def _said(turn: Turn, said: TriggerSaid) -> None:
    """Believe the owner. What the backend itself publishes of a source comes back to it, and says nothing new."""
    definition = turn.trigger.definition
    if definition.source is not None or (definition.kind == "pulse" and (said.retained or not said.status.active)):
        return
    if said.retained and _is_old(turn.trigger, said.status.data):
        return
    if json_size(said.status.data) > MAX_DATA:
        topic = TRIGGER.at(trigger=said.trigger)
        turn.effects.append(MessageRefused(Code.TOO_LARGE, topic, f"the data have at most {MAX_DATA} bytes"))
        return
    _sensed(turn, said.status.active, said.status.data)


def _told(turn: Turn, told: TriggerSensed) -> None:
    """Believe the source, if the trigger has one still."""
    if turn.trigger.definition.source is not None and not (told.retained and _is_old(turn.trigger, told.data)):
        _sensed(turn, told.active, told.data)


def _is_old(trigger: Trigger, data: Data) -> bool:
    """Tell whether what is retained was said before the owner was lost, or fell silent.

    It comes again whenever server or broker start anew, and who was lost would be lost no second time.
    """
    return trigger.reason == "owner_lost" or (trigger.reason == "silent" and data == trigger.data)


def _sensed(turn: Turn, active: bool | None, data: Data) -> None:  # noqa: FBT001 - as it was told
    if not turn.trigger.known:
        return  # it was removed while the message came
    turn.change(data=data)
    if turn.trigger.definition.kind == "pulse":
        if active:
            _pulse(turn)
        return
    if active is False:
        _inactive(turn, None)
        return
    if active:
        turn.change(heard_at=turn.now)
    if active and not turn.trigger.active:
        turn.change(active=True, since=turn.now, reason=None)
        turn.tell("activated")
    turn.all_go_on()


def _pulse(turn: Turn) -> None:
    if turn.trigger.definition.source is not None:
        turn.effects.append(views.pulse(turn.trigger, turn.now))
    turn.tell("activated")
    turn.all_go_on(lambda course: activation.assess(course, pulse=True))


def _inactive(turn: Turn, reason: str | None) -> None:
    if turn.trigger.active:
        turn.change(active=False, since=turn.now, reason=reason)
        turn.tell("deactivated", reason=reason)
    turn.all_go_on()


def _silent_at(trigger: Trigger) -> float:
    """Return when a trigger is inactive because nothing said the contrary."""
    patience = trigger.definition.off_after_s
    if not trigger.active or patience is None or trigger.heard_at is None:
        return inf
    return trigger.heard_at + patience


def _pass_time(turn: Turn) -> None:
    due = until(turn.trigger)
    if due is None or due > turn.now:
        return
    if _silent_at(turn.trigger) <= turn.now:
        _inactive(turn, "silent")
    turn.all_go_on(activation.pass_time)
    if _over_at(turn.trigger) <= turn.now:
        turn.change(over=True)


def _over_at(trigger: Trigger) -> float:
    """Return when a trigger that was removed is forgotten: until then a broker that was away is told."""
    if trigger.gone_at is None or trigger.subscriptions or trigger.over:
        return inf
    return trigger.gone_at + REMEMBERED_S


# What becomes of its runs


def _admitted(turn: Turn, jobs: tuple[str, ...]) -> None:
    """Let work who wanted to; a worker that nobody wants any more goes back."""
    admitted = frozenset(jobs)
    wanting = {
        run.job: profile
        for profile, each in turn.subscriptions.items()
        for run in each.runs
        if run.job in admitted and run.wants_worker
    }
    for profile in dict.fromkeys(wanting.values()):
        turn.go_on(profile, lambda course: course.admit(admitted))
    if gone := admitted - wanting.keys():
        turn.effects.append(WorkEnded(tuple(sorted(gone))))


def _done(turn: Turn, done: ErrandDone) -> None:
    if done.profile in turn.subscriptions:
        turn.go_on(done.profile, lambda course: course.take(done))


# What the command line changes


def _directory_changed(turn: Turn, directory: DirectoryChanged) -> None:
    trigger, was_told = turn.trigger, turn.trigger.told
    stored = directory.triggers.get(trigger.id)
    if stored is not None and not trigger.known:
        turn.change(since=None, heard_at=None, data={}, reason=None)  # another one may have been called so
    _redefine(turn, stored)
    heard_at = turn.now if turn.trigger.heard_at is None else turn.trigger.heard_at
    gone_at = None if stored is not None else min(turn.now, trigger.gone_at or turn.now)  # the clock may be set back
    turn.change(told=True, known=stored is not None, profiles=directory.profiles, heard_at=heard_at)
    turn.change(gone_at=gone_at, over=False)
    for profile, subscription in list(turn.subscriptions.items()):
        told = directory.profiles.get(profile)
        if told is not None and (told != subscription.stored or not was_told):
            turn.subscriptions[profile] = replace(subscription, stored=told, definition=understood_profile(told))
        owner_stays = directory.since.get(subscription.owner) == subscription.owner_since
        stays = stored is not None and told is not None and owner_stays
        turn.go_on(profile, _follow if stays else _leave)


def _redefine(turn: Turn, stored: Definition | None) -> None:
    """Let the trigger be another, or none. It is not active because of what somebody said who has no say any more."""
    if stored is not None and stored == turn.trigger.stored:
        return  # most changes of the directory are of something else
    was, definition = turn.trigger.definition, NO_OWNER if stored is None else understood_trigger(stored)
    turn.change(stored=stored, definition=definition)
    same = (was.kind, was.owner, was.source) == (definition.kind, definition.owner, definition.source)
    if turn.trigger.active and (stored is None or not same):
        turn.change(active=False, since=turn.now, reason="redefined")
        turn.tell("deactivated", reason="redefined")


def _follow(course: Course) -> None:
    activation.resume(course)
    course.follow()
    activation.assess(course)


def _leave(course: Course) -> None:
    activation.resume(course)
    activation.leave(course, "removed")
