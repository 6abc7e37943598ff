"""Workers: as many jobs at once as there are slots, in the order in which they came, in fair shares; none is lost."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from backend.core.automation import Job, WorkAdmitted, WorkEnded, WorkWanted
from backend.core.desk import Effect
from backend.features.workers import feature
from backend.features.workers.machine import step
from backend.features.workers.state import Pool


class Workers:
    """A pool, and who was admitted, in order."""

    def __init__(self, slots: int) -> None:
        self.now = 0.0
        self.pool = Pool(slots)
        self.admitted: list[str] = []

    def wants(self, *ids: str, urgent: bool = False, key: str = "k", share: str | None = None) -> list[Effect]:
        return self._happens(WorkWanted(tuple(Job(key, id_, share or id_, urgent) for id_ in ids)))

    def ends(self, *ids: str) -> list[Effect]:
        return self._happens(WorkEnded(ids))

    def _happens(self, event: object) -> list[Effect]:
        self.pool, effects = step(self.pool, event, self.now)
        self.admitted += [id_ for effect in effects if isinstance(effect, WorkAdmitted) for id_ in effect.ids]
        return effects


def test_who_finds_room_is_admitted_at_once() -> None:
    workers = Workers(3)
    assert workers.wants("a", "b") == [WorkAdmitted("k", ("a", "b"))]
    assert workers.pool.free == 1
    assert (workers.pool.admitted, workers.pool.waited) == (2, 0)


def test_who_does_not_waits_in_order() -> None:
    workers = Workers(1)
    workers.wants("a", "b")
    workers.wants("c")
    for id_ in ("a", "b", "c"):
        workers.ends(id_)
    assert workers.admitted == ["a", "b", "c"]
    assert (workers.pool.free, workers.pool.since) == (1, None)


def test_what_is_urgent_comes_first() -> None:
    workers = Workers(1)
    workers.wants("a")
    workers.wants("b")
    workers.wants("c", "d", urgent=True)
    for id_ in ("a", "c", "d"):
        workers.ends(id_)
    assert workers.admitted == ["a", "c", "d", "b"]


def test_each_key_is_told_of_its_own() -> None:
    workers = Workers(2)
    workers.wants("a", "b")
    workers.wants("c", key="x")
    workers.wants("d", key="y")
    assert workers.ends("a", "b") == [WorkAdmitted("x", ("c",)), WorkAdmitted("y", ("d",))]


def test_who_wants_it_no_more_leaves_the_line() -> None:
    workers = Workers(1)
    workers.wants("a", "b", "c")
    workers.wants("d", urgent=True)
    assert workers.ends("b", "d", "nobody") == []
    workers.ends("a")
    assert workers.admitted == ["a", "c"]


def test_how_long_somebody_waits_and_how_many_had_to() -> None:
    workers = Workers(1)
    workers.wants("a")
    assert workers.pool.since is None
    workers.now = 5
    workers.wants("b")
    workers.now = 7
    workers.wants("c", urgent=True)
    assert workers.pool.since == 5
    workers.ends("a")
    assert workers.pool.since == 5
    assert (workers.pool.admitted, workers.pool.waited) == (2, 0), "of the same moment"
    workers.now = 9
    workers.ends("c")
    assert (workers.pool.admitted, workers.pool.waited) == (3, 1)


def test_a_place_that_is_given_back_at_once_makes_nobody_wait() -> None:
    workers = Workers(1)
    workers.wants("a/start")
    workers.now = 1
    workers.wants("a/end", urgent=True)
    workers.ends("a/start")
    assert (workers.admitted, workers.pool.waited) == (["a/start", "a/end"], 0)


def test_there_is_one_pool() -> None:
    assert feature.pool(feature.desk(slots=3)) == Pool(3)


def test_one_share_takes_no_more_than_it_leaves_free() -> None:
    workers = Workers(9)
    workers.wants(*(f"a{number}" for number in range(9)), share="a")
    assert (len(workers.admitted), workers.pool.free) == (5, 4), "half of them, and no more"
    workers.wants("b", share="b")
    assert workers.admitted[-1] == "b", "there is room for others"
    workers.wants("c1", "c2", "c3", share="c")
    assert workers.admitted[-2:] == ["c1", "c2"]
    workers.ends("a0", "a1")
    assert workers.admitted[-1] == "c3", "first in the line is one who has more already"
    workers.ends("b", "c1", "c2", "c3")
    assert sorted(workers.admitted[-2:]) == ["a5", "a6"], "all of it comes, in time"


def test_where_all_are_busy_who_has_none_comes_first() -> None:
    workers = Workers(2)
    workers.wants("a1", "a2", "a3", share="a")
    workers.wants("b", share="b")
    workers.wants("c", share="c")
    assert workers.admitted == ["a1", "b"]
    workers.ends("b")
    assert workers.admitted == ["a1", "b", "c"]
    workers.ends("c")
    assert workers.pool.free == 1, "kept for whoever has none"
    workers.ends("a1")
    assert workers.admitted[3:] == ["a2"]


def test_what_is_urgent_has_its_share_exceeded() -> None:
    workers = Workers(3)
    workers.wants("a1", "a2", "a3", share="a")
    workers.wants("a1/end", share="a", urgent=True)
    assert workers.admitted == ["a1", "a2", "a1/end"]


@given(st.integers(1, 4), st.lists(st.tuples(st.sampled_from(["want", "urgent", "end", "end"]), st.integers(0, 9))))
def test_nobody_is_lost_and_nobody_waits_in_vain(slots: int, told: list[tuple[str, int]]) -> None:
    workers, there = Workers(slots), set[str]()
    for number, (what, which) in enumerate(told):
        if what == "end" and there:
            id_ = sorted(there)[which % len(there)]
            there.discard(id_)
            workers.ends(id_)
        elif what != "end":
            there.add(f"j{number}")
            workers.wants(f"j{number}", urgent=what == "urgent", key=f"k{which}", share=f"s{which % 3}")
        pool = workers.pool
        lined_up = {place.job.id for place in (*pool.urgent, *pool.waiting)}
        assert pool.at_work.keys() | lined_up == there
        assert len(pool.at_work) + len(pool.urgent) + len(pool.waiting) == len(there)
        assert pool.free >= 0
        assert not (pool.free and pool.urgent), "what is urgent waits in vain"
        held = Counter(pool.at_work.values())
        assert all(held[place.job.share] >= pool.free for place in pool.waiting), "it waits in vain"
    assert len(workers.admitted) == len(set(workers.admitted)) == workers.pool.admitted
