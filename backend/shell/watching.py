"""What a link listens to besides the routes, while it runs: filters that come and go."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from backend.core.topics import apart, is_wild, overlaps


@dataclass
class Watching:
    """Filters as they are on the wire. What the routes cover comes anyhow (*always*), and need not come twice.

    ``heard``: what the broker knows of by now. ``again``: what comes anyhow, but what is retained there is to be told
    again; a subscription for a moment does that.
    """

    always: Sequence[str]
    wanted: frozenset[str] = frozenset()
    heard: frozenset[str] = frozenset()
    again: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        self._roots = {each.partition("/")[0] for each in self.always}

    def want(self, filters: Iterable[str], fresh: Collection[str]) -> None:
        """From now on these are wanted, in place of those before; what is retained under *fresh* ones, once more."""
        every = set(filters)
        self.wanted = frozenset(each for each in apart(every) if not self._comes_anyhow(each))
        self.again = frozenset(each for each in apart((self.again | set(fresh)) & every) if self._comes_anyhow(each))
        wild, plain = {each for each in fresh if is_wild(each)}, set(fresh)
        self.heard -= {
            each
            for each in self.heard & self.wanted
            if each in plain or any(overlaps(each, new) for new in (plain if is_wild(each) else wild))
        }

    def changes(self) -> tuple[list[str], list[str]]:
        """Return what to subscribe to, and what to unsubscribe from."""
        gone = (self.heard - self.wanted) | (self.again - set(self.always))
        return sorted((self.wanted - self.heard) | self.again), sorted(gone)

    def settled(self) -> None:
        """Note that the broker knows of what is wanted."""
        self.heard, self.again = self.wanted, frozenset()

    def anew(self) -> None:
        """Note that the broker knows of nothing but the routes, and tells all that is retained there."""
        self.heard = self.again = frozenset()

    def _comes_anyhow(self, topic_filter: str) -> bool:
        return topic_filter.partition("/")[0] in self._roots and any(
            overlaps(topic_filter, each) for each in self.always
        )
