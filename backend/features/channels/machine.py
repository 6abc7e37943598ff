"""What is slow about channels: how fast each may be, and what is said of them elsewhere. Data do not come here."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from backend.core.clock import iso
from backend.core.desk import Effect
from backend.core.effects import Publish
from backend.core.facts import ChannelAddressed, DirectoryChanged, PublishRefused
from backend.core.floors import id_of, is_channel
from backend.features.channels.messages import BROADCAST, DATA, REPLY, ChannelBroadcast
from backend.features.channels.views import rejection

_RULE = "data_per_s"
_KEY = ""  # all channels together have one state


@dataclass(frozen=True, slots=True)
class Paces:
    """How many messages a second the sender may send, of channels that have a rule of their own for it."""

    per_s: Mapping[str, float] = field(default_factory=dict)


EVENTS = (DirectoryChanged, PublishRefused, ChannelAddressed)


def keys(event: object, _known: Iterable[str]) -> tuple[str, ...]:
    """Return whether an event is about channels."""
    is_ours = not isinstance(event, PublishRefused) or DATA.match(event.topic) is not None
    return (_KEY,) if is_ours else ()


def step(paces: Paces, event: object, now: float) -> tuple[Paces, list[Effect]]:
    """Learn the rules; tell whose data the broker refused; let an admin speak."""
    match event:
        case DirectoryChanged(rules=rules):
            own = {floor: dict(each) for floor, each in rules.items() if is_channel(floor)}
            return Paces({id_of(floor): float(each[_RULE]) for floor, each in own.items() if _RULE in each}), []
        case PublishRefused(code=code, topic=topic, principal=principal) if (levels := DATA.match(topic)) is not None:
            to = REPLY.at(channel=levels["channel"], principal=principal)
            return paces, [Publish(to, rejection(levels["channel"], None, code))]
        case ChannelAddressed():
            return paces, [_notice(event, now)]
        case _:
            return paces, []


def _notice(said: ChannelAddressed, now: float) -> Publish:
    body = ChannelBroadcast(
        sender=None,
        name=said.who.display_name,
        seq=None,
        fence=None,
        at=iso(now),
        data={"kind": said.kind, "message": said.message},
    )
    return Publish(BROADCAST.at(channel=said.channel), body)
