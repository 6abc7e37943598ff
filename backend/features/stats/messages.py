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


class StatsDocument(Document):
    """Counters since the backend started."""

    refused: dict[str, int] = Field(description="Refused messages by reason code.")
