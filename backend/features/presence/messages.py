"""Wire messages of presence: what a device says of itself, and the debounced truth."""

from typing import Annotated, Literal

from pydantic import Field

from backend.core.audio import UNDECLARED, Speech
from backend.core.messages import Boot, Document, Fence, FreeJson, Message, Moment
from backend.core.topics import Topic

STATUS = Topic("devices/{device}/status")
PRESENCE = Topic("devices/{device}/presence")
INFO = Topic("devices/{device}/info")
TELEMETRY = Topic("devices/{device}/telemetry")
HEARTBEAT = Topic("devices/{device}/heartbeat")

PresenceState = Literal["online", "sleeping", "lost", "disconnected", "unknown"]
PresenceReason = Literal[
    "provisioned", "restarted", "birth", "heard", "sleeping", "goodbye", "last_will", "silent", "secret_changed"
]


MAX_NAP_S = 7 * 86400


class Status(Message):
    """Birth, last will, a nap announced, or a clean goodbye."""

    state: Literal["online", "lost", "sleeping", "disconnected"] = Field(
        description="`online` at birth, `lost` in the last will, `sleeping` before a nap, `disconnected` as a goodbye."
    )
    boot: Boot
    wake_in_s: Annotated[float, Field(gt=0, le=MAX_NAP_S)] | None = Field(
        default=None, description="Of `sleeping`: when the device will be back."
    )
    fence: Fence | None = Field(
        default=None,
        description="Of `online`: the highest fence that the device has seen; it takes no lower one. 0: none.",
    )


class PresenceDocument(Document):
    """Who is really there."""

    state: PresenceState = Field(description="`unknown` after a restart, until the device is seen.")
    boot: Boot | None = Field(description="The last boot that was seen; null: none yet.")
    since: Moment = Field(description="When this state began.")
    reason: PresenceReason = Field(description="What was noticed last.")
    wake_in_s: float | None = Field(description="Of `sleeping`: what the device announced.")


class AudioInfo(Message):
    """How the board wants what it says."""

    speech: Speech = Field(default=UNDECLARED.speech, description="The codec.")
    frame_bytes: Annotated[int, Field(ge=64, le=16384)] = Field(
        default=UNDECLARED.frame_bytes, description="The largest frame that it takes, header included."
    )
    buffer_ms: Annotated[int, Field(ge=100, le=60_000)] = Field(
        default=UNDECLARED.buffer_ms, description="How much audio it can hold: never is more on its way to it."
    )


class Info(Message):
    """What the board is: free keys besides these."""

    model: str | None = Field(default=None, description="What board it is.")
    firmware: str | None = Field(default=None, description="Name and version.")
    capabilities: list[str] = Field(default=[], description="What it can do, in words the apps know.")
    limits: FreeJson = Field(default={}, description="`max_payload` in bytes, ...")
    audio: AudioInfo = Field(default=AudioInfo(), description="Of a board with a loudspeaker.")
    clean_step: bool = Field(
        default=False, description="After each session the device confirms `reset`, before the next may begin."
    )


class Telemetry(Message):
    """Free JSON readings."""


class Heartbeat(Message):
    """A sign of life between publishes."""

    boot: Boot | None = None
