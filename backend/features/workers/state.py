"""Who works, and who waits to."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from backend.core.automation import Job


@dataclass(frozen=True, slots=True)
class Place:
    """A job that waits, and since when."""

    job: Job
    since: float


@dataclass(frozen=True, slots=True)
class Pool:
    """So many *slots*; the jobs ``at_work``, each with its share, and those that wait, the urgent ones apart.

    ``admitted``: how many ever were; ``waited``: those of them that had to wait.
    """

    slots: int
    at_work: Mapping[str, str] = field(default_factory=dict)
    urgent: tuple[Place, ...] = ()
    waiting: tuple[Place, ...] = ()
    admitted: int = 0
    waited: int = 0

    @property
    def free(self) -> int:
        """How many more may work."""
        return self.slots - len(self.at_work)

    @property
    def since(self) -> float | None:
        """Since when the one waits that waits for the longest time."""
        return min((place.since for place in (*self.urgent[:1], *self.waiting[:1])), default=None)
