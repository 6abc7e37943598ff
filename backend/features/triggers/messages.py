"""Wire messages of triggers: whether one is active, what its profiles do, and what may be asked."""

from typing import Annotated, Literal

from pydantic import Field

from backend.core.messages import Document, FreeJson, Message, Moment, Reply, Request
from backend.core.topics import Topic
from backend.features.triggers.plan import Mode, Plan, RunMode

TRIGGER = Topic("triggers/{trigger}")
EVENT = Topic("triggers/{trigger}/event")
PROFILES = Topic("triggers/{trigger}/profiles")
PROFILE = Topic("triggers/{trigger}/profiles/{profile}")
REQUEST = Topic("triggers/{trigger}/profiles/request/{principal}")
REPLY = Topic("triggers/{trigger}/profiles/reply/{principal}")

SUCCESS = {
    "subscribed": "from now on the profile runs with this trigger",
    "changed": "the subscription is as asked for from now on; what runs goes on with it",
    "unsubscribed": "the profile runs with this trigger no longer; what ran of it ends",
    "run_stopped": "what ran ends; a monitoring one begins again with the next activation",
    "subscriptions": "of a trigger: its subscriptions, whole, in `subscriptions`, and the profiles there are",
    "runs": "of a trigger: the last runs, in `runs`",
}

MAX_RUNS = 100  # in one reply

RunState = Literal["idle", "starting", "running", "completing", "terminated"]
Ending = Literal[
    "completed", "inactive", "failed", "stopped", "unsubscribed", "restarted", "max_duration", "removed", "interrupted",
    "disabled",
]  # fmt: skip
DropReason = Literal["cooldown", "running", "queue_full", "stopped", "disabled"]
Happening = Literal["activated", "deactivated", "subscribed", "changed", "unsubscribed", "started", "ended", "failed"]
ProfileId = Annotated[str, Field(min_length=1, max_length=63)]


class TriggerStatus(Document):
    """Whether a trigger is active. Its owner publishes it; the backend does where it has a source."""

    active: bool = Field(description="Of a pulse: true, each time.")
    data: FreeJson = Field(default={}, description="What belongs to it: conditions and templates see it.")
    since: Moment | None = Field(default=None, description="When it became so, if the backend knows.")


class TriggerEvent(Message):
    """Something happened to a trigger, or to a run of one of its profiles."""

    event: Happening
    at: Moment
    active: bool
    profile: str | None = Field(default=None, description="Whose run it was.")
    session: str | None = Field(default=None, description="The id of the run.")
    mode: Mode | None = None
    reason: str | None = Field(default=None, description="Why it ended (see the profile session), or became inactive.")
    code: str | None = Field(default=None, description="Of `failed`: the reason code.")
    message: str | None = Field(default=None, description="Of `failed`: the same for people.")


class RunError(Message):
    """What went wrong last."""

    code: str
    message: str
    at: Moment


class RunCounts(Document):
    """How often, since there is the subscription."""

    activations: int = 0
    started: int = 0
    ended: int = 0
    delivered: int = Field(default=0, description="Actions that were delivered.")
    repeated: int = Field(default=0, description="Repetitions of monitoring runs.")
    failed: int = Field(default=0, description="Actions that failed.")
    coalesced: int = Field(default=0, description="Activations that waited, and that a newer one replaced.")
    dropped: dict[str, int] = Field(default={}, description="Activations that led to nothing, by reason.")


class ProfileSession(Document):
    """How a subscription stands, and the session (of several that run in parallel: the newest) it owns."""

    state: RunState = Field(
        description="`starting`: waits for a worker, `completing`: does what is to be done in the end."
    )
    mode: Mode
    run: RunMode
    enabled: bool
    owner: str = Field(description="Who subscribed; it acts in its name.")
    active: bool = Field(description="Trigger, conditions and windows are met.")
    session: str | None = Field(default=None, description="The id of the session, also of one that is over.")
    since: Moment | None = Field(default=None, description="When it came into this state.")
    reason: Ending | None = Field(default=None, description="Why it ends, or ended.")
    started_at: Moment | None = None
    ends_at: Moment | None = Field(default=None, description="When it ends at the latest.")
    next_at: Moment | None = Field(default=None, description="When it repeats.")
    running: int = Field(default=0, description="How many of its sessions are not over.")
    waiting: int = Field(default=0, description="How many activations wait for them.")
    cooldown_until: Moment | None = Field(default=None, description="Until then nothing new begins.")
    delivered_at: Moment | None = Field(default=None, description="When the last action was delivered.")
    counts: RunCounts
    error: RunError | None = None


class ProfileLine(Document):
    """One profile of a trigger."""

    profile: str
    name: str
    mode: Mode
    owner: str
    state: RunState
    session: str | None = None


class TriggerProfiles(Document):
    """The profiles that are subscribed to a trigger."""

    name: str = Field(description="How people call the trigger.")
    active: bool = Field(description="As the backend has it; a trigger whose device is lost is not.")
    since: Moment | None = None
    profiles: tuple[ProfileLine, ...] = ()


class Subscribe(Request, Plan):
    """Let a profile run with this trigger, in your name."""

    action: Literal["subscribe"]
    profile: ProfileId


class Change(Request):
    """Change what a subscription says, but for trigger and profile; for its owner and admins."""

    action: Literal["change"]
    profile: ProfileId
    set: FreeJson = Field(description="What changes, by the keys of `subscribe`.")


class Unsubscribe(Request):
    """Let it run no longer; for its owner and admins."""

    action: Literal["unsubscribe"]
    profile: ProfileId


class Stop(Request):
    """End what runs of it now; for its owner and admins."""

    action: Literal["stop"]
    profile: ProfileId


class ListSubscriptions(Request):
    """Tell the subscriptions of this trigger; their `config` to their owners and admins only."""

    action: Literal["list"]


class RecallRuns(Request):
    """Tell the last runs, the newest first."""

    action: Literal["runs"]
    profile: ProfileId | None = Field(default=None, description="Of this profile only.")
    limit: int = Field(default=20, ge=1, le=MAX_RUNS)
    before: int | None = Field(default=None, description="Go on after the run of this `key`.")


TriggerRequest = Annotated[
    Subscribe | Change | Unsubscribe | Stop | ListSubscriptions | RecallRuns, Field(discriminator="action")
]


class SubscriptionShown(Message):
    """A subscription, whole."""

    profile: str
    owner: str
    plan: FreeJson = Field(description="As `subscribe` took it.")


class PastRun(Message):
    """A run that is over."""

    key: int
    profile: str
    session: str
    mode: Mode
    owner: str
    started_at: Moment
    ended_at: Moment
    reason: Ending
    delivered: int
    code: str | None = Field(default=None, description="Why an action failed, if one did.")
    message: str | None = None


class TriggerReply(Reply):
    """The answer to a request."""

    subscriptions: tuple[SubscriptionShown, ...] | None = None
    profiles: dict[str, str] | None = Field(default=None, description="All profiles there are, with their names.")
    runs: tuple[PastRun, ...] | None = None
