"""How often."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.core.rates import Bucket, PerMinute


def test_what_is_not_used_is_saved_up_to_the_limit_and_no_more() -> None:
    bucket = Bucket()
    assert [bucket.take(per_s=2, most=3, now=0.0) for _ in range(4)] == [0, 0, 0, 0.5]
    assert bucket.take(per_s=2, most=3, now=0.4) == pytest.approx(0.1)
    assert bucket.take(per_s=2, most=3, now=0.5) == 0
    assert [bucket.take(per_s=2, most=3, now=1000.0) for _ in range(4)] == [0, 0, 0, 0.5]


def test_a_clock_that_was_set_back_gives_nothing_and_takes_nothing() -> None:
    bucket = Bucket()
    bucket.take(per_s=1, most=1, now=100.0)
    assert bucket.take(per_s=1, most=1, now=50.0) == 1.0
    assert bucket.take(per_s=1, most=1, now=51.0) == 0.0


def test_each_key_has_its_own_minute() -> None:
    limit = PerMinute(2)
    assert [limit.take("alice", 0.0), limit.take("alice", 0.0), limit.take("alice", 0.0)] == [0, 0, 30.0]
    assert limit.take("bob", 0.0) == 0
    assert limit.take("alice", 29.9) > 0
    assert limit.take("alice", 30.0) == 0


@given(st.lists(st.floats(0, 100), max_size=60), st.floats(0.1, 10), st.floats(1, 10))
def test_never_more_pass_than_were_saved_and_came_meanwhile(waits: list[float], per_s: float, most: float) -> None:
    bucket, now, passed = Bucket(), 0.0, 0
    for wait in waits:
        now += wait
        passed += bucket.take(per_s, most, now) == 0.0
        assert passed <= most + now * per_s + 1e-6
