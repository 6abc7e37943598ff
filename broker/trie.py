"""Who wants a topic, and which topics a filter finds: both without a look at what does not match.

Topic filters by the MQTT 3.1.1 standard, section 4.7: levels between slashes, ``+`` for one level, ``#`` for the rest,
its parent included. A wildcard at the first level finds no topic that begins with ``$`` [MQTT-4.7.2-1].
"""

from collections.abc import Iterable, Iterator
from typing import Generic, TypeVar

Who = TypeVar("Who")
Value = TypeVar("Value")


class _Node(Generic[Who]):
    __slots__ = ("below", "here")

    def __init__(self) -> None:
        self.below: dict[str, _Node[Who]] = {}
        self.here: dict[Who, int] | None = None  # most nodes are on the way to another


class Subscriptions(Generic[Who]):
    """A tree of topic filters. The cost of an answer depends on the levels of the topic, not on the other filters."""

    def __init__(self) -> None:
        self._root: _Node[Who] = _Node()

    def add(self, topic_filter: str, who: Who, qos: int) -> None:
        """Subscribe *who*; another QoS for the same filter replaces the first."""
        node = self._root
        for level in topic_filter.split("/"):
            node = node.below.setdefault(level, _Node())
        if node.here is None:
            node.here = {}
        node.here[who] = qos

    def remove(self, topic_filter: str, who: Who) -> None:
        """Unsubscribe *who*; harmless where it has no such subscription."""
        levels = topic_filter.split("/")
        path = [self._root]
        for level in levels:
            node = path[-1].below.get(level)
            if node is None:
                return
            path.append(node)
        if path[-1].here is None:
            return
        path[-1].here.pop(who, None)
        path[-1].here = path[-1].here or None
        for level, parent, node in zip(reversed(levels), reversed(path[:-1]), reversed(path[1:]), strict=True):
            if node.here or node.below:
                return
            del parent.below[level]

    def match(self, topic: str) -> dict[Who, int]:
        """Return who wants *topic*, each once, with the highest QoS of its filters that match."""
        found: dict[Who, int] = {}
        nodes = [self._root]
        for depth, level in enumerate(topic.split("/")):
            wild = depth > 0 or not topic.startswith("$")
            following = []
            for node in nodes:
                if (exact := node.below.get(level)) is not None:
                    following.append(exact)
                if wild and (single := node.below.get("+")) is not None:
                    following.append(single)
                if wild and (rest := node.below.get("#")) is not None:
                    _collect(rest, found)
            nodes = following
        for node in nodes:
            _collect(node, found)
            if (rest := node.below.get("#")) is not None:  # `a/#` finds `a` too
                _collect(rest, found)
        return found


def _collect(node: _Node[Who], found: dict[Who, int]) -> None:
    for who, qos in (node.here or {}).items():
        found[who] = max(qos, found.get(who, 0))


class _Branch:
    __slots__ = ("below", "is_topic")

    def __init__(self) -> None:
        self.below: dict[str, _Branch] = {}
        self.is_topic = False


class Topics(Generic[Value]):
    """Topics, each with a value, to be found by filters. The cost depends on what is found, not on the others."""

    def __init__(self) -> None:
        self._root = _Branch()
        self._values: dict[str, Value] = {}

    def __len__(self) -> int:
        return len(self._values)

    def values(self) -> Iterable[Value]:
        """Return all values."""
        return self._values.values()

    def get(self, topic: str) -> Value | None:
        """Return the value of a topic."""
        return self._values.get(topic)

    def put(self, topic: str, value: Value) -> None:
        """Set the value of a topic."""
        if topic not in self._values:
            branch = self._root
            for level in topic.split("/"):
                branch = branch.below.setdefault(level, _Branch())
            branch.is_topic = True
        self._values[topic] = value

    def remove(self, topic: str) -> None:
        """Forget a topic; harmless where it has no value."""
        if self._values.pop(topic, None) is None:
            return
        levels = topic.split("/")
        path = [self._root]
        for level in levels:
            path.append(path[-1].below[level])
        path[-1].is_topic = False
        for level, parent, branch in zip(reversed(levels), reversed(path[:-1]), reversed(path[1:]), strict=True):
            if branch.is_topic or branch.below:
                return
            del parent.below[level]

    def match(self, topic_filter: str) -> Iterator[str]:
        """Find the topics that a filter covers, one by one; what changes meanwhile may be found or not."""
        waiting = [("", self._root, topic_filter.split("/"))]
        while waiting:  # not recursive: a topic may have more levels than Python has frames
            path, branch, levels = waiting.pop()
            level, rest = (levels[0], levels[1:]) if levels else ("", [])
            if not levels or level == "#":
                if branch.is_topic:
                    yield path[1:]
                if not levels:
                    continue
            if level in ("+", "#"):
                following = levels if level == "#" else rest
                waiting += [
                    (f"{path}/{name}", child, following)
                    for name, child in branch.below.items()
                    if path or not name.startswith("$")
                ]
            elif (child := branch.below.get(level)) is not None:
                waiting.append((f"{path}/{level}", child, rest))
