"""How a trigger stands, and each of its subscriptions, with the runs (the profile sessions) that it owns.

There is one machine per trigger. It holds its subscriptions by profile, and each holds its runs: what ends is found by
reference, never by a name that is put together.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from backend.features.triggers.actions import ProfileDefinition
from backend.features.triggers.definitions import TriggerDefinition
from backend.features.triggers.messages import Ending, RunState
from backend.features.triggers.plan import Plan

Phase = Literal["start", "repeat", "end"]
Data = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Context:
    """What the templates of an errand see, besides the local time as ``now``."""

    trigger: str
    trigger_name: str
    profile: str
    profile_name: str
    session: str
    mode: str
    owner: str
    active: bool
    data: Data
    config: Data
    started_at: float
    reason: str | None = None
    """Of the end: why."""
    repetition: int = 0


@dataclass(frozen=True, slots=True)
class Errand:
    """What the shell is asked to do: the actions of one phase of a run, one after the other, in the owner's name.

    It tells `ErrandDone` once. What the run holds (`session`) it holds until its ``end`` errand is done, or `RunOver`.
    """

    phase: Phase
    definition: ProfileDefinition
    context: Context


@dataclass(frozen=True, slots=True)
class CallOff:
    """The shell shall end the errand of a run, if one is under way, and tell `ErrandDone` all the same."""

    session: str


@dataclass(frozen=True, slots=True)
class RunOver:
    """A run is over: the shell gives back what it may still hold."""

    session: str


@dataclass(frozen=True, slots=True)
class Failure:
    """What went wrong last."""

    code: str
    message: str
    at: float


@dataclass(frozen=True, slots=True)
class Run:
    """One run of a profile: a profile session.

    ``phase`` is what is done, or wants a worker in order to be done; ``admitted``: it has one. ``begun``: `start` had a
    worker at some time, so that there is something to end. ``ending``: why it ends as soon as its phase is over.
    """

    id: str
    state: RunState
    since: float
    started_at: float
    data: Data
    phase: Phase | None = "start"
    admitted: bool = False
    begun: bool = False
    ending: Ending | None = None
    next_at: float | None = None
    ends_at: float | None = None
    repetition: int = 0
    delivered: int = 0
    failure: Failure | None = None
    interrupted: bool = False
    """The server stopped while it was at work."""


@dataclass(frozen=True, slots=True)
class Counts:
    """How often, since there is the subscription."""

    activations: int = 0
    started: int = 0
    ended: int = 0
    delivered: int = 0
    repeated: int = 0
    failed: int = 0
    coalesced: int = 0
    dropped: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True, slots=True)
class Last:
    """The run that was over last."""

    id: str
    reason: Ending
    at: float
    started_at: float


@dataclass(frozen=True, slots=True)
class Subscription:
    """The pair of a trigger and a profile.

    ``met``: for each condition, whether it is so. ``holds_since``: since when trigger, conditions and windows are met
    (None: they are not); ``active``: they were for long enough. ``stopped``: nothing runs until it was inactive.
    ``waiting``: the data of activations that wait. ``number`` counts runs, so that each has an id of its own.
    """

    profile: str
    owner: str
    plan: Plan
    since: float
    definition: ProfileDefinition = field(default_factory=ProfileDefinition, compare=False)
    met: tuple[bool, ...] = ()
    holds_since: float | None = None
    active: bool = False
    stopped: bool = False
    runs: tuple[Run, ...] = ()
    waiting: tuple[Data, ...] = ()
    number: int = 0
    counts: Counts = Counts()
    delivered_at: float | None = None
    failure: Failure | None = None
    last: Last | None = None
    leaving: Ending | None = None
    """It is to be removed once its runs are over."""


@dataclass(frozen=True, slots=True)
class Trigger:
    """One trigger. ``reason``: why it is inactive, if not because it said so (`owner_lost`, `silent`)."""

    id: str
    known: bool = False
    definition: TriggerDefinition = field(default_factory=TriggerDefinition)
    active: bool = False
    since: float | None = None
    heard_at: float | None = None
    data: Data = field(default_factory=dict)
    reason: str | None = None
    subscriptions: Mapping[str, Subscription] = field(default_factory=dict)
