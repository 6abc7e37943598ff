"""Topics of the backend itself."""

from collections.abc import Iterable

from backend.core.routing import Incoming, Party, Retain, Route
from backend.features.stats.machine import AdminAsked
from backend.features.stats.messages import (
    BROADCAST,
    REPLY,
    REQUEST,
    STATS,
    STATUS,
    AdminReply,
    AdminRequest,
    Announcement,
    BackendStatus,
    StatsDocument,
)


def _ask(incoming: Incoming) -> Iterable[AdminAsked]:
    if incoming.who is not None and incoming.asked is not None:  # the engine sees to both on a request topic
        yield AdminAsked(incoming.who, incoming.asked, incoming.body)


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
        "How things stand, and counters since the start of the backend.",
        Retain.ALWAYS,
    ),
    Route(
        BROADCAST,
        Announcement,
        Party.BACKEND,
        (Party.ANYONE,),
        "What everybody should know: what an admin says, and that the server stops.",
    ),
    Route(
        REQUEST,
        AdminRequest,
        Party.THE_PRINCIPAL,
        (Party.THE_PRINCIPAL,),
        "What admins ask: the counters, something to be said to all, order on a floor.",
        handler=_ask,
        reply=REPLY,
    ),
    Route(REPLY, AdminReply, Party.BACKEND, (Party.THE_PRINCIPAL,), "The answers to one admin."),
)
