"""Runs every feature's machines. No I/O: the shell feeds it, commits what changed, and performs what it returns."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Protocol

from backend.core.access import MAX_PAYLOAD, may_write
from backend.core.desk import Changes, Desk, Effect
from backend.core.effects import Answer, Asked, Consult, Perform, Publish, Record
from backend.core.facts import Fact, MessageRefused, UserHeard
from backend.core.ids import is_id
from backend.core.messages import Reply, refusal, usable_id
from backend.core.principals import Principal, Role
from backend.core.refusals import Code, Refused
from backend.core.replies import ReplyMemory
from backend.core.routing import Incoming, Party, Retain, Route, RouteTable, parse_object
from backend.core.validation import unknown_keys


@dataclass(frozen=True)
class Arrived:
    """An MQTT message as it came in: ``at`` is when, by the clock of who measures how long its answer takes."""

    topic: str
    payload: bytes
    retained: bool = False
    at: float | None = field(default=None, compare=False)

    @cached_property
    def _json(self) -> dict[str, Any] | Refused:
        if len(self.payload) > MAX_PAYLOAD:
            return Refused(Code.TOO_LARGE, f"a payload has at most {MAX_PAYLOAD} bytes")
        try:
            return parse_object(self.payload)
        except Refused as refused:
            return refused

    def json(self) -> dict[str, Any]:
        """Return the payload as a JSON object. Raises Refused: ``too_large`` or ``bad_json``."""
        if isinstance(self._json, Refused):
            raise self._json
        return self._json


@dataclass(frozen=True, slots=True)
class Send:
    """An MQTT message to go out. An empty retained payload clears the topic."""

    topic: str
    payload: bytes
    retain: bool = False


class Directory(Protocol):
    """Whom and what the engine knows by name, as it stands now."""

    def principal(self, name: str) -> Principal | None:
        """Return the account of this name, or None."""

    def has_channel(self, name: str) -> bool:
        """Tell whether there is a channel of this name."""

    def has_trigger(self, name: str) -> bool:
        """Tell whether there is a trigger of this name."""


class Engine:
    """All desks, the route table, and the memory of what was answered.

    ``report`` hears what was refused; ``admit`` may refuse what could be read, by raising Refused.
    """

    def __init__(
        self,
        table: RouteTable,
        desks: Sequence[Desk[Any]],
        directory: Directory,
        report: Callable[[MessageRefused], None] = lambda _refused: None,
        admit: Callable[[Incoming, float], None] = lambda _incoming, _now: None,
    ) -> None:
        self.table = table
        self.desks = tuple(desks)
        self.replies = ReplyMemory()
        self._directory = directory
        self._report = report
        self._admit = admit
        self._records: list[Record] = []
        self._consulted: list[Consult] = []
        self._performed: list[Perform] = []
        self._hearing: dict[type, list[Desk[Any]]] = {}  # which desks hear what, as it turns out

    def receive(self, message: Arrived, now: float) -> list[Send]:
        """Take one message; return what to send once the change is committed."""
        found = self.table.find(message.topic)
        if found is None:
            return self.hear(MessageRefused(Code.UNKNOWN_TOPIC, message.topic), now)
        route, levels = found
        if not message.payload and route.retain is not Retain.NEVER:
            return []  # somebody cleared a retained topic
        asked = asked_by(route, levels, message)
        if asked is not None and (known := self.recall(asked, now)) is not None:
            return [known]
        try:
            events = self._read(route, levels, message, asked, now)
        except Refused as refused:
            return self._refuse(refused, message.topic, asked, now)
        return self._run(events, now)

    def hear(self, fact: object, now: float) -> list[Send]:
        """Take something that happened outside of MQTT."""
        return self._run([fact], now)

    def tick(self, now: float) -> list[Send]:
        """Let time pass."""
        return self._run([effect for desk in self.desks for effect in desk.tick(now)], now)

    def deadline(self) -> float | None:
        """Return when `tick` must be called next even if nothing happens."""
        return min((when for desk in self.desks if (when := desk.deadline()) is not None), default=None)

    def projection(self, now: float, of: Callable[[str], bool] = lambda _key: True) -> Iterator[Send]:
        """Return every retained topic of the backend as it must stand now, one by one; see `Desk.projection`."""
        return (_send(publish) for desk in self.desks for publish in desk.projection(now, of))

    def documents(self) -> list[Send]:
        """Return the documents of what changed since the last commit, each once, as it is by now."""
        return [_send(publish) for desk in self.desks for publish in desk.documents()]

    def changes(self) -> Changes:
        """Return what changed since the last commit."""
        states = [
            (desk.rows, list(changed.values())) for desk in self.desks if desk.rows and (changed := desk.changed())
        ]
        over = [(desk.rows, keys) for desk in self.desks if desk.rows and (keys := desk.over())]
        return Changes(states, self.replies.changed(), tuple(self._records), over)

    def consulted(self) -> list[Consult]:
        """Return, once, which requests are to be answered from what is stored by now."""
        asked, self._consulted = self._consulted, []
        return asked

    def recall(self, asked: Asked, now: float) -> Send | None:
        """Return the answer that a request got already, or None."""
        known = self.replies.recall(asked.topic, asked.id, now) if asked.id is not None else None
        return Send(asked.reply_topic, known.payload) if known is not None else None

    def learn(self, asked: Asked, body: Reply, now: float) -> Send:
        """Remember an answer that was stored elsewhere, with what it tells; return what to send."""
        send = self._answer(asked, body, now)
        self.replies.committed()
        return send

    def performed(self) -> list[object]:
        """Return, once, what the shell is asked to do now that the changes are stored."""
        wanted, self._performed = self._performed, []
        return [each.what for each in wanted]

    def committed(self) -> None:
        """The changes are stored: go on from here."""
        self._records.clear()
        self.replies.committed()
        for desk in self.desks:
            desk.committed()

    def roll_back(self) -> None:
        """The changes could not be stored: they did not happen."""
        self._records.clear()
        self._consulted.clear()
        self._performed.clear()
        self.replies.roll_back()
        for desk in self.desks:
            desk.roll_back()

    def _read(
        self, route: Route, levels: Mapping[str, str], message: Arrived, asked: Asked | None, now: float
    ) -> Iterable[object]:
        if route.handler is None:
            raise Refused(Code.UNKNOWN_TOPIC, "the backend does not read this topic")
        if message.retained and route.retain is Retain.NEVER:
            raise Refused(Code.RETAINED, "this topic takes no retained messages")
        who = self._sender(route, levels)
        body = route.validate(message.json())
        if asked is not None:
            asked = replace(asked, ignored=unknown_keys(body, message.json()))
        incoming = Incoming(levels, body, who, asked, retained=message.retained, find=self._directory.principal)
        self._admit(incoming, now)
        heard = [UserHeard(who.name)] if who is not None and asked is not None else []
        return [*heard, *route.handler(incoming)]

    def _sender(self, route: Route, levels: Mapping[str, str]) -> Principal | None:
        """Return whom the topic names as the sender; the broker saw to it that it is. None: it names nobody.

        The rules are asked again, since another broker may be set up otherwise. Raises Refused.
        """
        for level in levels.values():
            if not is_id(level):
                raise Refused(Code.BAD_ID, f"{level[:80]!r} is no id")
        device = self._place(levels)
        if "principal" not in levels:
            return device if route.writer in (Party.THE_DEVICE, Party.IN_ITS_PLACE) else None
        who = self._directory.principal(levels["principal"])
        if who is None:
            raise Refused(Code.UNKNOWN_PRINCIPAL, f"no account {levels['principal']}")
        if not may_write(route, who, levels):
            raise Refused(Code.FORBIDDEN, f"{who.role.value} {who.name} may not do that here")
        return who

    def _place(self, levels: Mapping[str, str]) -> Principal | None:
        """Return the device that a topic is about, if it is about one; insist that this, or what else, is there."""
        device = self._directory.principal(levels["device"]) if "device" in levels else None
        if "device" in levels and (device is None or device.role is not Role.DEVICE):
            name = levels["device"]
            meant = f", but channels/{name} is there" if self._directory.has_channel(name) else ""
            raise Refused(Code.UNKNOWN_DEVICE, f"no device {name} is provisioned{meant}")
        if "channel" in levels and not self._directory.has_channel(levels["channel"]):
            raise Refused(Code.UNKNOWN_CHANNEL, f"there is no channel {levels['channel']}")
        if "trigger" in levels and not self._directory.has_trigger(levels["trigger"]):
            raise Refused(Code.UNKNOWN_TRIGGER, f"there is no trigger {levels['trigger']}")
        return device

    def _run(self, events: Iterable[object], now: float) -> list[Send]:
        todo, out = deque(events), list[Send]()
        while todo:
            event = todo.popleft()
            match event:
                case Publish():
                    out.append(_send(event))
                case Answer():
                    out.append(self._answer(event.asked, event.body, now))
                    if not event.body.ok:
                        todo.append(MessageRefused(Code(event.body.code), event.asked.topic, event.body.message or ""))
                case Record():
                    self._records.append(event)
                case Consult():
                    self._consulted.append(event)
                case Perform():
                    self._performed.append(event)
                case _:
                    todo.extend(self._tell(event, now))
        return out

    def _tell(self, event: object, now: float) -> list[Effect]:
        if isinstance(event, MessageRefused):
            self._report(event)
        heard = self._hearing.get(type(event))
        if heard is None:
            heard = self._hearing[type(event)] = [desk for desk in self.desks if isinstance(event, desk.events)]
        if not heard and not isinstance(event, Fact):
            raise LookupError(f"nobody handles {event!r}")
        return [effect for desk in heard for effect in desk.handle(event, now)]

    def _answer(self, asked: Asked, body: Reply, now: float) -> Send:
        payload = asked.noted(body).payload()
        if asked.id is not None:
            self.replies.remember(asked.topic, asked.id, payload, now)
        return Send(asked.reply_topic, payload)

    def _refuse(self, refused: Refused, topic: str, asked: Asked | None, now: float) -> list[Send]:
        """Count a message that could not be read, and tell the sender if it asked something. Not remembered."""
        out = self.hear(MessageRefused(refused.code, topic, refused.message), now)
        if asked is not None:
            body = refusal(asked.id, refused.code, refused.message, **refused.more)
            out.append(Send(asked.reply_topic, body.payload()))
        return out


def asked_by(route: Route, levels: Mapping[str, str], message: Arrived) -> Asked | None:
    """Return what is to be answered, with the id as far as the payload can be read. None: this is no request."""
    if route.reply is None:
        return None
    try:
        request_id = usable_id(message.json())
    except Refused:
        request_id = None
    return Asked(message.topic, route.reply.at(**levels), request_id)


def not_stored(table: RouteTable, message: Arrived) -> Send | None:
    """Return the answer to a request whose change could not be stored. None: this is no request."""
    found = table.find(message.topic)
    asked = asked_by(*found, message) if found is not None else None
    if asked is None:
        return None
    body = refusal(asked.id, Code.NOT_STORED, "the server could not store the change; ask again")
    return Send(asked.reply_topic, body.payload())


def _send(publish: Publish) -> Send:
    payload = b"" if publish.body is None else publish.body.payload()
    return Send(publish.topic, payload, publish.retain)
