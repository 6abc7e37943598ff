"""What was refused is counted, and published now and then."""

import json
from itertools import pairwise
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from backend.core.desk import Effect
from backend.core.effects import Publish
from backend.core.facts import BrokerCounted, MessageRefused, PublishRefused
from backend.core.refusals import Code
from backend.features.stats.feature import desk
from backend.features.stats.machine import Stats, step

INTERVAL_S = 5.0
BAD_JSON = MessageRefused(Code.BAD_JSON, "devices/x/result")
FORBIDDEN = PublishRefused(Code.FORBIDDEN, "devices/x/session", "alice")


def counts(said: list[Effect]) -> list[dict[str, int]]:
    """Return the counters of the retained documents."""
    found: list[Any] = [each for each in said if isinstance(each, Publish)]
    assert all(each.topic == "backend/stats" and each.retain for each in found)
    return [each.body.refused for each in found]


def test_refusals_are_counted_by_code_wherever_they_were_noticed() -> None:
    stats = Stats()
    for event in (BAD_JSON, FORBIDDEN, BAD_JSON):
        stats, said = step(INTERVAL_S, stats, event, 1.0)
        assert said == []
    assert stats == Stats({"bad_json": 2, "forbidden": 1}, due_at=6.0)


def test_the_counters_are_published_once_per_interval_and_only_if_they_rose() -> None:
    stats, _ = step(INTERVAL_S, Stats(), BAD_JSON, 1.0)
    stats, _ = step(INTERVAL_S, stats, BAD_JSON, 5.9)
    stats, said = step(INTERVAL_S, stats, None, 5.9)
    assert counts(said) == []
    stats, said = step(INTERVAL_S, stats, None, 6.0)
    assert counts(said) == [{"bad_json": 2}]
    assert stats.due_at is None
    stats, said = step(INTERVAL_S, stats, None, 100.0)
    assert counts(said) == []


def test_the_desk_wakes_up_to_publish_and_projects_what_it_counted() -> None:
    stats = desk(INTERVAL_S)
    assert stats.deadline() is None
    assert counts(list(stats.projection(0.0))) == [{}]
    stats.handle(FORBIDDEN, 1.0)
    assert stats.deadline() == 6.0
    assert counts(stats.tick(6.0)) == [{"forbidden": 1}]
    assert stats.deadline() is None
    assert counts(list(stats.projection(7.0))) == [{"forbidden": 1}]


def test_the_figures_of_the_broker_are_published_when_they_changed() -> None:
    stats = desk(INTERVAL_S)
    stats.handle(BrokerCounted(3, 2, 1, 0), 1.0)
    (said,) = stats.tick(6.0)
    assert isinstance(said, Publish)
    assert said.body is not None
    assert json.loads(said.body.payload()) == {
        "broker": {"connections": 3, "sessions": 2, "retained": 1, "dropped": 0},
        "refused": {},
    }
    stats.handle(BrokerCounted(3, 2, 1, 0), 7.0)
    assert stats.deadline() is None, "nothing is new"


@given(st.lists(st.tuples(st.sampled_from(list(Code)), st.floats(0, 10)), max_size=30))
def test_nothing_is_published_twice_within_an_interval_and_nothing_is_forgotten(
    history: list[tuple[Code, float]],
) -> None:
    stats, now, published = desk(INTERVAL_S), 0.0, list[float]()
    for code, seconds in history:
        now += seconds
        published += [now for _ in stats.tick(now)]
        published += [now for _ in stats.handle(MessageRefused(code, "t"), now)]
    (last,) = counts(list(stats.projection(now)))
    assert sum(last.values()) == len(history)
    assert all(later - earlier >= INTERVAL_S * 0.999 for earlier, later in pairwise(published))
