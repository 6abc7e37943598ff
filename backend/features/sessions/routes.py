"""Topics of a device's session, and what their messages mean."""

from collections.abc import Iterable

from backend.core.facts import DeviceHeard
from backend.core.routing import Incoming, Party, Retain, Route
from backend.features.sessions.machine import Commanded, Resulted, SessionAsked
from backend.features.sessions.messages import (
    COMMAND,
    EVENT,
    REPLY,
    REQUEST,
    RESULT,
    SESSION,
    Command,
    Result,
    SessionDocument,
    SessionEvent,
    SessionReply,
    SessionRequest,
)


def _ask(incoming: Incoming) -> Iterable[SessionAsked]:
    if incoming.who is not None and incoming.asked is not None:  # the engine sees to both on a request topic
        yield SessionAsked(incoming.levels["device"], incoming.who, incoming.asked, incoming.body)


def _command(incoming: Incoming) -> Iterable[Commanded]:
    topic = COMMAND.at(**incoming.levels)
    yield Commanded(incoming.levels["device"], incoming.body.fence, topic)


def _result(incoming: Incoming) -> Iterable[DeviceHeard | Resulted]:
    yield DeviceHeard(incoming.levels["device"])
    yield Resulted(incoming.levels["device"], incoming.body)


ROUTES = (
    Route(
        SESSION,
        SessionDocument,
        Party.BACKEND,
        (Party.PEOPLE, Party.THE_DEVICE),
        "Who holds the device, for what, until when, and who waits.",
        Retain.ALWAYS,
    ),
    Route(
        REQUEST,
        SessionRequest,
        Party.THE_PRINCIPAL,
        (Party.THE_PRINCIPAL,),
        "Ask for the device, renew, update, release, leave the queue, kick.",
        handler=_ask,
        reply=REPLY,
    ),
    Route(REPLY, SessionReply, Party.BACKEND, (Party.THE_PRINCIPAL,), "The answers to one principal."),
    Route(
        EVENT,
        SessionEvent,
        Party.BACKEND,
        (Party.PEOPLE, Party.THE_DEVICE),
        "What happened to the session, in order.",
    ),
    Route(
        COMMAND,
        Command,
        Party.HOLDER,
        (Party.PEOPLE, Party.THE_DEVICE),
        "A command to the hardware. The broker passes it on from the current holder only, with the current fence.",
        handler=_command,
        guard=SESSION,
    ),
    Route(
        RESULT,
        Result,
        Party.THE_DEVICE,
        (Party.PEOPLE, Party.THE_DEVICE),
        "Progress and final result of the running session; merged into its document.",
        handler=_result,
    ),
)
