"""Who may publish, subscribe and receive what: decided from route table, role and name. Deny by default.

MQTT does not tell a subscriber who published, so identity is a topic level: a level ``{principal}`` or ``{device}``
that must be one's own name. What is said to a device is its owner's, so the rules know who is there and has what. The
broker asks; commands it checks against the retained session document besides.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain, combinations

from backend.core.ids import is_id
from backend.core.outside import Outside
from backend.core.principals import PARTICIPANTS, PEOPLE, Principal, Role, Roster
from backend.core.refusals import Code
from backend.core.routing import Party, Retain, Route, RouteTable
from backend.core.topics import is_filter, overlaps

MAX_PAYLOAD = 256 * 1024  # bytes


@dataclass(frozen=True, slots=True)
class Verdict:
    """The answer to a publisher: a ``code`` refuses; a ``guard`` is the session document that must name it holder."""

    code: Code | None = None
    guard: str | None = None


@dataclass(frozen=True, slots=True)
class Grants:
    """What an account may publish to and receive, as MQTT filters: the rules for a broker that cannot ask.

    They hold while nobody gets or loses a device. What a holder may do is not among them; see `Rulebook.guarded_by`.
    """

    publish: frozenset[str]
    receive: frozenset[str]
    outside: bool = False
    """Whether it may besides use all topics outside of the tree, which no filters can say."""


class Rulebook:
    """The access rules of a route table, whose tree begins with *prefix* on the wire.

    ``roster`` is replaced when accounts, owners or what devices let others read have changed. ``outside`` judges all
    other topics.
    """

    def __init__(self, table: RouteTable, prefix: str = "", roster: Roster | None = None) -> None:
        self._table = table
        self._prefix = prefix
        self.roster = roster or Roster()
        self.outside = Outside(table, prefix)

    def publish(self, who: Principal, topic: str, *, retain: bool, size: int) -> Verdict:
        """Judge one publish, or one last will, of *size* bytes."""
        found = self._find(topic)
        if found is None:
            return self._publish_outside(who, topic, size)
        route, levels = found
        code = _refusal(route, levels, who, retain=retain, size=size)
        if code is not None or route.guard is None or who.role is Role.BACKEND:
            return Verdict(code)
        return Verdict(guard=self._prefix + route.guard.at(device=levels["device"]))

    def subscribe(self, who: Principal, topic_filter: str) -> bool:
        """Allow a filter that covers anything *who* may receive, now or as the owner of some device.

        `receive` then judges each topic, so a subscription may wait for what is not yet allowed.
        """
        if who.role in (Role.ADMIN, Role.BACKEND):
            return is_filter(topic_filter)
        readable = (
            self._prefix + covered for route in self._table.routes for covered in _filters(route, who, may_come_to_read)
        )
        return is_filter(topic_filter) and any(
            overlaps(topic_filter, covered) for covered in chain(readable, self.outside.filters(who))
        )

    def receive(self, who: Principal, topic: str) -> bool:
        """Judge one delivery."""
        found = self._find(topic)
        if found is None:
            return self.outside.may_receive(who, topic)
        return may_read(found[0], who, found[1]) or self._is_let(found[0], who, found[1])

    def grants(self, who: Principal) -> Grants:
        """Return the same answers as `publish` and `receive` give, as filters.

        Filters cannot tell whether a level is a valid id, nor judge retain flag and size.
        """
        free = [route for route in self._table.routes if route.guard is None or who.role is Role.BACKEND]
        writable = {self._prefix + each for route in free for each in _writable(route, who)}
        readable = {self._prefix + each for route in self._table.routes for each in self._readable(route, who)}
        outside = frozenset(self.outside.filters(who))
        return Grants(
            outside.union(writable) if who.role is not Role.LISTENER else frozenset(writable),
            outside.union(readable),
            outside=self.outside.may_use_all(who),
        )

    def guarded_by(self, document: str) -> tuple[str, ...]:
        """Return the filters to which only the holder in a retained document may publish; none: it guards nothing.

        The topic of the *document* comes without the prefix, as the backend publishes it.
        """
        return tuple(
            self._prefix + route.topic.bound(**levels)
            for route in self._table.routes
            if route.guard is not None and (levels := route.guard.match(document))
        )

    def never_retained(self) -> frozenset[str]:
        """Return the filters of all topics whose messages must not be retained."""
        never = (route for route in self._table.routes if route.retain is Retain.NEVER)
        return frozenset(self._prefix + route.topic.filter for route in never)

    def _publish_outside(self, who: Principal, topic: str, size: int) -> Verdict:
        if not self.outside.may_publish(who, topic):
            return Verdict(Code.UNKNOWN_TOPIC)
        return Verdict(Code.TOO_LARGE if size > MAX_PAYLOAD else None)

    def _is_let(self, route: Route, who: Principal, levels: Mapping[str, str]) -> bool:
        """Tell whether the device named in the topic lets *who* read it."""
        parties = _if_let(route, who)
        device = self.roster.principals.get(levels["device"]) if parties else None
        return device is not None and any(_lets(device, who, party) for party in parties)

    def _readable(self, route: Route, who: Principal) -> Iterator[str]:
        always = _filters(route, who, may_read)
        yield from always
        if route.topic.filter in always:
            return
        for party in _if_let(route, who):
            devices = self.roster.owned.get(who.name, ()) if party is Party.OWNER else self.roster.opened
            yield from (route.topic.bound(device=device) for device in devices)

    def _find(self, topic: str) -> tuple[Route, Mapping[str, str]] | None:
        return self._table.find(topic.removeprefix(self._prefix)) if topic.startswith(self._prefix) else None


def _refusal(route: Route, levels: Mapping[str, str], who: Principal, *, retain: bool, size: int) -> Code | None:
    if size > MAX_PAYLOAD:
        return Code.TOO_LARGE
    if not all(is_id(level) for level in levels.values()):
        return Code.BAD_ID
    if not may_write(route, who, levels):
        return Code.FORBIDDEN
    return Code.RETAINED if retain and route.retain is Retain.NEVER else None


_OR_AN_ADMIN = frozenset({Party.IN_ITS_PLACE, Party.TRIGGER_OWNER})


def may_write(route: Route, who: Principal, levels: Mapping[str, str]) -> bool:
    """Tell whether *who* stands at the writing end of a topic with these levels."""
    if who.role is Role.BACKEND or (who.role is Role.ADMIN and route.writer in _OR_AN_ADMIN):
        return True
    match route.writer:
        case Party.THE_DEVICE | Party.IN_ITS_PLACE:
            return _is_the_device(who, levels)
        case Party.THE_PRINCIPAL | Party.HOLDER:
            return levels.get("principal", who.name) == who.name and _may_ask(who, levels)
        case Party.CLAIMANT:
            return _is_the_claimant(who, levels)
        case Party.TRIGGER_OWNER:
            return who.role not in _SILENT and levels.get("trigger") in who.triggers
        case _:
            return False


def _is_the_device(who: Principal, levels: Mapping[str, str]) -> bool:
    return who.role is Role.DEVICE and levels.get("device") == who.name


def _is_the_claimant(who: Principal, levels: Mapping[str, str]) -> bool:
    return who.role is Role.CLAIM and levels.get("principal") == who.name


_SILENT = frozenset({Role.LISTENER, Role.CLAIM})


def _may_ask(who: Principal, levels: Mapping[str, str]) -> bool:
    """Listeners only read, a claim code is good for a claim only; a badge reader speaks on its own session only."""
    if who.role is Role.DEVICE:
        return levels.get("device") == who.name
    return who.role not in _SILENT


_ALL = frozenset(Role) - {Role.CLAIM}
_NOBODY: frozenset[Role] = frozenset()
_ROLES = {Party.ANYONE: _ALL, Party.PEOPLE: PEOPLE, Party.PARTICIPANTS: PARTICIPANTS}
_MAY_BE_LET = {Party.OWNER: PARTICIPANTS, Party.ONLOOKERS: PEOPLE}
"""Readers whom a device lets or not, and what they must be besides."""


def may_read(route: Route, who: Principal, levels: Mapping[str, str]) -> bool:
    """Tell whether *who* reads topics with these levels, whatever any device lets. It is asked for each delivery."""
    role = who.role
    if role is Role.BACKEND or (role is Role.ADMIN and not route.is_private):
        return True
    for party in route.readers:  # noqa: SIM110 - `any` takes twice as long
        if role in _ROLES.get(party, _NOBODY) or _is_named(party, who, levels):
            return True
    return False


def may_come_to_read(route: Route, who: Principal, levels: Mapping[str, str]) -> bool:
    """Tell whether *who* reads topics with these levels, or would if the device let."""
    return may_read(route, who, levels) or bool(_if_let(route, who))


def _if_let(route: Route, who: Principal) -> list[Party]:
    """Return the readers among whom *who* is where the device named in the topic lets."""
    return [party for party in route.readers if who.role in _MAY_BE_LET.get(party, _NOBODY)]


def _lets(device: Principal, who: Principal, party: Party) -> bool:
    return device.owner == who.name if party is Party.OWNER else device.is_open


def _is_named(party: Party, who: Principal, levels: Mapping[str, str]) -> bool:
    match party:
        case Party.THE_DEVICE:
            return _is_the_device(who, levels)
        case Party.THE_PRINCIPAL:
            return levels.get("principal") == who.name and (who.role is Role.LISTENER or _may_ask(who, levels))
        case Party.CLAIMANT:
            return _is_the_claimant(who, levels)
        case _:
            return False


May = Callable[[Route, Principal, Mapping[str, str]], bool]


@lru_cache(4096)
def _filters(route: Route, who: Principal, may: May) -> Sequence[str]:
    """Return the filters of this route that cover what *who* may.

    *may* is asked for each level that may be one's own name; the others are ``+``, which is nobody's.
    """
    found: list[frozenset[str]] = []
    for size in range(len(route.topic.names) + 1):
        for own in map(frozenset, combinations(route.topic.names, size)):
            levels = {name: who.name if name in own else "+" for name in route.topic.names}
            if may(route, who, levels) and not any(wider <= own for wider in found):
                found.append(own)
    return tuple(route.topic.bound(**dict.fromkeys(own, who.name)) for own in found)


def _writable(route: Route, who: Principal) -> Iterator[str]:
    """Yield the filters of this route that cover what *who* may write, some of them more than once."""
    always = _filters(route, who, may_write)
    yield from always
    if route.writer is Party.TRIGGER_OWNER and route.topic.filter not in always:
        owned = (each for each in who.triggers if may_write(route, who, {"trigger": each}))
        yield from (route.topic.bound(trigger=each) for each in owned)
