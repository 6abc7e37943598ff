"""Wire messages of a session: the exclusive, leased right to use a device, or to hold the floor of a channel."""

from typing import Literal

from pydantic import Field

from backend.core.messages import Document, Fence, FreeJson, Message, Moment, Reply
from backend.core.topics import Topic

SESSION = Topic("devices/{device}/session")
REQUEST = Topic("devices/{device}/session/request/{principal}")
REPLY = Topic("devices/{device}/session/reply/{principal}")
EVENT = Topic("devices/{device}/session/event")
COMMAND = Topic("devices/{device}/command/{name}")
RESULT = Topic("devices/{device}/result")

FLOOR = Topic("channels/{channel}/session")
FLOOR_REQUEST = Topic("channels/{channel}/session/request/{principal}")
FLOOR_REPLY = Topic("channels/{channel}/session/reply/{principal}")
FLOOR_EVENT = Topic("channels/{channel}/session/event")


def session_topic(floor: str) -> str:
    """Return where the session document of a device or channel is."""
    return f"{floor}/session"


def event_topic(floor: str) -> str:
    """Return where the events of a device's or channel's session are."""
    return f"{floor}/session/event"


def reply_topic(floor: str, principal: str) -> str:
    """Return where a principal is answered."""
    return f"{floor}/session/reply/{principal}"


State = Literal["free", "offered", "resetting", "active", "grace", "cooling"]
Ending = Literal[
    "released", "completed", "expired", "idle", "client_lost", "device_lost", "preempted", "kicked", "handed_over",
    "stale_fence",
]  # fmt: skip
Happening = Literal[
    "granted", "queued", "left", "updated", "completed", "ended",
    "lost", "returned", "offered", "declined", "offer_expired", "preempting", "resetting", "reset",
]  # fmt: skip

SUCCESS = {
    "granted": "it is yours; the reply carries `session`, `fence` and `expires_in_s`",
    "queued": "you wait; the reply carries `position` and `eta_s`, and another reply follows when your turn comes",
    "renewed": "the lease runs from now again; the reply is as that of `granted`",
    "updated": "the keys are in the input of the session; the reply is as that of `granted`",
    "released": "the session is over",
    "left": "you are no longer in the queue",
    "offered": "the session is offered; another reply follows: `handed_over`, or `declined` or `offer_expired`",
    "handed_over": "the one to whom you offered the session has it now",
    "declined": "the offer is off",
    "observing": "you are counted among those who watch; the reply carries `expires_in_s`",
    "unobserved": "you are no longer counted among those who watch",
    "kicked": "the session, or the wait, of the other one is over",
    "promoted": "the other one has it now, or is the next",
    "demoted": "the other one's session is over; it waits on where others wait, too",
    "preempting": "you have it after `expires_in_s` seconds; another reply follows",
    "reset": "the device counts as clean",
    "history": "the last sessions, in `sessions`",
    "ack": "your data were passed on; the reply carries `seq`",
}


class PastSession(Message):
    """A session that is over."""

    fence: Fence
    session: str = Field(description="The id of the session: a UUID.")
    user: str = Field(description="Who held it: the principal.")
    name: str = Field(description="How people call it.")
    client: str | None = Field(description="Which app asked, as it said.")
    type: str | None = Field(description="What the session was for.")
    started_at: Moment
    ended_at: Moment
    held_s: float = Field(description="How long it was, in seconds.")
    reason: str = Field(description="How it ended.")
    by: str | None = Field(default=None, description="Of `preempted` and `kicked`: who did it.")
    input: FreeJson = Field(description="Parameters from the holder.")
    output: FreeJson = Field(description="Results from the device, merged.")
    complete: bool = Field(description="The device had said that the work was done.")


class SessionReply(Reply):
    """The answer to a request. A claim that waits is answered twice: ``queued``, and when its turn comes."""

    session: str | None = Field(default=None, description="The id of the session, for its holder.")
    fence: Fence | None = None
    expires_in_s: float | None = Field(
        default=None, description="How long it lasts if nothing happens, for its holder."
    )
    position: int | None = Field(default=None, description="Of `queued`: 1 is next.")
    eta_s: float | None = Field(default=None, description="Of `queued`: after about how many seconds.")
    reason: str | None = Field(
        default=None,
        description="Of `queued` and `not_waiting`, unasked: how you lost it. Of `rejected`: why, a reason code.",
    )
    seq: int | None = Field(default=None, description="Of `ack`: the number of the broadcast that carries your data.")
    sessions: tuple[PastSession, ...] | None = Field(default=None, description="Of `history`: the newest first.")
    retry_in_s: float | None = Field(default=None, description="Of a refusal: after about how many seconds.")


