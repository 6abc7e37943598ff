"""What is counted."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from backend.core.facts import BrokerCounted, FloorChanged, Measured

NOTHING_YET = Measured({}, {}, {})


@dataclass(frozen=True, slots=True)
class Stats:
    """The counters, and what was measured elsewhere.

    ``floors`` are those that somebody holds, or waits for; ``devices`` and ``channels`` are all that there are.
    """

    started_at: float | None = None
    refused: Mapping[str, int] = field(default_factory=dict)
    ended: Mapping[str, int] = field(default_factory=dict)
    floors: Mapping[str, FloorChanged] = field(default_factory=dict)
    apps: frozenset[str] = frozenset()
    devices: frozenset[str] = frozenset()
    channels: frozenset[str] = frozenset()
    broker: BrokerCounted | None = None
    measured: Measured = NOTHING_YET
