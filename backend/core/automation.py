"""Facts of what runs by itself: triggers, the workers that do something, and what became of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from backend.core.facts import Fact


@dataclass(frozen=True, slots=True)
class TriggerSensed(Fact):
    """The source of a trigger told something. ``active``: None where it told nothing about that, but has new data.

    ``retained``: it told so earlier.
    """

    trigger: str
    active: bool | None
    data: Mapping[str, Any]
    retained: bool = False


@dataclass(frozen=True, slots=True)
class Job:
    """Something that takes a worker for a while. ``key`` is whose it is; ``urgent`` jobs come before all others.

    Jobs of one ``share`` together take no more workers than they leave free.
    """

    key: str
    id: str
    share: str
    urgent: bool = False


@dataclass(frozen=True, slots=True)
class WorkWanted(Fact):
    """These jobs want a worker each, in this order."""

    jobs: tuple[Job, ...]


@dataclass(frozen=True, slots=True)
class WorkAdmitted(Fact):
    """These jobs of one key have a worker now."""

    key: str
    ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class WorkEnded(Fact):
    """These jobs are done, or want no worker any more."""

    ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ErrandDone(Fact):
    """What was to be done in one phase of a run is done, or failed, or was called off.

    ``delivered`` counts actions, the last of them at ``delivered_at``. ``code`` and ``message``: of the first failure.
    Told once for each errand that the shell was asked for.
    """

    trigger: str
    profile: str
    session: str
    phase: Literal["start", "repeat", "end"]
    delivered: int = 0
    delivered_at: float | None = None
    failed: int = 0
    code: str | None = None
    message: str | None = None


@dataclass(frozen=True, slots=True)
class RunsCounted(Fact):
    """So many runs of a trigger began and ended just now, so many of their actions failed.

    ``dropped`` are activations that led to nothing, ``coalesced`` those that waited until a newer one replaced them.
    """

    started: int = 0
    ended: int = 0
    failed: int = 0
    dropped: int = 0
    coalesced: int = 0