class Result(Message):
    """Progress, or the end, of the work of a session, from the device."""

    fence: Fence
    output: FreeJson = Field(default={}, description="Merged into the output of the session; a null removes a key.")
    complete: bool = Field(default=False, description="The work is done.")
    job: int | None = Field(
        default=None, ge=0, description="To which `job` of the document this belongs; an older one is refused."
    )
    reset: bool = Field(
        default=False, description="In the state `resetting`: the device is clean; the next session may begin."
    )


class Command(Message):
    """What the holder tells the hardware. Other keys are free; they go to the device as they are."""

    fence: Fence


class Place(Message):
    """One who waits."""

    user: str = Field(description="The principal.")
    name: str = Field(description="How people call it.")
    position: int = Field(description="1 is next.")
    priority: int = Field(description="As it was asked for; each step is worth a head start (`ageing_s`).")
    away: bool = Field(description="All its apps are gone; it is passed over, and keeps the place for a while.")
    eta_s: float | None = Field(
        description="About how long until its turn; null while the device is not connected, or must be reset."
    )


class Notice(Message):
    """An admin will take over."""

    by: str = Field(description="The principal.")
    in_s: float = Field(description="After how many seconds, from the moment of publishing.")
    why: str | None = Field(description="What the admin says.")


class SessionDocument(Document):
    """Who holds the device or the floor, since when, for what, and who waits."""

    state: State = Field(
        description="`active`: somebody holds it; `offered`: and would hand it over; `grace`: its apps, or the device, "
        "are gone, and may come back; `resetting`: the device must confirm that it is clean; `cooling`: nobody gets it "
        "for a moment after a loss; else `free`."
    )
    in_use: bool = Field(description="Whether somebody holds it, for who only wants to know that.")
    session: str | None = Field(description="The id of the session: a UUID.")
    type: str | None = Field(description="What the session is for, as the holder said.")
    holder: str | None = Field(description="The principal that may command the device, or send on the channel.")
    holder_name: str | None = Field(description="How people call it.")
    client: str | None = Field(description="Which app of the holder asked, as it said.")
    fence: Fence
    started_at: Moment | None = Field(description="When it was granted.")
    last_activity: Moment | None = Field(description="When the holder, or the device for it, last did something.")
    expires_in_s: float | None = Field(
        description="Seconds from the moment of publishing until this ends by itself, for who has no clock."
    )
    expires_at: Moment | None = Field(description="The same as a point in time, for who reads the document later.")
    timeout: bool = Field(description="The last session ended by time: expired or idle.")
    input: FreeJson = Field(description="Parameters from the holder.")
    job: int = Field(description="Rises with every change of the input; a result may name the job it belongs to.")
    output: FreeJson = Field(description="Results from the device, merged.")
    complete: bool = Field(description="The device says that the work is done.")
    offered_to: str | None = Field(description="Of `offered`: to whom.")
    notice: Notice | None = Field(description="An admin will take over.")
    queue: tuple[Place, ...] = Field(description="Who waits, in order.")
    observers: int = Field(description="How many said that they watch.")
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
    reason: Ending | Literal["left", "removed"] | None = Field(
        default=None, description="Of `ended`, `left`, `lost` and of `queued` unasked."
    )
    by: str | None = Field(default=None, description="Of `preempting`, and of `ended` by somebody else: who does it.")
    type: str | None = Field(default=None, description="What the session is for.")
    input: FreeJson | None = Field(default=None, description="Of `granted`, `updated` and `ended`.")
    output: FreeJson | None = Field(default=None, description="Of `completed` and `ended`.")
    complete: bool | None = Field(default=None, description="Of `ended`: the device had said that the work was done.")
    held_s: float | None = Field(default=None, description="Of `ended`: how long the session was.")
    position: int | None = Field(default=None, description="Of `queued`.")
    to: str | None = Field(default=None, description="Of `offered`, `declined`, `offer_expired`: the other principal.")
    in_s: float | None = Field(default=None, description="Of `lost` and `preempting`: when the session ends.")
    why: str | None = Field(default=None, description="Of `preempting`: what the admin says.")
