"""How the counters look from outside."""

from collections import Counter

from backend.core.automation import RunsCounted
from backend.core.clock import iso
from backend.core.effects import Publish
from backend.core.facts import BrokerCounted
from backend.core.floors import channel_floor
from backend.core.measures import ChannelCount, RequestCount, TriggerCount, VoiceCount, WorkerCount
from backend.features.stats.messages import (
    STATS,
    Announcement,
    BrokerStats,
    ChannelStats,
    RequestStats,
    SessionStats,
    StatsDocument,
    TriggerStats,
    VoiceStats,
    WorkerStats,
)
from backend.features.stats.state import Stats


def published(stats: Stats, now: float) -> Publish:
    """Return the retained counters."""
    return Publish(STATS.at(), document(stats, now), retain=True)


def document(stats: Stats, now: float) -> StatsDocument:
    """Return how things stand."""
    broker, measured = stats.broker, stats.measured
    return StatsDocument(
        uptime_s=round(now - stats.started_at, 1) if stats.started_at is not None else 0.0,
        users=broker.users if broker is not None else None,
        listeners=broker.listeners if broker is not None else None,
        devices=broker.devices if broker is not None else None,
        apps=len(stats.apps),
        sessions=_sessions(stats),
        channels={
            channel: each for channel in sorted(stats.channels) if (each := _channel(stats, channel)) is not None
        },
        requests={action: _requests(count) for action, count in sorted(measured.requests.items())},
        voice=_voice(measured.voice) if measured.voice is not None else None,
        triggers=_triggers(measured.triggers, stats.runs) if measured.triggers is not None else None,
        workers=_workers(measured.workers) if measured.workers is not None else None,
        broker=_broker(broker) if broker is not None else None,
        refused=dict(sorted((Counter(stats.refused) + Counter(measured.rejected)).items())),
    )


def announcement(kind: str, message: str, sender: str, now: float) -> Announcement:
    """Return something that everybody should know."""
    return Announcement.model_validate({"kind": kind, "message": message, "from": sender, "at": iso(now)})


def _sessions(stats: Stats) -> SessionStats:
    active = sum(floor.holder is not None for floor in stats.floors.values())
    return SessionStats(
        active=active,
        waiting=sum(floor.waiting for floor in stats.floors.values()),
        granted=active + sum(stats.ended.values()),
        ended=dict(sorted(stats.ended.items())),
    )


def _channel(stats: Stats, channel: str) -> ChannelStats | None:
    """Return what happened on a channel; None: nothing."""
    floor = stats.floors.get(channel_floor(channel))
    count = stats.measured.channels.get(channel, ChannelCount(0, 0, {}))
    if floor is None and not count.passed and not count.rejected:
        return None
    return ChannelStats(
        sender=floor.holder if floor is not None else None,
        waiting=floor.waiting if floor is not None else 0,
        messages=count.passed,
        per_minute=count.per_minute,
        rejected=dict(sorted(count.rejected.items())),
    )


def _requests(count: RequestCount) -> RequestStats:
    return RequestStats(
        count=count.count,
        per_minute=count.per_minute,
        p50_ms=_milliseconds(count.p50_s),
        p95_ms=_milliseconds(count.p95_s),
        p99_ms=_milliseconds(count.p99_s),
    )


def _voice(count: VoiceCount) -> VoiceStats:
    return VoiceStats(
        languages=tuple(count.languages),
        talking=count.talking,
        waiting=count.waiting,
        final=_requests(count.final),
        first_audio=_requests(count.first_audio),
        failed=dict(sorted(count.failed.items())),
    )


def _triggers(count: TriggerCount, runs: RunsCounted) -> TriggerStats:
    return TriggerStats(
        triggers=count.triggers,
        active=count.active,
        subscriptions=count.subscriptions,
        running=count.running,
        waiting=count.waiting,
        started=runs.started,
        ended=runs.ended,
        failed=runs.failed,
        dropped=runs.dropped,
        coalesced=runs.coalesced,
    )


def _workers(count: WorkerCount) -> WorkerStats:
    return WorkerStats(
        slots=count.slots,
        busy=count.busy,
        waiting=count.waiting,
        longest_wait_s=round(count.longest_wait_s, 1),
        admitted=count.admitted,
        waited=count.waited,
    )


def _milliseconds(seconds: float | None) -> float | None:
    return round(seconds * 1000, 2) if seconds is not None else None


def _broker(counted: BrokerCounted) -> BrokerStats:
    return BrokerStats(
        connections=counted.connections,
        sessions=counted.sessions,
        retained=counted.retained,
        dropped=counted.dropped,
    )
