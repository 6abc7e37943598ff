"""What admins ask of the backend, and the answers."""

from typing import Any

from backend.core.conversations import CleanUp, Tally
from backend.core.desk import Effect
from backend.core.effects import Answer, Asked, Consult, Publish
from backend.core.facts import ChannelAddressed, FloorOrdered
from backend.core.floors import id_of, is_channel
from backend.core.messages import Message, refusal
from backend.core.principals import Principal, Role
from backend.core.refusals import EXPLAINED, Code
from backend.features.stats.messages import (
    BROADCAST,
    AdminReply,
    AskStats,
    Broadcast,
    CleanUpConversations,
    CountConversations,
    DemoteOn,
    KickFrom,
    PromoteOn,
)
from backend.features.stats.state import Stats
from backend.features.stats.views import announcement, document


def answer(stats: Stats, who: Principal, asked: Asked, body: Message, now: float) -> list[Effect]:
    """Return what is done, and said, to a request."""
    if who.role is not Role.ADMIN:
        return [_no(asked, Code.FORBIDDEN)]
    match body:
        case AskStats():
            return [_yes(asked, "stats", stats=document(stats, now).model_dump(mode="json"))]
        case Broadcast():
            return _broadcast(stats, who, asked, body, now)
        case KickFrom() | PromoteOn() | DemoteOn():
            return [_ordered(stats, who, asked, body)]
        case CountConversations():
            return [Consult(asked, Tally(now))]
        case CleanUpConversations(days=days):
            return [Consult(asked, CleanUp(now, days), once=True)]
        case _:
            raise LookupError(f"nobody answers {body!r}")


def _broadcast(stats: Stats, who: Principal, asked: Asked, body: Broadcast, now: float) -> list[Effect]:
    if body.channel is None:
        said: Effect = Publish(BROADCAST.at(), announcement(body.kind, body.message, who.name, now))
    elif body.channel in stats.channels:
        said = ChannelAddressed(body.channel, who, body.kind, body.message)
    else:
        return [_no(asked, Code.UNKNOWN_CHANNEL)]
    return [said, _yes(asked, "broadcast")]


def _ordered(stats: Stats, who: Principal, asked: Asked, body: KickFrom | PromoteOn | DemoteOn) -> Effect:
    """Whoever keeps the sessions answers."""
    if is_channel(body.floor) and id_of(body.floor) not in stats.channels:
        return _no(asked, Code.UNKNOWN_CHANNEL)
    if not is_channel(body.floor) and id_of(body.floor) not in stats.devices:
        return _no(asked, Code.UNKNOWN_DEVICE)
    user = None if isinstance(body, DemoteOn) else body.user
    return FloorOrdered(body.floor, who, asked, body.action, user)


def _yes(asked: Asked, code: str, **more: Any) -> Answer:
    return Answer(asked, AdminReply(id=asked.id, ok=True, code=code, **more))


def _no(asked: Asked, code: Code) -> Answer:
    return Answer(asked, refusal(asked.id, code, EXPLAINED[code]))
