"""Wire messages of presence: what a device says of itself, and the debounced truth."""

from typing import Annotated, Literal

from pydantic import Field

from backend.core.messages import Boot, Document, FreeJson, Message, Moment
from backend.core.topics import Topic

STATUS = Topic("devices/{device}/status")
PRESENCE = Topic("devices/{device}/presence")
INFO = Topic("devices/{device}/info")
TELEMETRY = Topic("devices/{device}/telemetry")
HEARTBEAT = Topic("devices/{device}/heartbeat")

PresenceState = Literal["online", "sleeping", "lost", "disconnected", "unknown"]
PresenceReason = Literal["provisioned", "restarted", "birth", "heard", "sleeping", "goodbye", "last_will", "silent"]


class Status(Message):
    """Birth, last will, a nap announced, or a clean goodbye."""

    state: Literal["online", "lost", "sleeping", "disconnected"] = Field(
        description="`online` at birth, `lost` in the last will, `sleeping` before a nap, `disconnected` as a goodbye."
    )
    boot: Boot
    wake_in_s: Annotated[float, Field(gt=0, le=7 * 86400)] | None = Field(
        default=None, description="Of `sleeping`: when the device will be back."
    )


class PresenceDocument(Document):
    """Who is really there."""

    state: PresenceState = Field(description="`unknown` after a restart, until the device is seen.")
    boot: Boot | None = Field(description="The last boot that was seen; null: none yet.")
    since: Moment = Field(description="When this state began.")
    reason: PresenceReason = Field(description="What was noticed last.")
    wake_in_s: float | None = Field(description="Of `sleeping`: what the device announced.")


class Info(Message):
    """What the board is: free keys besides these."""

    model: str | None = Field(default=None, description="What board it is.")
    firmware: str | None = Field(default=None, description="Name and version.")
    capabilities: list[str] = Field(default=[], description="What it can do, in words the apps know.")
    limits: FreeJson = Field(default={}, description="`max_payload` in bytes, audio formats, ...")
    clean_step: bool = Field(
        default=False, description="After each session the device confirms `reset`, before the next may begin."
    )


class Telemetry(Message):
    """Free JSON readings."""


class Heartbeat(Message):
    """A sign of life between publishes."""

    boot: Boot | None = None
