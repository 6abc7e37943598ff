"""Admission: as many jobs at once as there are workers; all others wait in order, and none is dropped.

What is not urgent is admitted only while more workers are free than its share has: the dynamic threshold of Choudhury
and Hahne ("Dynamic queue length thresholds for shared-memory packet switches", 1998). So one share takes half of the
workers at most, two a third each, and a newcomer finds one free; where none is, those go first who have none.

Nothing of it is stored: who has jobs asks for its workers again after a restart.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
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
    at_work = {id_: share for id_, share in pool.at_work.items() if id_ not in ids}
    if len(pool.at_work) - len(at_work) == len(ids):
        return replace(pool, at_work=at_work)
    return replace(
        pool,
        at_work=at_work,
        urgent=tuple(place for place in pool.urgent if place.job.id not in ids),
        waiting=tuple(place for place in pool.waiting if place.job.id not in ids),
    )


def _admitted(pool: Pool, now: float) -> tuple[Pool, list[Effect]]:
    urgent = pool.urgent[: max(0, pool.free)]
    shares = [*pool.at_work.values(), *(place.job.share for place in urgent)]
    fair, waiting = _parted(pool.waiting, shares, pool.slots - len(shares))
    places = (*urgent, *fair)
    if not places:
        return pool, []
    chosen = [place.job for place in places]
    after = replace(
        pool,
        at_work={**pool.at_work, **{job.id: job.share for job in chosen}},
        urgent=pool.urgent[len(urgent) :],
        waiting=waiting,
        admitted=pool.admitted + len(chosen),
        waited=pool.waited + sum(place.since < now for place in places),
    )
    told = groupby(chosen, lambda job: job.key)
    return after, [WorkAdmitted(key, tuple(job.id for job in jobs)) for key, jobs in told]


def _parted(waiting: Sequence[Place], at_work: Iterable[str], room: int) -> tuple[Sequence[Place], tuple[Place, ...]]:
    """Return who of those that wait gets a worker, where others are *at_work* by share, and who waits on."""
    if room <= 0 or not waiting:
        return (), tuple(waiting)
    held = Counter(at_work)
    chosen, left = list[Place](), list[Place]()
    for number, place in enumerate(waiting):
        if room == 0:
            left += waiting[number:]
            break
        if held[place.job.share] < room:
            chosen.append(place)
            held[place.job.share] += 1
            room -= 1
        else:
            left.append(place)
    return chosen, tuple(left)
