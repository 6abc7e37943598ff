"""What the backend says of itself, and what admins ask of it."""

from typing import Annotated, Literal

from pydantic import Field

from backend.core.ids import ID_PATTERN
from backend.core.messages import Document, Fence, FreeJson, Message, Moment, Reply, Request
from backend.core.topics import Topic

STATUS = Topic("backend/status")
STATS = Topic("backend/stats")
BROADCAST = Topic("backend/broadcast")
REQUEST = Topic("backend/request/{principal}")
REPLY = Topic("backend/reply/{principal}")

Name = Annotated[str, Field(pattern=f"^{ID_PATTERN}$")]
Floor = Annotated[str, Field(pattern=f"^(devices|channels)/{ID_PATTERN}$")]
Text = Annotated[str, Field(min_length=1, max_length=4096)]
Days = Annotated[float, Field(gt=0, le=36_500)]

SUCCESS = {
    "stats": "the reply carries `stats`",
    "broadcast": "it was said",
    "conversations": "the reply carries `stats`: how much is said on all devices",
    "cleaned_up": "what was too old is forgotten; `conversations_deleted` and the like tell how much it was",
}


class BackendStatus(Document):
    """Whether the backend is there: its birth, its last will, its goodbye."""

    state: Literal["online", "lost", "disconnected"]
    version: str
    since: Moment


class Announcement(Message):
    """Something that everybody should know."""

    kind: str = Field(description="`notice`, or what the admin called it; `shutdown`: the server stops.")
    message: str = Field(description="For people.")
    from_: str = Field(alias="from", description="The admin that says it; `backend`: the server itself.")
    at: Moment


class BrokerStats(Document):
    """What the embedded broker has to do."""

    connections: int = Field(description="Clients that are connected.")
    sessions: int = Field(description="Sessions, those of clients that are away included.")
    retained: int = Field(description="Topics with a retained message.")
    dropped: int = Field(description="Messages that slow or absent clients did not get, since the broker started.")


class SessionStats(Document):
    """The sessions of all devices and channels."""

    active: int = Field(description="That somebody holds now.")
    waiting: int = Field(description="Claims that wait, on all of them.")
    granted: int = Field(description="Those that ended, and those that are active.")
    ended: dict[str, int] = Field(description="How many ended, by their ending.")


class ChannelStats(Document):
    """One channel on which something happened."""

    sender: str | None = Field(description="The principal that holds the floor.")
    waiting: int = Field(description="How many wait for the floor.")
    messages: int = Field(description="Data that were passed on.")
    per_minute: int = Field(description="Of them in the last minute.")
    rejected: dict[str, int] = Field(description="Data that were not, by reason code.")


class RequestStats(Document):
    """Something that was asked for. Times are from its arrival until the answer is the broker's, commit included."""

    count: int = Field(description="How often.")
    per_minute: int = Field(description="Of them in the last minute.")
    p50_ms: float | None = Field(description="Half of them took at most so long.")
    p95_ms: float | None = Field(description="95 % of them.")
    p99_ms: float | None = Field(description="99 % of them.")


class VoiceStats(Document):
    """What is heard and said. Times are from the end of the audio, or from the request to announce something."""

    languages: tuple[str, ...] = Field(description="Those that are understood; none: voice hears nothing.")
    talking: int = Field(description="Devices in a turn.")
    waiting: int = Field(description="Of them, those that wait to be heard.")
    final: RequestStats = Field(description="Utterances, until the text was final.")
    first_audio: RequestStats = Field(description="Answers and announcements, until the first frame was sent.")
    failed: dict[str, int] = Field(description="Turns that failed, by reason code.")


class TriggerStats(Document):
    """Triggers, and the runs of their profiles. How often: since the backend started."""

    triggers: int = Field(description="How many there are.")
    active: int = Field(description="Of them, those that are active.")
    subscriptions: int = Field(description="Of profiles to triggers.")
    running: int = Field(description="Profile sessions that are not over.")
    waiting: int = Field(description="Activations that wait for one to be over, or for the end of a cooldown.")
    started: int = Field(description="Profile sessions that began.")
    ended: int = Field(description="Those that ended.")
    failed: int = Field(description="Actions that failed.")
    dropped: int = Field(description="Activations that led to nothing.")
    coalesced: int = Field(description="Activations that waited, and that a newer one replaced.")


