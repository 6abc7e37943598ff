"""What is looked up every few seconds: no single thing that happens tells it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from backend.core.facts import Fact


@dataclass(frozen=True, slots=True)
class RequestCount:
    """How often something was asked, in all and in the last minute, and within how many seconds it was answered."""

    count: int
    per_minute: int
    p50_s: float | None
    p95_s: float | None
    p99_s: float | None


@dataclass(frozen=True, slots=True)
class ChannelCount:
    """How much data was passed on, in all and in the last minute, and how much was rejected, by reason."""

    passed: int
    per_minute: int
    rejected: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class VoiceCount:
    """What is heard and said: ``talking`` are devices in a turn, ``waiting`` those of them that wait to be heard.

    ``final`` are utterances that were understood, from the end of the audio to the text, and ``first_audio`` answers,
    from there to the first frame. ``failed`` are turns by the reason.
    """

    languages: Sequence[str]
    talking: int
    waiting: int
    final: RequestCount
    first_audio: RequestCount
    failed: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class TriggerCount:
    """How triggers stand: ``running`` are runs that are not over, ``waiting`` activations that wait for one to be."""

    triggers: int
    active: int
    subscriptions: int
    running: int
    waiting: int


@dataclass(frozen=True, slots=True)
class WorkerCount:
    """How the workers stand: ``busy`` of the ``slots``, and the jobs that wait, one of them for so many seconds.

    ``admitted`` jobs got a worker by now, ``waited`` of them not at once.
    """

    slots: int
    busy: int
    waiting: int
    longest_wait_s: float
    admitted: int
    waited: int


@dataclass(frozen=True, slots=True)
class Measured(Fact):
    """What was measured where messages go in and out: requests by action, data by channel, rejections by reason.

    ``voice`` is what was measured where audio does; ``triggers`` and ``workers`` tell how these stand.
    """

    requests: Mapping[str, RequestCount]
    channels: Mapping[str, ChannelCount]
    rejected: Mapping[str, int]
    voice: VoiceCount | None = None
    triggers: TriggerCount | None = None
    workers: WorkerCount | None = None
