"""Topic templates, and the only topic matcher of the project.

Which topics a filter covers is security code (the broker's access rules rest on it), so there is one implementation,
property-tested against a naive oracle, and nothing matches by default. Rules: MQTT 3.1.1, section 4.7.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

_LEVEL = re.compile(r"\{([a-z_]+)\}")


def is_filter(text: str) -> bool:
    """Tell whether *text* is a well-formed topic filter: ``#`` is the last level, ``+`` a level of its own."""
    levels = text.split("/")
    return (
        bool(text)
        and "\0" not in text
        and all(_is_filter_level(level, levels[i + 1 :]) for i, level in enumerate(levels))
    )


def _is_filter_level(level: str, rest: list[str]) -> bool:
    if level == "#":
        return not rest
    return level == "+" or not ("#" in level or "+" in level)


def is_wild(topic_filter: str) -> bool:
    """Tell whether a filter has wildcards."""
    return "+" in topic_filter or "#" in topic_filter


def overlaps(one: str, other: str) -> bool:
    """Tell whether some topic is covered by both filters (a plain topic is a filter that covers itself).

    Wildcards at the front do not cover topics that begin with ``$`` [MQTT-4.7.2-1].
    """
    if _hides_system_topics(one, other) or _hides_system_topics(other, one):
        return False
    ones, others = one.split("/"), other.split("/")
    for mine, theirs in zip(ones, others, strict=False):
        if "#" in (mine, theirs):
            return True
        if mine != theirs and "+" not in (mine, theirs):
            return False
    longer = max(ones, others, key=len)[min(len(ones), len(others)) :]
    return longer in ([], ["#"])  # "a/#" covers "a" too


def apart(filters: Iterable[str]) -> frozenset[str]:
    """Return filters of which no two cover the same topic, and which cover together all that *filters* do, or more.

    A broker may deliver a message once for each subscription that covers it.
    """
    found = set(filters)
    alike: dict[str, list[str]] = {}
    are_rooted = not any(is_wild(_first(each)) for each in found)
    for each in sorted(found):  # others cannot overlap
        alike.setdefault(_first(each) if are_rooted else "", []).append(each)
    return frozenset(each for some in alike.values() for each in _apart(some))


def _apart(filters: Iterable[str]) -> set[str]:
    wild: set[str] = set()
    todo = [each for each in filters if is_wild(each)]
    while todo:
        one = todo.pop()
        near = next((other for other in wild if overlaps(one, other)), None)
        if near is None:
            wild.add(one)
        else:
            wild.remove(near)
            todo.append(_covering(one, near))
    return wild | {one for one in filters if not is_wild(one) and not any(overlaps(one, other) for other in wild)}


def _first(topic: str) -> str:
    return topic.partition("/")[0]


def _covering(one: str, other: str) -> str:
    """Return a filter that covers all that two overlapping filters do."""
    ones, others = one.split("/"), other.split("/")
    levels: list[str] = []
    for mine, theirs in zip(ones, others, strict=False):
        if "#" in (mine, theirs):
            return "/".join([*levels, "#"])
        levels.append(mine if mine == theirs else "+")
    return "/".join(levels if len(ones) == len(others) else [*levels, "#"])


def _hides_system_topics(wild: str, topic: str) -> bool:
    return wild[:1] in ("+", "#") and topic.startswith("$")


@dataclass(frozen=True)
class Topic:
    """One string that subscribes, matches, formats and documents: ``devices/{device}/session``."""

    template: str

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The names of the variable levels, in order."""
        return tuple(_LEVEL.findall(self.template))

    @cached_property
    def filter(self) -> str:
        """The MQTT filter that covers every topic of this template."""
        return _LEVEL.sub("+", self.template)

    @cached_property
    def _regex(self) -> re.Pattern[str]:
        levels = (
            f"(?P<{found[1]}>[^/+#]+)" if (found := _LEVEL.fullmatch(level)) else re.escape(level)
            for level in self.template.split("/")
        )
        return re.compile("/".join(levels))

    def match(self, topic: str) -> dict[str, str] | None:
        """Return the variable levels of *topic*, or None where it is not of this template."""
        found = self._regex.fullmatch(topic)
        return found.groupdict() if found else None

    def at(self, **levels: str) -> str:
        """Return the topic with these levels. Raises KeyError where one is missing."""
        return self.template.format(**levels)

    def bound(self, **levels: str) -> str:
        """Return the filter in which the named levels are fixed and the others are ``+``."""
        return _LEVEL.sub(lambda found: levels.get(found[1], "+"), self.template)


@dataclass(frozen=True, slots=True)
class Tree:
    """Talkstick's own topics: those whose first level is one of *roots*. On the wire they begin with *prefix*."""

    prefix: str = ""
    roots: frozenset[str] = frozenset()

    def on_wire(self, topic: str) -> str:
        """Return a topic, or a filter, as the broker knows it; outside of the tree that is what it is."""
        return self.prefix + topic if self.prefix and self._holds(topic) else topic

    def off_wire(self, topic: str) -> str:
        """Return a topic of the broker as it is called here."""
        if not self.prefix or not topic.startswith(self.prefix):
            return topic
        inside = topic[len(self.prefix) :]
        return inside if self._holds(inside) else topic

    def _holds(self, topic: str) -> bool:
        return _first(topic) in self.roots
