"""Counts what happened, publishes the counters whenever something was measured, and answers admins."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

from backend.core.automation import RunsCounted
from backend.core.desk import Effect
from backend.core.effects import Asked
from backend.core.facts import (
    BrokerCounted,
    DirectoryChanged,
    FloorChanged,
    MessageRefused,
    PublishRefused,
    Resumed,
    SessionEnded,
    UserLost,
    UserOnline,
)
from backend.core.measures import Measured
from backend.core.messages import Message
from backend.core.principals import Principal
from backend.features.stats.requests import answer
from backend.features.stats.state import Stats
from backend.features.stats.views import published


@dataclass(frozen=True, slots=True)
class AdminAsked:
    """A principal asks something of the backend."""

    who: Principal
    asked: Asked
    body: Message


def _refused(stats: Stats, refused: MessageRefused | PublishRefused) -> Stats:
    return replace(stats, refused=_one_more(stats.refused, refused.code.value))


def _floor(stats: Stats, changed: FloorChanged) -> Stats:
    """Note who holds a floor. Where nobody does, or waits, nothing is kept: most are idle, and this is copied."""
    floors = dict(stats.floors)
    floors.pop(changed.floor, None)
    if changed.holder is not None or changed.waiting:
        floors[changed.floor] = changed
    return replace(stats, floors=floors)


def _runs(stats: Stats, more: RunsCounted) -> Stats:
    sums = (getattr(stats.runs, each.name) + getattr(more, each.name) for each in fields(RunsCounted))
    return replace(stats, runs=RunsCounted(*sums))


def _one_more(counts: Mapping[str, int], what: str) -> Mapping[str, int]:
    return {**counts, what: counts.get(what, 0) + 1}


_COUNTED: Mapping[type, Callable[[Stats, Any], Stats]] = {
    MessageRefused: _refused,
    PublishRefused: _refused,
    FloorChanged: _floor,
    SessionEnded: lambda stats, ended: replace(stats, ended=_one_more(stats.ended, ended.reason)),
    UserOnline: lambda stats, fact: replace(stats, apps=stats.apps | {fact.user}),
    UserLost: lambda stats, fact: replace(stats, apps=stats.apps - {fact.user}),
    DirectoryChanged: lambda stats, all_: replace(stats, devices=all_.devices, channels=all_.channels),
    BrokerCounted: lambda stats, counted: replace(stats, broker=counted),
    RunsCounted: _runs,
    Measured: lambda stats, measured: replace(stats, measured=measured),
}

EVENTS = (AdminAsked, Resumed, *_COUNTED)


def step(stats: Stats, event: object, now: float) -> tuple[Stats, list[Effect]]:
    """Count what happened. It is measured every few seconds, and that is when all of it is published."""
    if stats.started_at is None:
        stats = replace(stats, started_at=now)
    if type(event) in _COUNTED:
        stats = _COUNTED[type(event)](stats, event)
    match event:
        case Measured():
            return stats, [published(stats, now)]
        case AdminAsked(who=who, asked=asked, body=body):
            return stats, answer(stats, who, asked, body, now)
        case _:
            return stats, []
