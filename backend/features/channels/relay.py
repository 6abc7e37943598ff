"""Passes on what the sender of a channel says. Data never wait for the journal: this is decided from memory, at once.

The relay believes what the world was told: it reads the retained session documents as they go out, after their commit.
So it takes data from the holder that everybody can see, with the fence that everybody can see, and from nobody else.
"""

from collections import Counter, OrderedDict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic_core import from_json, to_json

from backend.core.access import MAX_PAYLOAD
from backend.core.clock import iso
from backend.core.engine import Arrived, Send
from backend.core.facts import FloorUsed
from backend.core.floors import channel_floor
from backend.core.ids import is_id
from backend.core.measures import ChannelCount
from backend.core.messages import usable_id
from backend.core.meters import LastMinute
from backend.core.rates import Bucket, PerMinute
from backend.core.refusals import Code, Refused
from backend.features.channels.messages import BROADCAST, DATA, REPLY, SESSION
from backend.features.channels.views import rejection

_TREE = SESSION.template.partition("{")[0]
_TELL_EVERY_S = 1.0
_FRAME = 128  # bytes: what a broadcast adds to its head and its data, and more
_NOES_PER_MINUTE = 600  # to one principal; beyond, its data are only counted
_REMEMBERED = 100  # ids of one sender: QoS 1 delivers twice


@dataclass(slots=True)
class _Floor:
    """What the world knows of a channel, and what happened on it since the server started.

    ``head`` is how each broadcast of its holder begins; ``known`` are the last ids, with what became of them.
    """

    holder: str | None = None
    fence: int = 0
    head: bytes = b""
    seq: int = 0
    pace: Bucket = field(default_factory=Bucket)
    told_at: float = float("-inf")
    known: OrderedDict[str, int] = field(default_factory=OrderedDict)
    rate: LastMinute = field(default_factory=LastMinute)
    rejected: Counter[str] = field(default_factory=Counter)

    def pass_to(self, document: Mapping[str, Any]) -> None:
        """Let somebody else have the floor, or nobody."""
        self.holder, self.fence = document["holder"], document["fence"]
        names = to_json({"sender": self.holder, "name": document["holder_name"], "fence": self.fence})
        self.head = names[:-1] + b',"seq":'
        self.pace, self.told_at = Bucket(), float("-inf")
        self.known.clear()


@dataclass(slots=True)
class _Said:
    """Data that came: from whom, and what they are. A ``code``: they are not what can be passed on."""

    channel: str
    sender: str
    payload: bytes
    id: str | None
    fence: object
    code: Code | None

    def ack(self, seq: int) -> Send:
        """Return the answer that they were passed on."""
        own = b'"id":%b,' % to_json(self.id) if self.id is not None else b""
        return self.reply(b'{%b"ok":true,"code":"ack","seq":%d}' % (own, seq))

    def reply(self, payload: bytes) -> Send:
        """Return an answer to the sender."""
        return Send(REPLY.at(channel=self.channel, principal=self.sender), payload)


def _read(levels: Mapping[str, str], message: Arrived) -> _Said:
    code = Code.RETAINED if message.retained else None
    body: Mapping[str, Any] = {}
    try:
        body = message.json()
    except Refused as refused:
        code = refused.code
    return _Said(levels["channel"], levels["principal"], message.payload, usable_id(body), body.get("fence"), code)


