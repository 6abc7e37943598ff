"""Who wants a topic, and which topics a filter finds: both without a look at what does not match.

Topic filters by the MQTT 3.1.1 standard, section 4.7: levels between slashes, ``+`` for one level, ``#`` for the rest,
its parent included. A wildcard at the first level finds no topic that begins with ``$`` [MQTT-4.7.2-1].
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from sys import intern
from typing import Generic, TypeVar

Who = TypeVar("Who")
Value = TypeVar("Value")


_REMEMBERED = 1024  # topics


class _Node(Generic[Who]):
    __slots__ = ("below", "here")

    def __init__(self) -> None:
        self.below: dict[str, _Node[Who]] = {}
        self.here: dict[Who, int] | None = None  # most nodes are on the way to another


class Subscriptions(Generic[Who]):
    """A tree of topic filters. The cost of an answer depends on the levels of the topic, not on the other filters.

    *may* tells who may have a topic at all. Most topics are published to again and again: the last answers are
    remembered until somebody (un)subscribes, or they are to be forgotten.
    """

    def __init__(self, may: Callable[[Who, str], bool] = lambda _who, _topic: True) -> None:
        self._root: _Node[Who] = _Node()
        self._may = may
        self._found: dict[str, Mapping[Who, int]] = {}

    def add(self, topic_filter: str, who: Who, qos: int) -> None:
        """Subscribe *who*; another QoS for the same filter replaces the first."""
        self.forget_answers()
        node = self._root
        for level in topic_filter.split("/"):
            node = node.below.setdefault(level, _Node())
        if node.here is None:
            node.here = {}
        node.here[who] = qos

    def remove(self, topic_filter: str, who: Who) -> None:
        """Unsubscribe *who*; harmless where it has no such subscription."""
        self.forget_answers()
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

    def match(self, topic: str) -> Mapping[Who, int]:
        """Return who wants *topic* and may have it, each once, with the highest QoS of its filters that match."""
        found = self._found.get(topic)
        if found is None:
            if len(self._found) >= _REMEMBERED:
                self.forget_answers()
            wanted = self._search(topic)
            found = self._found[topic] = {who: qos for who, qos in wanted.items() if self._may(who, topic)}
        return found

    def forget_answers(self) -> None:
        """Look anew: who may have what has changed."""
        self._found.clear()

    def _search(self, topic: str) -> dict[Who, int]:
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
            for level in map(intern, topic.split("/")):  # most levels are the same for thousands of topics
                below = branch.below.get(level)
                if below is None:
                    below = branch.below[level] = _Branch()
                branch = below
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

    def match(self, topic_filter: str) -> Iterator[str | None]:
        """Find the topics that a filter covers, step by step: None is a step that found nothing.

        What changes meanwhile may be found or not. Not recursive: a topic may have more levels than Python has frames.
        """
        stack = [iter([("", self._root, topic_filter.split("/"))])]
        while stack:
            place = next(stack[-1], None)
            if place is None:
                stack.pop()
                continue
            path, branch, levels = place
            yield path[1:] if branch.is_topic and levels in ([], ["#"]) else None
            if levels:
                stack.append(_below(*place))


def _below(path: str, branch: _Branch, levels: list[str]) -> Iterator[tuple[str, _Branch, list[str]]]:
    """Go down one level: where to, and the levels of the filter that are left."""
    is_wild = levels[0] in ("+", "#")
    for name in list(branch.below) if is_wild else [levels[0]]:
        child = branch.below.get(name)
        if child is not None and not (is_wild and path == "" and name.startswith("$")):
            yield f"{path}/{name}", child, levels if levels[0] == "#" else levels[1:]
