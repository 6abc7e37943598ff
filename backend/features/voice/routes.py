"""Topics of a conversation."""

from collections.abc import Iterable

from backend.core.routing import Incoming, Party, Route
from backend.features.voice.messages import (
    AUDIO,
    CONVERSATION,
    REPLY,
    REQUEST,
    SPEECH,
    UTTERANCE,
    ConversationEvent,
    ConversationReply,
    ConversationRequest,
)
from backend.features.voice.requests import ConversationAsked


def _ask(incoming: Incoming) -> Iterable[ConversationAsked]:
    if incoming.who is not None and incoming.asked is not None:  # the engine sees to both on a request topic
        name = incoming.levels["device"]
        device = incoming.find(name)
        owner = device.owner if device is not None else None
        yield ConversationAsked(name, incoming.who, incoming.asked, incoming.body, owner)


def _taken(_incoming: Incoming) -> tuple[object, ...]:
    """Nothing happens: audio is taken before it would come here, since it waits for nothing."""
    return ()


ROUTES = (
    Route(
        UTTERANCE,
        bytes,
        Party.IN_ITS_PLACE,
        (Party.BACKEND,),
        "What was said to the device, whole: a WAV file, or another that ffmpeg reads. It is the next turn.",
        handler=_taken,
    ),
    Route(
        AUDIO,
        bytes,
        Party.IN_ITS_PLACE,
        (Party.BACKEND,),
        "What is said to the device, while it is said: frames of one turn.",
        handler=_taken,
        qos=0,
    ),
    Route(
        SPEECH,
        bytes,
        Party.BACKEND,
        (Party.THE_DEVICE, Party.OWNER),
        "What the device says: frames of one turn, paced to its buffer. Those of an older turn are to be dropped.",
    ),
    Route(
        CONVERSATION,
        ConversationEvent,
        Party.BACKEND,
        (Party.THE_DEVICE, Party.OWNER, Party.ONLOOKERS),
        "What happens in a turn, in order: what was understood, what is answered, what failed, with times.",
    ),
    Route(
        REQUEST,
        ConversationRequest,
        Party.THE_PRINCIPAL,
        (Party.THE_PRINCIPAL,),
        "Let the device say something, or hush; for itself, its owner and admins: history, forget, stats.",
        handler=_ask,
        reply=REPLY,
    ),
    Route(REPLY, ConversationReply, Party.BACKEND, (Party.THE_PRINCIPAL,), "The answers to one principal."),
)
