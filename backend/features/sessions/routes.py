"""Topics of a session, and what their messages mean."""

from collections.abc import Iterable

from backend.core.facts import DeviceHeard
from backend.core.floors import floor_of
from backend.core.principals import PARTICIPANTS, Principal, Role
from backend.core.refusals import EXPLAINED, Code, Refused
from backend.core.routing import Incoming, Party, Retain, Route
from backend.features.sessions.asks import Offer, Order, SessionRequest
from backend.features.sessions.machine import Commanded, Resulted
from backend.features.sessions.messages import (
    COMMAND,
    EVENT,
    FLOOR,
    FLOOR_EVENT,
    FLOOR_REPLY,
    FLOOR_REQUEST,
    REPLY,
    REQUEST,
    RESULT,
    SESSION,
    Command,
    Result,
    SessionDocument,
    SessionEvent,
    SessionReply,
)
from backend.features.sessions.requests import SessionAsked


def _ask(incoming: Incoming) -> Iterable[SessionAsked]:
    if incoming.who is not None and incoming.asked is not None:  # the engine sees to both on a request topic
        who = _asker(incoming, incoming.who)
        other = _person(incoming, incoming.body.to) if isinstance(incoming.body, Offer) and incoming.body.to else None
        yield SessionAsked(floor_of(incoming.levels), who, incoming.asked, incoming.body, other)


def _asker(incoming: Incoming, who: Principal) -> Principal:
    """Return for whom is asked: a badge reader, which is a device, may ask for a person on its own session."""
    name = incoming.body.for_
    if name in (None, who.name):
        return who
    if who.role is not Role.DEVICE:
        raise Refused(Code.NOT_YOURSELF, EXPLAINED[Code.NOT_YOURSELF])
    if isinstance(incoming.body, Order):
        raise Refused(Code.FORBIDDEN, "a badge gives no orders")  # whose it is, the board cannot prove
    return _person(incoming, name)


def _person(incoming: Incoming, name: str) -> Principal:
    found = incoming.find(name)
    if found is None:
        raise Refused(Code.UNKNOWN_PRINCIPAL, f"no account {name}")
    if found.role not in PARTICIPANTS:
        raise Refused(Code.FORBIDDEN, f"{found.role.value} {name} cannot hold anything")
    return found


def _command(incoming: Incoming) -> Iterable[Commanded]:
    yield Commanded(floor_of(incoming.levels), incoming.body.fence, COMMAND.at(**incoming.levels))


def _result(incoming: Incoming) -> Iterable[DeviceHeard | Resulted]:
    yield DeviceHeard(incoming.levels["device"])
    yield Resulted(floor_of(incoming.levels), incoming.body, RESULT.at(**incoming.levels))


_WATCHERS = (Party.PEOPLE, Party.THE_DEVICE)
_ASKING = (
    "Claim, renew, update, release, leave the queue, offer, accept, decline, watch; for admins: kick, preempt, ..."
)

ROUTES = (
    Route(
        SESSION,
        SessionDocument,
        Party.BACKEND,
        _WATCHERS,
        "Who holds the device, for what, until when, and who waits.",
        Retain.ALWAYS,
    ),
    Route(
        REQUEST,
        SessionRequest,
        Party.THE_PRINCIPAL,
        (Party.THE_PRINCIPAL,),
        _ASKING,
        handler=_ask,
        reply=REPLY,
    ),
    Route(REPLY, SessionReply, Party.BACKEND, (Party.THE_PRINCIPAL,), "The answers to one principal."),
    Route(EVENT, SessionEvent, Party.BACKEND, _WATCHERS, "What happened to the session, in order."),
    Route(
        COMMAND,
        Command,
        Party.HOLDER,
        _WATCHERS,
        "A command to the hardware. The broker passes it on from the current holder only, with the current fence.",
        handler=_command,
        guard=SESSION,
    ),
    Route(
        RESULT,
        Result,
        Party.THE_DEVICE,
        _WATCHERS,
        "Progress and final result of the running session, merged into its document; or that the device is clean.",
        handler=_result,
    ),
    Route(
        FLOOR,
        SessionDocument,
        Party.BACKEND,
        (Party.PARTICIPANTS,),
        "Who is the sender of the channel, and who waits to be the next.",
        Retain.ALWAYS,
    ),
    Route(
        FLOOR_REQUEST,
        SessionRequest,
        Party.THE_PRINCIPAL,
        (Party.THE_PRINCIPAL,),
        _ASKING,
        handler=_ask,
        reply=FLOOR_REPLY,
    ),
    Route(
        FLOOR_REPLY,
        SessionReply,
        Party.BACKEND,
        (Party.THE_PRINCIPAL,),
        "The answers to one principal: to what it asked, and to the data that it sent.",
    ),
    Route(FLOOR_EVENT, SessionEvent, Party.BACKEND, (Party.PARTICIPANTS,), "What happened to the floor, in order."),
)
