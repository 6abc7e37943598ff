"""Wire messages of a device's session: the exclusive, leased right to use it."""

from typing import Annotated, Literal

from pydantic import Field

from backend.core.ids import ID_PATTERN
from backend.core.messages import Document, Fence, FreeJson, Message, Moment, Reply, Request
from backend.core.topics import Topic

SESSION = Topic("devices/{device}/session")
REQUEST = Topic("devices/{device}/session/request/{principal}")
REPLY = Topic("devices/{device}/session/reply/{principal}")
EVENT = Topic("devices/{device}/session/event")
COMMAND = Topic("devices/{device}/command/{name}")
RESULT = Topic("devices/{device}/result")

Seconds = Annotated[float, Field(gt=0, le=86400)]
Word = Annotated[str, Field(min_length=1, max_length=64)]
Name = Annotated[str, Field(pattern=f"^{ID_PATTERN}$")]

SUCCESS = {
    "granted": "the device is yours; the reply carries `session`, `fence` and `expires_in_s`",
    "queued": "you wait; the reply carries `position` and `eta_s`, and another reply follows when your turn comes",
    "renewed": "the lease runs from now again; the reply is as that of `granted`",
    "updated": "the keys are in the input of the session; the reply is as that of `granted`",
    "released": "the session is over",
    "left": "you are no longer in the queue",
    "kicked": "the session, or the wait, of the other one is over",
}


Ending = Literal["released", "completed", "expired", "idle", "device_lost", "kicked"]
Happening = Literal["granted", "queued", "left", "updated", "completed", "ended"]


class Claim(Request):
    """Ask for the device. The holder may ask again: it keeps the session and renews the lease."""

    action: Literal["claim"]
    type: Word | None = Field(default=None, description="What the session is for: weighing, printing, ...")
    input: FreeJson = Field(default={}, description="Parameters for the device.")
    lease_s: Seconds | None = Field(default=None, description="How long without activity the session lasts.")
    wait: bool = Field(default=False, description="Wait in the queue if the device is not free.")
    client: Word | None = Field(default=None, description="Which app of the principal asks.")
    for_: Name | None = Field(default=None, alias="for", description="Whom the claim is for: only oneself.")


IfFence = Annotated[Fence | None, Field(description="If given, only if this is still the fence of the session.")]


class Renew(Request):
    """Make the lease last longer, from now."""

    action: Literal["renew"]
    lease_s: Seconds | None = Field(default=None, description="A new length; by default that of the claim.")
    fence: IfFence = None


class Update(Request):
    """Merge keys into the input; a null removes a key. A finished session is at work again."""

    action: Literal["update"]
    input: FreeJson = Field(description="What is merged.")
    fence: IfFence = None


class Release(Request):
    """Give the device back."""

    action: Literal["release"]
    fence: IfFence = None


class Leave(Request):
    """Leave the queue."""

    action: Literal["leave"]


class Kick(Request):
    """End the session of the holder, or take somebody out of the queue. For admins."""

    action: Literal["kick"]
    user: Name | None = Field(default=None, description="Whom; by default the holder.")


SessionRequest = Annotated[Claim | Renew | Update | Release | Leave | Kick, Field(discriminator="action")]


class SessionReply(Reply):
    """The answer to a request. A claim that waits is answered twice: ``queued``, and when its turn comes."""

    session: str | None = Field(default=None, description="The id of the session, for its holder.")
    fence: Fence | None = None
    expires_in_s: float | None = Field(
        default=None, description="How long it lasts if nothing happens, for its holder."
    )
    position: int | None = Field(default=None, description="Of `queued`: 1 is next.")
    eta_s: float | None = Field(default=None, description="Of `queued`: after about how many seconds.")
    retry_in_s: float | None = Field(default=None, description="Of `busy`: after about how many seconds.")


class Result(Message):
    """Progress, or the end, of the work of a session, from the device."""

    fence: Fence
    output: FreeJson = Field(default={}, description="Merged into the output of the session; a null removes a key.")
    complete: bool = Field(default=False, description="The work is done.")


class Command(Message):
    """What the holder tells the hardware. Other keys are free; they go to the device as they are."""

    fence: Fence


class Place(Message):
    """One who waits."""

    user: str = Field(description="The principal.")
    name: str = Field(description="How people call it.")
    position: int = Field(description="1 is next.")
    eta_s: float | None = Field(description="About how long until its turn; null while the device is not connected.")


class SessionDocument(Document):
    """Who holds the device, since when, for what, and who waits."""

    state: Literal["free", "active"] = Field(description="Whether somebody holds the device.")
    in_use: bool = Field(description="The same, for who only wants to know that.")
    session: str | None = Field(description="The id of the session: a UUID.")
    type: str | None = Field(description="What the session is for, as the holder said.")
    holder: str | None = Field(description="The principal that may command the device.")
    holder_name: str | None = Field(description="How people call it.")
    client: str | None = Field(description="Which app of the holder asked, as it said.")
    fence: Fence
    started_at: Moment | None = Field(description="When the device was granted.")
    last_activity: Moment | None = Field(description="When the holder, or the device for it, last did something.")
    expires_in_s: float | None = Field(description="Seconds from the moment of publishing, for who has no clock.")
    expires_at: Moment | None = Field(description="The same as a point in time, for who reads the document later.")
    timeout: bool = Field(description="The last session ended by time: expired or idle.")
    input: FreeJson = Field(description="Parameters from the holder.")
    output: FreeJson = Field(description="Results from the device, merged.")
    complete: bool = Field(description="The device says that the work is done.")
    queue: tuple[Place, ...] = Field(description="Who waits, in order.")
    reason: Literal["claimed"] | Ending | None = Field(description="`claimed`, or how the last session ended.")
    revision: int = Field(description="Rises with every change of this document.")


class SessionEvent(Message):
    """What happened, in order. Not retained."""

    event: Happening = Field(description="What happened.")
    at: Moment = Field(description="When.")
    session: str | None = Field(default=None, description="The id of the session, where it is about one.")
    fence: Fence
    user: str = Field(description="To whom: the principal.")
    name: str = Field(description="How people call it.")
    reason: Ending | Literal["left", "removed"] | None = Field(default=None, description="Of `ended` and `left`.")
    type: str | None = Field(default=None, description="What the session is for.")
    input: FreeJson | None = Field(default=None, description="Of `granted`, `updated` and `ended`.")
    output: FreeJson | None = Field(default=None, description="Of `completed` and `ended`.")
    complete: bool | None = Field(default=None, description="Of `ended`: the device had said that the work was done.")
    held_s: float | None = Field(default=None, description="Of `ended`: how long the session was.")
    position: int | None = Field(default=None, description="Of `queued`.")