class WorkerStats(Document):
    """The workers that do what profiles say. How often: since the backend started."""

    slots: int = Field(description="How many may be busy at once.")
    busy: int = Field(description="How many are.")
    waiting: int = Field(
        description="Jobs that wait for a worker, or for their share to shrink: each is a phase of a profile session."
    )
    longest_wait_s: float = Field(description="How long the one of them waits that came first.")
    admitted: int = Field(description="Jobs that got one.")
    waited: int = Field(description="Of them, those that did not get it at once.")


class StatsDocument(Document):
    """How things stand, and counters since the backend started."""

    uptime_s: float = Field(description="Since the backend started.")
    users: int | None = Field(
        description="Accounts with a connection that are no devices and no listeners; null: the broker cannot tell."
    )
    listeners: int | None = Field(description="Listeners with a connection.")
    devices: int | None = Field(description="Devices with a connection.")
    apps: int = Field(description="Principals with an app that says it is there.")
    sessions: SessionStats = Field(description="Of all devices and channels.")
    channels: dict[str, ChannelStats] = Field(description="By channel, where something happened.")
    requests: dict[str, RequestStats] = Field(description="By action.")
    voice: VoiceStats | None = Field(description="Of conversations; null: nothing was measured yet.")
    triggers: TriggerStats | None = Field(description="Of triggers and profiles; null: nothing was measured yet.")
    workers: WorkerStats | None = Field(description="Of the workers; null: nothing was measured yet.")
    broker: BrokerStats | None = Field(description="Of the embedded broker; null where another one is used.")
    refused: dict[str, int] = Field(description="Refused messages by reason code.")


class AskStats(Request):
    """What stands on `backend/stats`, as it is now."""

    action: Literal["stats"]


class Broadcast(Request):
    """Say something to everybody, or to who listens to one channel."""

    action: Literal["broadcast"]
    message: Text = Field(description="For people.")
    kind: Name = Field(default="notice", description="For apps that treat it differently.")
    channel: Name | None = Field(default=None, description="Only to this channel, as a broadcast without a sender.")


class KickFrom(Request):
    """End the session of the holder, or take somebody out of the queue."""

    action: Literal["kick"]
    floor: Floor = Field(description="`devices/…` or `channels/…`.")
    user: Name | None = Field(default=None, description="Whom; by default the holder.")


class PromoteOn(Request):
    """Let somebody who waits have it now."""

    action: Literal["promote"]
    floor: Floor = Field(description="`devices/…` or `channels/…`.")
    user: Name | None = Field(default=None, description="Whom; by default the next.")


class DemoteOn(Request):
    """Take it from its holder, who waits from then on."""

    action: Literal["demote"]
    floor: Floor = Field(description="`devices/…` or `channels/…`.")


class CountConversations(Request):
    """How much is said on all devices, and on which of them lately."""

    action: Literal["conversations"]


class CleanUpConversations(Request):
    """Forget the conversations of devices on which nothing was said for a while."""

    action: Literal["cleanup"]
    days: Days | None = Field(default=None, description="For how long; by default as the server does by itself.")


AdminRequest = Annotated[
    AskStats | Broadcast | KickFrom | PromoteOn | DemoteOn | CountConversations | CleanUpConversations,
    Field(discriminator="action"),
]


class AdminReply(Reply):
    """The answer to an admin. On a floor, it is the answer that its own topic would give."""

    stats: FreeJson | None = Field(
        default=None, description="What stands on `backend/stats`, as it is now; or the same of conversations."
    )
    fence: Fence | None = None
    conversations_deleted: int | None = Field(default=None, description="Of `cleaned_up`.")
    turns_deleted: int | None = Field(default=None, description="Of `cleaned_up`: those that were still kept.")
    phrases_deleted: int | None = Field(default=None, description="Of `cleaned_up`: of the cache.")
