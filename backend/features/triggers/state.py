"""How a trigger stands, and each of its subscriptions, with the runs (the profile sessions) that it owns.

There is one machine per trigger. It holds its subscriptions by profile, and each holds its runs: what ends is found by
reference, never by a name that is put together.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from backend.core.facts import Definition
from backend.features.triggers.actions import ProfileDefinition
from backend.features.triggers.definitions import TriggerDefinition
from backend.features.triggers.messages import Ending, RunState
from backend.features.triggers.plan import Mode, Plan

NOTHING = ProfileDefinition()
NO_OWNER = TriggerDefinition()
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
    config: Data = field(repr=False)
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
    definition: ProfileDefinition = field(repr=False)
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
class PastRun:
    """A run that is over, for the history."""

    trigger: str
    profile: str
    owner: str
    mode: Mode
    run: "Run"
    reason: Ending
    at: float


@dataclass(frozen=True, slots=True)
class RunsAsked:
    """Somebody asks for the last runs of a trigger, or of one profile of it; those before the one of this key."""

    trigger: str
    profile: str | None
    limit: int
    before: int | None


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
    """The server stopped while it was at work, or wanted to be."""

    @property
    def wants_worker(self) -> bool:
        """Whether it has something to do, and no worker."""
        return self.phase is not None and not self.admitted

    @property
    def job(self) -> str:
        """What the workers call what it does, or wants to do: each phase is a job of its own."""
        return f"{self.id}/{self.phase}"


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
    ``turns_at``: when the next window begins or ends. ``waiting``: the data of activations that wait.
    ``number`` counts runs, those of earlier subscriptions included: each has an id of its own. ``stored`` and
    ``definition``: the profile, as it is told, and as it is understood. ``leaving``: it is to be removed once its runs
    are over.
    """

    profile: str
    owner: str
    plan: Plan
    since: float
    stored: Definition = field(default_factory=dict, compare=False)
    definition: ProfileDefinition = field(default=NOTHING, compare=False)
    met: tuple[bool, ...] = field(default=(), compare=False)
    turns_at: float | None = field(default=None, compare=False)
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
    owner_since: float = 0.0
    """When the account of the owner was made: who gets the name later gets nothing with it."""

    @property
    def newest(self) -> Run | None:
        """The run that began last, of those that are not over."""
        return self.runs[-1] if self.runs else None

    @property
    def cooldown_until(self) -> float | None:
        """Until when nothing new begins: so long after the last action that was delivered."""
        if not self.plan.cooldown_s or self.delivered_at is None:
            return None
        return self.delivered_at + self.plan.cooldown_s


@dataclass(frozen=True, slots=True)
class Trigger:
    """One trigger. ``reason``: why it is inactive, if not because it said so (`owner_lost`, `silent`, `redefined`).

    ``numbers``: how many runs there were of profiles that are subscribed no longer. ``gone_at``: since when there is no
    such trigger; ``over``: nobody needs to know any more that there was.

    ``told``: whether the directory was told since the server started; before, nobody knows what a profile does.
    ``stored`` and ``definition``: the trigger, as it is told (None: not yet), and as it is understood. ``profiles`` are
    all that there are, as they are told. ``due``: when time alone changes a subscription, by profile.
    """

    id: str
    known: bool = False
    told: bool = field(default=False, compare=False)
    stored: Definition | None = field(default=None, compare=False)
    definition: TriggerDefinition = NO_OWNER
    profiles: Mapping[str, Definition] = field(default_factory=dict, compare=False)
    active: bool = False
    since: float | None = None
    heard_at: float | None = field(default=None, compare=False)
    data: Data = field(default_factory=dict, compare=False)
    reason: str | None = None
    subscriptions: Mapping[str, Subscription] = field(default_factory=dict)
    numbers: Mapping[str, int] = field(default_factory=dict)
    gone_at: float | None = None
    over: bool = False
    due: Mapping[str, float] = field(default_factory=dict, compare=False)

    @property
    def name(self) -> str:
        """How people call it."""
        return self.definition.name or self.id
