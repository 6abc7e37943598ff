"""Admission: as many jobs at once as there are workers; all others wait in order, and none is dropped.

Nothing of it is stored: who has jobs asks for its workers again after a restart.
"""

from collections.abc import Iterable
from dataclasses import replace
from itertools import groupby

from backend.core.automation import Job, WorkAdmitted, WorkEnded, WorkWanted
from backend.core.desk import Effect
from backend.features.workers.state import Place, Pool

EVENTS = (WorkWanted, WorkEnded)


def step(pool: Pool, event: object, now: float) -> tuple[Pool, list[Effect]]:
    """Let jobs come and go, and admit whom there is room for."""
    match event:
        case WorkWanted(jobs=jobs):
            return _admitted(_lined_up(pool, jobs, now), now)
        case WorkEnded(ids=ids):
            return _admitted(_left(pool, frozenset(ids)), now)
        case _:
            return pool, []


def _lined_up(pool: Pool, jobs: Iterable[Job], now: float) -> Pool:
    places = [Place(job, now) for job in jobs]
    urgent = tuple(place for place in places if place.job.urgent)
    waiting = tuple(place for place in places if not place.job.urgent)
    return replace(pool, urgent=pool.urgent + urgent, waiting=pool.waiting + waiting)


def _left(pool: Pool, ids: frozenset[str]) -> Pool:
    at_work = {id_: key for id_, key in pool.at_work.items() if id_ not in ids}
    if len(pool.at_work) - len(at_work) == len(ids):
        return replace(pool, at_work=at_work)
    return replace(
        pool,
        at_work=at_work,
        urgent=tuple(place for place in pool.urgent if place.job.id not in ids),
        waiting=tuple(place for place in pool.waiting if place.job.id not in ids),
    )


def _admitted(pool: Pool, now: float) -> tuple[Pool, list[Effect]]:
    room = max(0, pool.free)
    from_urgent = min(room, len(pool.urgent))
    from_waiting = min(room - from_urgent, len(pool.waiting))
    places = (*pool.urgent[:from_urgent], *pool.waiting[:from_waiting])
    if not places:
        return pool, []
    chosen = [place.job for place in places]
    after = replace(
        pool,
        at_work={**pool.at_work, **{job.id: job.key for job in chosen}},
        urgent=pool.urgent[from_urgent:],
        waiting=pool.waiting[from_waiting:],
        admitted=pool.admitted + len(chosen),
        waited=pool.waited + sum(place.since < now for place in places),
    )
    told = groupby(chosen, lambda job: job.key)
    return after, [WorkAdmitted(key, tuple(job.id for job in jobs)) for key, jobs in told]
