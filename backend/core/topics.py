"""Topic templates, and the only topic matcher of the project.

Which topics a filter covers is security code (the broker's access rules rest on it), so there is one implementation,
property-tested against a naive oracle, and nothing matches by default. Rules: MQTT 3.1.1, section 4.7.
"""

import re
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
