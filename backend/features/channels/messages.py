"""Wire messages of a channel: what its sender says, and what all others hear."""

from typing import Any

from pydantic import ConfigDict, Field

from backend.core.messages import Document, Fence, FreeJson, Message, Moment
from backend.core.topics import Topic

DATA = Topic("channels/{channel}/data/{principal}")
BROADCAST = Topic("channels/{channel}/broadcast")

# Whose the floor is decides the sessions feature: its document is read here, and its reply topic is used.
SESSION = Topic("channels/{channel}/session")
REPLY = Topic("channels/{channel}/session/reply/{principal}")


class ChannelData(Message):
    """What the sender says: any JSON object. Two keys have a meaning here; all of them are passed on."""

    model_config = ConfigDict(extra="allow")

    id: Any = Field(default=None, description="Comes back with the answer, if it is a string of 1 to 64 characters.")
    fence: Fence | None = Field(default=None, description="If given, only if this is the fence of the session.")


class ChannelBroadcast(Document):
    """What all who listen to a channel get."""

    sender: str | None = Field(description="The principal that holds the floor; null: the server's operator says it.")
    name: str = Field(description="How people call the sender.")
    seq: int | None = Field(description="Rises by one with each message of the channel, from 1 at a server's start.")
    fence: Fence | None = Field(description="Of the sender's session.")
    at: Moment = Field(description="When the server passed it on.")
    data: FreeJson = Field(description="The object as it was sent; from the operator, `kind` and `message`.")
