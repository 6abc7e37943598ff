"""Topics of triggers."""

from collections.abc import Iterable

from backend.core.routing import Incoming, Party, Retain, Route
from backend.features.triggers.machine import TriggerSaid
from backend.features.triggers.messages import (
    EVENT,
    PROFILE,
    PROFILES,
    REPLY,
    REQUEST,
    TRIGGER,
    ProfileSession,
    TriggerEvent,
    TriggerProfiles,
    TriggerReply,
    TriggerRequest,
    TriggerStatus,
)
from backend.features.triggers.requests import TriggerAsked


def _said(incoming: Incoming) -> Iterable[TriggerSaid]:
    yield TriggerSaid(incoming.levels["trigger"], incoming.body, incoming.retained)


def _ask(incoming: Incoming) -> Iterable[TriggerAsked]:
    if incoming.who is not None and incoming.asked is not None:  # the engine sees to both on a request topic
        yield TriggerAsked(incoming.levels["trigger"], incoming.who, incoming.asked, incoming.body)


ROUTES = (
    Route(
        TRIGGER,
        TriggerStatus,
        Party.TRIGGER_OWNER,
        (Party.PEOPLE,),
        "Whether a trigger is active. Its owner publishes it; the backend does, where the trigger has a source.",
        retain=Retain.EITHER,
        handler=_said,
    ),
    Route(
        EVENT,
        TriggerEvent,
        Party.BACKEND,
        (Party.PEOPLE,),
        "What happens to a trigger, and to the runs of its profiles, in order.",
    ),
    Route(
        PROFILES,
        TriggerProfiles,
        Party.BACKEND,
        (Party.PEOPLE,),
        "The profiles that are subscribed to a trigger, with mode and state.",
        retain=Retain.ALWAYS,
    ),
    Route(
        PROFILE,
        ProfileSession,
        Party.BACKEND,
        (Party.PEOPLE,),
        "How a subscription stands: the profile session that it owns, its pace and its counters.",
        retain=Retain.ALWAYS,
    ),
    Route(
        REQUEST,
        TriggerRequest,
        Party.THE_PRINCIPAL,
        (Party.THE_PRINCIPAL,),
        "Subscribe a profile to a trigger, change, unsubscribe, stop what runs; tell subscriptions and past runs.",
        handler=_ask,
        reply=REPLY,
    ),
    Route(REPLY, TriggerReply, Party.BACKEND, (Party.THE_PRINCIPAL,), "The answers to one principal."),
)
