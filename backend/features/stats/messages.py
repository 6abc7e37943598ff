"""What the backend says of itself."""

from typing import Literal

from pydantic import Field

from backend.core.messages import Document, Moment
from backend.core.topics import Topic

STATUS = Topic("backend/status")
STATS = Topic("backend/stats")


class BackendStatus(Document):
    """Whether the backend is there: its birth, its last will, its goodbye."""

    state: Literal["online", "lost", "disconnected"]
    version: str
    since: Moment


class BrokerStats(Document):
    """What the embedded broker has to do."""

    connections: int = Field(description="Clients that are connected.")
    sessions: int = Field(description="Sessions, those of clients that are away included.")
    retained: int = Field(description="Topics with a retained message.")
    dropped: int = Field(description="Messages that slow or absent clients did not get, since the broker started.")


class StatsDocument(Document):
    """Counters since the backend started."""

    broker: BrokerStats | None = Field(None, description="Of the embedded broker; null where another one is used.")
    refused: dict[str, int] = Field(description="Refused messages by reason code.")
