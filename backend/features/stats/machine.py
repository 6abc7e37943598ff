"""Counts what was refused, and publishes the counters now and then."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace

from backend.core.desk import Effect
from backend.core.effects import Publish
from backend.core.facts import BrokerCounted, MessageRefused, PublishRefused
from backend.features.stats.messages import STATS, BrokerStats, StatsDocument


@dataclass(frozen=True, slots=True)
class Stats:
    """The counters, and when they are to be published."""

    refused: Mapping[str, int] = field(default_factory=dict)
    broker: BrokerCounted | None = None
    due_at: float | None = None


EVENTS = (MessageRefused, PublishRefused, BrokerCounted)


def step(interval_s: float, stats: Stats, event: object, now: float) -> tuple[Stats, list[Effect]]:
    """Count a refusal, take note of the broker's figures; publish at most every *interval_s* seconds."""
    effects: list[Effect] = []
    if isinstance(event, BrokerCounted) and event != stats.broker:
        stats = replace(stats, broker=event, due_at=stats.due_at or now + interval_s)
    if isinstance(event, MessageRefused | PublishRefused):
        counts = {**stats.refused, event.code.value: stats.refused.get(event.code.value, 0) + 1}
        stats = replace(stats, refused=counts, due_at=stats.due_at or now + interval_s)
    if stats.due_at is not None and stats.due_at <= now:
        stats = replace(stats, due_at=None)
        effects.append(document(stats))
    return stats, effects


def document(stats: Stats) -> Publish:
    """Return the retained counters."""
    broker = BrokerStats(**asdict(stats.broker)) if stats.broker is not None else None
    return Publish(STATS.at(), StatsDocument(broker=broker, refused=dict(sorted(stats.refused.items()))), retain=True)
