"""Topics of people's apps. Listeners only read, so theirs say nothing."""

from collections.abc import Iterable

from backend.core.routing import Incoming, Party, Retain, Route
from backend.features.clients.machine import ClientSaid
from backend.features.clients.messages import PRESENCE, STATUS, ClientStatus, UserPresence


def _status(incoming: Incoming) -> Iterable[ClientSaid]:
    yield ClientSaid(incoming.levels["principal"], incoming.levels["client"], incoming.body, incoming.retained)


ROUTES = (
    Route(
        STATUS,
        ClientStatus,
        Party.THE_PRINCIPAL,
        (Party.PEOPLE,),
        "What an app says of itself at birth and at its goodbye, and its last will.",
        Retain.ALWAYS,
        handler=_status,
    ),
    Route(
        PRESENCE,
        UserPresence,
        Party.BACKEND,
        (Party.PEOPLE,),
        "The debounced truth: which apps of a person are there?",
        Retain.ALWAYS,
    ),
)
