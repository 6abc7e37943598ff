"""Triggers and profiles: one subscription per profile, one session per subscription. Table of contents."""

from backend.core.desk import Desk
from backend.core.measures import TriggerCount
from backend.features.triggers import rows
from backend.features.triggers.definitions import Kind, Source, understood_trigger
from backend.features.triggers.documents import renewed
from backend.features.triggers.history import archive
from backend.features.triggers.machine import EVENTS, keys, mentions, step, until
from backend.features.triggers.mapping import sensed
from backend.features.triggers.source_topics import check_source_topic
from backend.features.triggers.state import CallOff, Errand, RunOver, Trigger
from backend.features.triggers.views import projection

__all__ = [
    "CallOff",
    "Errand",
    "Kind",
    "RunOver",
    "Source",
    "Trigger",
    "archive",
    "check_source_topic",
    "count",
    "desk",
    "sensed",
    "understood_trigger",
]


def desk() -> Desk[Trigger]:
    """Return the desk of all triggers."""
    return Desk(
        name="triggers",
        events=EVENTS,
        fresh=Trigger,
        keys=keys,
        step=step,
        until=until,
        project=lambda trigger, _now: projection(trigger),
        rows=rows,
        mentions=mentions,
        renew=renewed,
        is_over=lambda trigger: trigger.over,
    )


def count(triggers: Desk[Trigger]) -> TriggerCount:
    """Return how all triggers stand."""
    all_ = list(triggers.states.values())
    subscriptions = [each for trigger in all_ for each in trigger.subscriptions.values()]
    return TriggerCount(
        triggers=sum(trigger.known for trigger in all_),
        active=sum(trigger.active for trigger in all_),
        subscriptions=len(subscriptions),
        running=sum(len(each.runs) for each in subscriptions),
        waiting=sum(len(each.waiting) for each in subscriptions),
    )
