"""What one may ask of a session: the wire messages of the request topics."""

from typing import Annotated, Literal

from pydantic import Field

from backend.core.ids import ID_PATTERN
from backend.core.messages import Fence, FreeJson, Request
from backend.features.sessions.policy import MAX_PRIORITY

LeaseSeconds = Annotated[float, Field(gt=0)]  # the longest is a rule of the device: `max_lease_s`
Word = Annotated[str, Field(min_length=1, max_length=64)]
Name = Annotated[str, Field(pattern=f"^{ID_PATTERN}$")]
IfFence = Annotated[Fence | None, Field(description="If given, only if this is still the fence of the session.")]
Lease = Annotated[LeaseSeconds | None, Field(description="How long without activity the session lasts.")]

MAX_NOTICE_S = 3600


class Ask(Request):
    """What all requests to a session share."""

    for_: Name | None = Field(
        default=None, alias="for", description="For whom: a badge reader may ask for a person; else only oneself."
    )


class Claim(Ask):
    """Ask for it. The holder may ask again: it keeps the session and renews the lease."""

    action: Literal["claim"]
    type: Word | None = Field(default=None, description="What the session is for: weighing, printing, ...")
    input: FreeJson = Field(default={}, description="Parameters for the device.")
    lease_s: Lease = None
    wait: bool = Field(default=False, description="Wait in the queue if it is not free; on a channel one always waits.")
    priority: int = Field(
        default=0,
        ge=0,
        le=MAX_PRIORITY,
        description="Each step is a head start in the queue: `ageing_s` of the policy.",
    )
    client: Word | None = Field(default=None, description="Which app of the principal asks.")


class Renew(Ask):
    """Make the lease last longer, from now."""

    action: Literal["renew"]
    lease_s: LeaseSeconds | None = Field(default=None, description="A new length; by default that of the claim.")
    fence: IfFence = None


class Update(Ask):
    """Merge keys into the input; a null removes a key. A finished session is at work again."""

    action: Literal["update"]
    input: FreeJson = Field(description="What is merged.")
    fence: IfFence = None


class Release(Ask):
    """Give it back."""

    action: Literal["release"]
    fence: IfFence = None


class Leave(Ask):
    """Leave the queue."""

    action: Literal["leave"]


class Offer(Ask):
    """Offer the session, with its input and output, to somebody else."""

    action: Literal["offer"]
    to: Name | None = Field(default=None, description="To whom; by default the first in the queue.")
    fence: IfFence = None


class Accept(Ask):
    """Take the session that was offered."""

    action: Literal["accept"]
    lease_s: Lease = None
    client: Word | None = Field(default=None, description="Which app of the principal asks.")


class Decline(Ask):
    """Do not take the session that was offered; or, as the one who offered it, take the offer back."""

    action: Literal["decline"]


class Observe(Ask):
    """Be counted among those who watch, for a while. Who only subscribes is not counted."""

    action: Literal["observe"]
    lease_s: LeaseSeconds | None = Field(default=None, description="For how long; by default the longest lease.")


class Unobserve(Ask):
    """Be no longer counted among those who watch."""

    action: Literal["unobserve"]


class Kick(Ask):
    """End the session of the holder, or take somebody out of the queue. For admins."""

    action: Literal["kick"]
    user: Name | None = Field(default=None, description="Whom; by default the holder.")


class Promote(Ask):
    """Give it to somebody who waits; the holder waits on, as the next. For admins."""

    action: Literal["promote"]
    user: Name | None = Field(default=None, description="Whom; by default the first in the queue.")


class Demote(Ask):
    """Take it from the holder and give it to the next; the holder waits on, as the last. For admins."""

    action: Literal["demote"]


class Preempt(Ask):
    """Take it for oneself, at once or after a notice. For admins."""

    action: Literal["preempt"]
    requeue: bool = Field(default=True, description="The holder keeps its place: it is the next.")
    in_s: float = Field(default=0.0, ge=0, le=MAX_NOTICE_S, description="After so many seconds; the holder is told.")
    why: Annotated[str, Field(min_length=1, max_length=200)] | None = Field(
        default=None, description="What the holder is told."
    )
    type: Word | None = Field(default=None, description="What the session is for.")
    input: FreeJson = Field(default={}, description="Parameters for the device.")
    lease_s: Lease = None
    client: Word | None = Field(default=None, description="Which app of the principal asks.")


class Reset(Ask):
    """Say, in place of a device that should confirm that it is clean, that it is. For admins."""

    action: Literal["reset"]


class History(Ask):
    """Return the last sessions, the newest first, as many as a reply can carry."""

    action: Literal["history"]
    limit: int = Field(default=20, ge=1, le=100, description="How many at most.")
    before: Fence | None = Field(default=None, description="Only those with a lower fence: to leaf through.")


Order = Kick | Promote | Demote | Preempt | Reset

SessionRequest = Annotated[
    Claim | Renew | Update | Release | Leave | Offer | Accept | Decline | Observe | Unobserve
    | Kick | Promote | Demote | Preempt | Reset | History,
    Field(discriminator="action"),
]  # fmt: skip
