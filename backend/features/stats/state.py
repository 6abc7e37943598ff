"""What is counted."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from backend.core.automation import RunsCounted
from backend.core.facts import BrokerCounted, FloorChanged
from backend.core.measures import Measured

NOTHING_YET = Measured({}, {}, {})
NOTHING_RAN = RunsCounted()


@dataclass(frozen=True, slots=True)
class Stats:
    """The counters, and what was measured elsewhere. ``runs`` are all that were counted so far.

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
    runs: RunsCounted = NOTHING_RAN
