"""Wire messages of presence: what a device says of itself, and the debounced truth."""

from typing import Annotated, Literal

from pydantic import Field

from backend.core.messages import Document, FreeJson, Message
from backend.core.topics import Topic

STATUS = Topic("devices/{device}/status")
PRESENCE = Topic("devices/{device}/presence")
INFO = Topic("devices/{device}/info")
TELEMETRY = Topic("devices/{device}/telemetry")
HEARTBEAT = Topic("devices/{device}/heartbeat")

Boot = Annotated[int, Field(ge=0, description="Rises with every boot, or better with every connection, of the device.")]


class Status(Message):
    """Birth, last will, a nap announced, or a clean goodbye."""

    state: Literal["online", "lost", "sleeping", "disconnected"]
    boot: Boot
    wake_in_s: Annotated[float, Field(gt=0, le=7 * 86400)] | None = Field(
        default=None, description="Of `sleeping`: when the device will be back."
    )


class PresenceDocument(Document):
    """Who is really there."""

    state: Literal["online", "sleeping", "lost", "disconnected", "unknown"]
    boot: int | None
    since: str
    reason: Literal["provisioned", "restarted", "birth", "heard", "sleeping", "goodbye", "last_will", "silent"]
    wake_in_s: float | None


class Info(Message):
    """What the board is: free keys besides these."""

    model: str | None = None
    firmware: str | None = None
    capabilities: list[str] = Field(default=[])
    limits: FreeJson = Field(default={})


class Telemetry(Message):
    """Free JSON readings."""


class Heartbeat(Message):
    """A sign of life between publishes."""

    boot: Boot | None = None
