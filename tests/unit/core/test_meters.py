"""What is counted is right, and bounded."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.core.meters import Histogram, LastMinute


def test_the_last_minute_is_counted_and_nothing_older() -> None:
    rate = LastMinute()
    assert rate.total(0.0) == 0
    for second in range(120):
        rate.add(float(second))
    assert rate.total(119.0) == 60
    assert rate.total(150.0) == 25
    assert rate.total(300.0) == 0


@given(st.lists(st.floats(0, 100), max_size=50), st.floats(0, 200))
def test_a_rate_is_exact_to_five_seconds(pauses: list[float], then: float) -> None:
    rate, now, moments = LastMinute(), 0.0, list[float]()
    for pause in pauses:
        now += pause
        moments.append(now)
        rate.add(now)
    now += then
    assert sum(each > now - 55 for each in moments) <= rate.total(now) <= sum(each > now - 60 for each in moments)


def test_nothing_measured_has_no_percentiles() -> None:
    assert Histogram().percentile(50) is None


@given(st.lists(st.floats(0.0002, 60), min_size=1, max_size=200), st.sampled_from([50, 95, 99, 100]))
def test_a_percentile_is_exact_to_ten_percent(taken: list[float], percent: int) -> None:
    histogram = Histogram()
    for seconds in taken:
        histogram.add(seconds)
    exact = sorted(taken)[max(0, -(-len(taken) * percent // 100) - 1)]
    found = histogram.percentile(percent)
    assert found is not None
    assert exact <= found <= exact * 1.1001
    assert histogram.count == len(taken)


@pytest.mark.parametrize(("seconds", "least", "most"), [(0.0, 0.0, 0.0001), (1e9, 80.0, 100.0)])
def test_what_is_too_short_or_too_long_is_counted_at_the_end(seconds: float, least: float, most: float) -> None:
    histogram = Histogram()
    histogram.add(seconds)
    found = histogram.percentile(99)
    assert found is not None
    assert least <= found <= most
