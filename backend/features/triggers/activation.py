"""When a subscription is active, and what becomes of an activation.

It is active while its trigger is, its conditions hold, and it is within its windows, for as long as it asks for. A
monitoring one has exactly one session for as long as it is active; a one-shot one has one for each time it becomes so.
"""

from math import inf

from backend.core.messages import json_size
from backend.features.triggers.conditions import met
from backend.features.triggers.course import Course
from backend.features.triggers.messages import Ending
from backend.features.triggers.state import Subscription, Trigger
from backend.features.triggers.windows import changes_at, within

_MOST_WAITING = 64 * 1024  # bytes of JSON; all of it is stored again with each change


def assess(course: Course, *, pulse: bool = False) -> None:
    """Let the subscription be active, or not, as the trigger and the clock have it; a *pulse* is over at once."""
    trigger, plan = course.trigger, course.subscription.plan
    course.change(met=met(plan.when, course.subscription.met, trigger.data), turns_at=_turns_at(course))
    holds = _holds(course, active=trigger.active or pulse)
    if pulse:
        if holds:
            _activated(course)
    elif not holds:
        _deactivated(course)
    else:
        since = course.subscription.holds_since
        since = course.now if since is None else since
        course.change(holds_since=since)
        if not course.subscription.active and course.now >= since + plan.for_s:
            course.change(active=True)
            _activated(course)


def settle(course: Course) -> None:
    """Let begin what waits to begin, and can by now; what has nothing to do is over at once."""
    while _would_begin(course.subscription) and not _is_cooling(course):
        waiting = course.subscription.waiting
        course.change(waiting=waiting[1:])
        course.begin(waiting[0] if waiting else course.trigger.data)


def resume(course: Course) -> None:
    """Go on after the server was away, and the clock may have been set back."""
    course.believe_no_future()
    for run in course.subscription.runs:
        if run.interrupted:
            course.resume(run)


def pass_time(course: Course) -> None:
    """Let become active, end and repeat what is due."""
    assess(course)
    for run in course.subscription.runs:
        if run.ending is None and run.ends_at is not None and run.ends_at <= course.now:
            course.change(stopped=course.subscription.plan.mode == "monitoring")
            course.end(run, "max_duration")
        elif run.ending is None and run.next_at is not None and run.next_at <= course.now:
            course.repeat(run)


def until(trigger: Trigger, subscription: Subscription) -> float:
    """Return when time alone changes something (infinite: never)."""
    plan, when = subscription.plan, inf
    if subscription.holds_since is not None and not subscription.active:
        when = subscription.holds_since + plan.for_s
    for run in subscription.runs:
        if run.ending is None:
            when = min(when, run.ends_at or inf, run.next_at or inf)
    if _would_begin(subscription) and subscription.cooldown_until is not None:
        when = min(when, subscription.cooldown_until)
    if trigger.active and plan.enabled and subscription.turns_at is not None:
        when = min(when, subscription.turns_at)
    return when


def leave(course: Course, reason: Ending) -> None:
    """Let the subscription be removed once its runs are over."""
    if course.subscription.leaving is None:
        course.forget_waiting("stopped")
        course.change(leaving=reason, active=False, stopped=False, holds_since=None)
        course.end_all(reason)


def _turns_at(course: Course) -> float | None:
    """Return when the next window begins or ends. To find that out takes longer than to remember it."""
    known = course.subscription.turns_at
    if known is not None and course.now < known:
        return known
    return changes_at(course.subscription.plan.windows, course.now)


def _holds(course: Course, *, active: bool) -> bool:
    subscription = course.subscription
    return (
        active
        and subscription.leaving is None
        and subscription.plan.enabled
        and all(subscription.met)
        and within(subscription.plan.windows, course.now)
    )


def _deactivated(course: Course) -> None:
    was = course.subscription
    course.change(active=False, holds_since=None, stopped=False)
    if was.plan.mode == "monitoring":
        for run in was.runs:
            course.end(run, "inactive" if was.plan.enabled else "disabled")


def _activated(course: Course) -> None:
    """Let something begin, or wait, or come to nothing, as the plan has it. What monitors begins by `settle`."""
    course.count(activations=1)
    subscription, plan, data = course.subscription, course.subscription.plan, course.trigger.data
    if plan.mode == "monitoring":
        return
    is_free = not subscription.runs and not _is_cooling(course)
    if plan.run == "latest":
        course.count(coalesced=len(subscription.waiting))
        course.change(waiting=(data,))
    elif plan.run == "queued" and not is_free:
        if len(subscription.waiting) < plan.most and sum(map(json_size, subscription.waiting)) < _MOST_WAITING:
            course.change(waiting=(*subscription.waiting, data))
        else:
            course.drop("queue_full")
    elif _is_cooling(course):
        course.drop("cooldown")
    elif is_free or (plan.run == "parallel" and len(subscription.runs) < plan.most):
        course.begin(data)
    elif plan.run == "restart":
        course.count(coalesced=len(subscription.waiting))
        course.change(waiting=(data,))
        course.end_all("restarted")
    else:
        course.drop("running")


def _is_cooling(course: Course) -> bool:
    until_ = course.subscription.cooldown_until
    return until_ is not None and course.now < until_


def _would_begin(subscription: Subscription) -> bool:
    if subscription.runs or subscription.leaving is not None:
        return False
    if subscription.plan.mode == "monitoring":
        return subscription.active and not subscription.stopped
    return bool(subscription.waiting)


def stop(course: Course) -> None:
    """Let nothing of it run; what monitors begins again once it was inactive."""
    course.forget_waiting("stopped")
    course.change(stopped=course.subscription.plan.mode == "monitoring" and course.subscription.active)
    course.end_all("stopped")


def begin_anew(course: Course) -> None:
    """Judge the conditions as if nothing had been known: the plan has changed."""
    course.follow()
    if not course.subscription.plan.enabled:
        course.forget_waiting("disabled")
    course.change(met=(), turns_at=None, holds_since=course.now if course.subscription.active else None)
    assess(course)