class Relay:
    """All channels. *per_s* tells how many messages a second the sender of a channel may send.

    ``rejected`` counts by reason, channels that do not exist included.
    """

    def __init__(self, per_s: Callable[[str], float]) -> None:
        self._per_s = per_s
        self._floors: dict[str, _Floor] = {}
        self._untold: dict[str, float] = {}  # by channel, when it is due
        self.rejected: Counter[str] = Counter()
        self._noes = PerMinute(_NOES_PER_MINUTE)

    def learn(self, sends: Iterable[Send]) -> None:
        """Take note of what goes out: whose is which floor."""
        for send in sends:
            if send.retain and send.topic.startswith(_TREE):
                self._learn(send)

    def _learn(self, send: Send) -> None:
        levels = SESSION.match(send.topic)
        if levels is None:
            return
        channel = levels["channel"]
        if not send.payload:
            self._floors.pop(channel, None)
            self._untold.pop(channel, None)
            return
        document = from_json(send.payload)
        floor = self._floors.setdefault(channel, _Floor())
        if (floor.holder, floor.fence) != (document["holder"], document["fence"]):
            floor.pass_to(document)
            self._untold.pop(channel, None)

    def take(self, message: Arrived, now: float) -> list[Send] | None:
        """Pass on data, or reject them; return what to send at once. None: the message is no data."""
        levels = DATA.match(message.topic) if message.topic.startswith(_TREE) else None
        if levels is None:
            return None
        if not is_id(levels["channel"]) or not is_id(levels["principal"]):
            return []  # another broker than ours let it through; it cannot be answered
        said = _read(levels, message)
        floor = self._floors.get(said.channel)
        code = said.code or _refusal(floor, said)
        if floor is None or code is not None:
            return self._reject(said, code or Code.UNKNOWN_CHANNEL, now)
        if said.id is not None and said.id in floor.known:
            return [said.ack(floor.known[said.id])]
        per_s = self._per_s(said.channel)
        wait_s = floor.pace.take(per_s, max(per_s, 1.0), now)
        if wait_s:
            return self._reject(said, Code.RATE_LIMITED, now, retry_in_s=round(wait_s + 0.0005, 3))
        return self._pass_on(floor, said, now)

    def due(self) -> float | None:
        """Return when `tell` has something to tell next."""
        return min(self._untold.values(), default=None)

    def tell(self, now: float) -> list[FloorUsed]:
        """Return which floors were used: at once, then at most once a second, and never later than a second."""
        told = [channel for channel, due in self._untold.items() if due <= now]
        for channel in told:
            del self._untold[channel]
            self._floors[channel].told_at = now
        return [FloorUsed(channel_floor(channel), self._floors[channel].fence) for channel in told]

    def counts(self, now: float) -> dict[str, ChannelCount]:
        """Return what came on each channel since the server started."""
        return {
            channel: ChannelCount(floor.seq, floor.rate.total(now), dict(floor.rejected))
            for channel, floor in self._floors.items()
        }

    def _pass_on(self, floor: _Floor, said: _Said, now: float) -> list[Send]:
        floor.seq += 1
        floor.rate.add(now)
        if said.id is not None:
            floor.known[said.id] = floor.seq
            if len(floor.known) > _REMEMBERED:
                floor.known.popitem(last=False)
        if said.channel not in self._untold:
            self._untold[said.channel] = max(now, floor.told_at + _TELL_EVERY_S)
        payload = b'%b%d,"at":"%b","data":%b}' % (floor.head, floor.seq, iso(now).encode(), said.payload)
        return [Send(BROADCAST.at(channel=said.channel), payload), said.ack(floor.seq)]

    def _reject(self, said: _Said, code: Code, now: float, **more: float) -> list[Send]:
        """Say no; to who does not listen, no more than now and then."""
        self.rejected[code.value] += 1
        floor = self._floors.get(said.channel)
        if floor is not None:
            floor.rejected[code.value] += 1
        if self._noes.take(said.sender, now):
            return []
        return [said.reply(rejection(said.channel, said.id, code, **more).payload())]


def _refusal(floor: _Floor | None, said: _Said) -> Code | None:
    """Return why it is not for this one to say that."""
    if floor is None:
        return Code.UNKNOWN_CHANNEL
    if floor.holder != said.sender:
        return Code.NOT_HOLDER
    if said.fence is not None and (type(said.fence) is not int or said.fence != floor.fence):
        return Code.STALE_FENCE
    return Code.TOO_LARGE if len(said.payload) + len(floor.head) + _FRAME > MAX_PAYLOAD else None
