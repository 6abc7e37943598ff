"""What a link listens to besides the routes, while it runs: filters that come and go."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from backend.core.topics import apart, overlaps


@dataclass
class Watching:
    """Filters as they are on the wire. What the routes cover comes anyhow (*always*), and need not come twice.

    ``heard``: what the broker knows of by now.
    """

    always: Sequence[str]
    wanted: frozenset[str] = frozenset()
    heard: frozenset[str] = frozenset()

    def want(self, filters: Iterable[str], fresh: Collection[str]) -> None:
        """From now on these are wanted, in place of those before; what is retained under *fresh* ones, once more."""
        self.wanted = frozenset(
            each for each in apart(filters) if not any(overlaps(each, route) for route in self.always)
        )
        self.heard -= {each for each in self.wanted if any(overlaps(each, new) for new in fresh)}

    def changes(self) -> tuple[list[str], list[str]]:
        """Return what to subscribe to, and what to unsubscribe from."""
        return sorted(self.wanted - self.heard), sorted(self.heard - self.wanted)
