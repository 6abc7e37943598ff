"""Stats: what the backend says of itself. Table of contents of the feature."""

from functools import partial

from backend.core.desk import Desk
from backend.features.stats.machine import EVENTS, Stats, document, step
from backend.features.stats.messages import STATUS, BackendStatus
from backend.features.stats.routes import ROUTES

__all__ = ["ROUTES", "STATUS", "BackendStatus", "desk"]

_KEY = ""  # there is one backend


def desk(interval_s: float) -> Desk[Stats]:
    """Return the desk that counts; it publishes at most every *interval_s* seconds."""
    return Desk(
        name="stats",
        events=EVENTS,
        fresh=lambda _key: Stats(),
        keys=lambda _event, _known: (_KEY,),
        step=partial(step, interval_s),
        until=lambda stats: stats.due_at,
        project=lambda stats, _now: [document(stats)],
        states={_KEY: Stats()},
    )
