"""Workers: how much is done at once, and who waits for its turn. Table of contents of the feature."""

from backend.core.desk import Desk
from backend.core.measures import WorkerCount
from backend.features.workers.machine import EVENTS, step
from backend.features.workers.state import Pool

__all__ = ["Pool", "count", "desk", "pool"]

_KEY = ""  # there is one pool


def desk(slots: int) -> Desk[Pool]:
    """Return the desk that admits so many jobs at once."""
    return Desk(
        name="workers",
        events=EVENTS,
        fresh=lambda _key: Pool(slots),
        keys=lambda _event, _known: (_KEY,),
        step=step,
        until=lambda _pool: None,
        project=lambda _pool, _now: [],
        states={_KEY: Pool(slots)},
    )


def pool(workers: Desk[Pool]) -> Pool:
    """Return how the pool stands."""
    return workers.states[_KEY]


def count(workers: Desk[Pool], now: float) -> WorkerCount:
    """Return how the pool stands."""
    found = pool(workers)
    return WorkerCount(
        slots=found.slots,
        busy=len(found.at_work),
        waiting=len(found.urgent) + len(found.waiting),
        longest_wait_s=max(0.0, now - found.since) if found.since is not None else 0.0,
        admitted=found.admitted,
        waited=found.waited,
    )
