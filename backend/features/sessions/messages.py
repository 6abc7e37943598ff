"""Wire messages of a device's session: the exclusive, leased right to use it."""

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field

from backend.core.messages import Document, Fence, FreeJson, Message, Reply, Request
from backend.core.topics import Topic

SESSION = Topic("devices/{device}/session")
REQUEST = Topic("devices/{device}/session/request/{principal}")
REPLY = Topic("devices/{device}/session/reply/{principal}")
EVENT = Topic("devices/{device}/session/event")
COMMAND = Topic("devices/{device}/command/{name}")
RESULT = Topic("devices/{device}/result")

Seconds = Annotated[float, Field(gt=0, le=86400)]
Word = Annotated[str, Field(min_length=1, max_length=64)]


class Ending(StrEnum):
    """How a session ended."""

    RELEASED = "released"
    COMPLETED = "completed"
    EXPIRED = "expired"
    IDLE = "idle"
    DEVICE_LOST = "device_lost"
    KICKED = "kicked"


class Claim(Request):
    """Ask for the device. The holder may ask again: it keeps the session and renews the lease."""

    action: Literal["claim"]
    type: Word | None = Field(default=None, description="What the session is for: weighing, printing, ...")
    input: FreeJson = Field(default={}, description="Parameters for the device.")
    lease_s: Seconds | None = Field(default=None, description="How long without activity the session lasts.")
    wait: bool = Field(default=False, description="Wait in the queue if the device is not free.")
    client: Word | None = Field(default=None, description="Which app of the principal asks.")
    for_: Word | None = Field(default=None, alias="for", description="Whom the claim is for: only oneself.")


class Renew(Request):
    """Make the lease last longer, from now."""

    action: Literal["renew"]
    lease_s: Seconds | None = None
    fence: Fence | None = None


class Update(Request):
    """Merge keys into the input; a null removes a key. A finished session is at work again."""

    action: Literal["update"]
    input: FreeJson
    fence: Fence | None = None


class Release(Request):
    """Give the device back."""

    action: Literal["release"]
    fence: Fence | None = None


class Leave(Request):
    """Leave the queue."""

    action: Literal["leave"]


class Kick(Request):
    """End the session of the holder, or take somebody out of the queue. For admins."""

    action: Literal["kick"]
    user: Word | None = Field(default=None, description="Whom; by default the holder.")


SessionRequest = Annotated[Claim | Renew | Update | Release | Leave | Kick, Field(discriminator="action")]


class SessionReply(Reply):
    """The answer to a request. A claim that waits is answered twice: ``queued``, and when its turn comes."""

    session: str | None = None
    fence: Fence | None = None
    expires_in_s: float | None = None
    position: int | None = None
    eta_s: float | None = None
    retry_in_s: float | None = None


class Result(Message):
    """Progress, or the end, of the work of a session, from the device."""

    fence: Fence
    output: FreeJson = Field(default={}, description="Merged into the output of the session; a null removes a key.")
    complete: bool = False


class Command(Message):
    """What the holder tells the hardware. Other keys are free; they go to the device as they are."""

    fence: Fence


class Place(Message):
    """One who waits."""

    user: str
    name: str
    position: int
    eta_s: float | None = Field(description="About how long until its turn; null while the device is not connected.")


class SessionDocument(Document):
    """Who holds the device, since when, for what, and who waits."""

    state: Literal["free", "active"]
    in_use: bool
    session: str | None
    type: str | None
    holder: str | None
    holder_name: str | None
    client: str | None
    fence: Fence
    started_at: str | None
    last_activity: str | None
    expires_in_s: float | None = Field(description="Seconds from the moment of publishing, for who has no clock.")
    expires_at: str | None = Field(description="The same as a point in time, for who reads the document later.")
    timeout: bool = Field(description="The last session ended by time: expired or idle.")
    input: FreeJson
    output: FreeJson
    complete: bool
    queue: tuple[Place, ...]
    reason: str | None = Field(description="What happened last: claimed, or how the last session ended.")
    revision: int = Field(description="Rises with every change of this document.")


class SessionEvent(Message):
    """What happened, in order. Not retained."""

    event: Literal["granted", "queued", "left", "updated", "completed", "ended"]
    at: str
    session: str | None = None
    fence: Fence
    user: str
    name: str
    reason: str | None = Field(default=None, description="Of `ended` and `left`.")
    type: str | None = None
    input: FreeJson | None = None
    output: FreeJson | None = None
    complete: bool | None = None
    held_s: float | None = None
    position: int | None = Field(default=None, description="Of `queued`.")
