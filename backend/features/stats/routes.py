"""Topics of the backend itself."""

from backend.core.routing import Party, Retain, Route
from backend.features.stats.messages import STATS, STATUS, BackendStatus, StatsDocument

ROUTES = (
    Route(
        STATUS,
        BackendStatus,
        Party.BACKEND,
        (Party.ANYONE,),
        "Is the backend there? Its birth, its last will, its goodbye.",
        Retain.ALWAYS,
    ),
    Route(
        STATS,
        StatsDocument,
        Party.BACKEND,
        (Party.PEOPLE,),
        "Counters since the start of the backend.",
        Retain.ALWAYS,
    ),
)
