"""Topics outside of Talkstick's tree: what Zigbee2MQTT, Frigate and others say to each other over the same broker.

Nobody may use them unasked: an account is given filters, under which it may publish and receive. Admins and the server
need none. A filter that covers anything of the tree gives nothing, however it got into the database: the tree may grow
with the next version.
"""

from functools import lru_cache

from backend.core.principals import Principal, Role
from backend.core.routing import MAX_TOPIC, RouteTable
from backend.core.topics import is_filter, overlaps

MAX_FILTERS = 32  # of one account
MAX_FILTER = 256  # characters

_EVERYWHERE = frozenset({Role.ADMIN, Role.BACKEND})
_REMEMBERED = 4096


class Outside:
    """All topics but those of the tree of a route table, which begins with *prefix* on the wire, and ``$`` topics."""

    def __init__(self, table: RouteTable, prefix: str) -> None:
        self.tree = tuple(sorted(f"{prefix}{level}/#" for level in table.roots))
        """The filters that cover the tree."""
        self._lies_outside = lru_cache(_REMEMBERED)(self._judge)
        self._covers = lru_cache(_REMEMBERED)(self._search)
        self._kept = lru_cache(_REMEMBERED)(self._sift)

    def check(self, topic_filter: str) -> None:
        """Insist that an account may be given this filter. Raises ValueError."""
        if len(topic_filter) > MAX_FILTER:
            raise ValueError(f"a topic filter has at most {MAX_FILTER} characters")
        if not is_filter(topic_filter) or not topic_filter.isprintable():
            raise ValueError(f"{topic_filter!r} is no topic filter: + stands for a level, # for all levels at the end")
        if topic_filter.startswith("$"):
            raise ValueError(f"{topic_filter!r}: topics that begin with $ are the broker's own")
        covered = next((each for each in self.tree if overlaps(each, topic_filter)), None)
        if covered is not None:
            raise ValueError(f"{topic_filter!r} overlaps {covered}, which is Talkstick's own")

    def may_use_all(self, who: Principal) -> bool:
        """Tell whether *who* needs no filters."""
        return who.role in _EVERYWHERE

    def filters(self, who: Principal) -> tuple[str, ...]:
        """Return the filters under which *who* may receive, and publish, if it may publish at all."""
        return self._kept(who.topics) if who.topics else ()

    def may_receive(self, who: Principal, topic: str) -> bool:
        """Judge one delivery. Of topics of the tree, the answer is no."""
        if len(topic) > MAX_TOPIC:
            return False
        if who.role in _EVERYWHERE:
            return self._lies_outside(topic)
        return bool(who.topics) and self._covers(who.topics, topic)

    def may_publish(self, who: Principal, topic: str) -> bool:
        """Judge one publish, which may be retained: a listener has none."""
        return who.role is not Role.LISTENER and self.may_receive(who, topic)

    def _judge(self, topic: str) -> bool:
        return _is_plain(topic) and not topic.startswith("$") and not any(overlaps(each, topic) for each in self.tree)

    def _search(self, filters: tuple[str, ...], topic: str) -> bool:
        return _is_plain(topic) and any(overlaps(each, topic) for each in self._kept(filters))

    def _sift(self, filters: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(filter(self._is_right, filters))

    def _is_right(self, topic_filter: str) -> bool:
        try:
            self.check(topic_filter)
        except ValueError:
            return False
        return True


def _is_plain(topic: str) -> bool:
    return bool(topic) and not {"+", "#", "\0"} & set(topic)
