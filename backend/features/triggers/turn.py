"""A step of a trigger in the making: its subscriptions as they become, and what is to be told."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from math import isinf
from typing import Any

from backend.core.automation import Job, RunsCounted, WorkEnded, WorkWanted
from backend.core.desk import Effect
from backend.features.triggers import activation, views
from backend.features.triggers.course import Course
from backend.features.triggers.messages import Happening
from backend.features.triggers.state import Counts, Subscription, Trigger


@dataclass
class Turn:
    """The trigger as it becomes."""

    trigger: Trigger
    now: float
    effects: list[Effect] = field(default_factory=list)
    subscriptions: dict[str, Subscription] = field(init=False)
    _due: dict[str, float] = field(init=False)
    _wanted: list[Job] = field(default_factory=list)
    _ended: list[str] = field(default_factory=list)
    _counted: list[tuple[Counts, Counts]] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Make a copy that may change."""
        self.subscriptions = dict(self.trigger.subscriptions)
        self._due = dict(self.trigger.due)

    def result(self) -> tuple[Trigger, list[Effect]]:
        """Return the new trigger, and what is to be done."""
        after = replace(self.trigger, subscriptions=self.subscriptions, due=self._due)
        return after, [*self.effects, *self._work(), *_counted(self._counted)]

    def change(self, **fields: Any) -> None:
        """Replace fields of the trigger."""
        self.trigger = replace(self.trigger, **fields)

    def tell(self, what: Happening, **more: Any) -> None:
        """Say what happened to the trigger."""
        self.effects.append(views.event(self.trigger, what, self.now, **more))

    def go_on(self, profile: str, do: Callable[[Course], None]) -> None:
        """Let something happen to a subscription, and whatever follows from it; one that has left is removed."""
        self._due.pop(profile, None)
        before = self.subscriptions[profile].counts
        course = Course(self.trigger, self.subscriptions[profile], self.now)
        do(course)
        activation.settle(course)
        self.effects += course.effects
        self._wanted += course.still_wanted()
        self._ended += course.ended
        if course.subscription.counts is not before:
            self._counted.append((before, course.subscription.counts))
        if course.subscription.leaving is not None and not course.subscription.runs:
            del self.subscriptions[profile]
            self.change(numbers={**self.trigger.numbers, profile: course.subscription.number})
            self.tell("unsubscribed", profile=profile, reason=course.subscription.leaving)
        else:
            self.subscriptions[profile] = course.subscription
            if not isinf(due := activation.until(self.trigger, course.subscription)):
                self._due[profile] = due

    def all_go_on(self, do: Callable[[Course], None] = activation.assess) -> None:
        """Let something happen to all subscriptions."""
        for profile in list(self.subscriptions):
            self.go_on(profile, do)

    def _work(self) -> list[Effect]:
        """Return what the workers are to know: first what is wanted, so that an end gets the worker it gives back."""
        return [
            *([WorkWanted(tuple(self._wanted))] if self._wanted else []),
            *([WorkEnded(tuple(self._ended))] if self._ended else []),
        ]


def _counted(counts: Iterable[tuple[Counts, Counts]]) -> Iterator[RunsCounted]:
    """Yield what was counted, if anything was: before, and after."""
    started = ended = failed = dropped = coalesced = 0
    for before, after in counts:
        started += after.started - before.started
        ended += after.ended - before.ended
        failed += after.failed - before.failed
        dropped += sum(number for _, number in after.dropped) - sum(number for _, number in before.dropped)
        coalesced += after.coalesced - before.coalesced
    if started or ended or failed or dropped or coalesced:
        yield RunsCounted(started, ended, failed, dropped, coalesced)
