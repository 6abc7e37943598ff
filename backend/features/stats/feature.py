"""Stats: what the backend says of itself, and what admins ask of it. Table of contents of the feature."""

from backend.core.desk import Desk
from backend.features.stats.machine import EVENTS, step
from backend.features.stats.messages import BROADCAST, STATS, STATUS, BackendStatus
from backend.features.stats.state import Stats
from backend.features.stats.views import announcement, published

__all__ = ["BROADCAST", "STATS", "STATUS", "BackendStatus", "announcement", "desk"]

_KEY = ""  # there is one backend


def desk() -> Desk[Stats]:
    """Return the desk that counts; it publishes whenever something was measured."""
    return Desk(
        name="stats",
        events=EVENTS,
        fresh=lambda _key: Stats(),
        keys=lambda _event, _known: (_KEY,),
        step=step,
        until=lambda _stats: None,
        project=lambda stats, now: [published(stats, now)],
        states={_KEY: Stats()},
    )
