"""Windows follow the clock on the wall, and the next change is announced exactly."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.features.triggers.plan import Day, Window
from backend.features.triggers.windows import changes_at, within

BERLIN, NEW_YORK = ZoneInfo("Europe/Berlin"), ZoneInfo("America/New_York")
DAY = 86_400.0

clocks = st.builds("{:02}:{:02}".format, st.integers(0, 23), st.sampled_from([0, 0, 15, 30, 59]))
days: list[Day] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
windows = st.lists(
    st.builds(Window, days=st.lists(st.sampled_from(days), max_size=3).map(tuple), begin=clocks, end=clocks),
    min_size=1,
    max_size=3,
)
zones = st.sampled_from([BERLIN, NEW_YORK, ZoneInfo("UTC"), ZoneInfo("Australia/Lord_Howe"), None])
shifts = st.sampled_from(["2026-03-08", "2026-03-29", "2026-04-05", "2026-10-04", "2026-10-25", "2026-11-01"])
moments = st.builds(
    lambda day, seconds: datetime.fromisoformat(f"{day}T00:00:00+00:00").timestamp() + seconds,
    shifts,
    st.integers(-2 * 86_400, 3 * 86_400),
)


def at(text: str) -> float:
    """Return a moment that is given with its offset."""
    return datetime.fromisoformat(text).timestamp()


def window(begin: str = "00:00", end: str = "00:00", *on: Day) -> list[Window]:
    return [Window(days=on, begin=begin, end=end)]


def changes(of: list[Window], since: str, until: str, zone: ZoneInfo) -> list[str]:
    """Return when it changes between two moments, by the clock on the wall."""
    now, found = at(since), list[str]()
    while (then := changes_at(of, now, zone)) is not None and then < at(until):
        assert within(of, then, zone) is not within(of, then - 0.001, zone)
        found.append(datetime.fromtimestamp(then, zone).isoformat())
        now = then
    return found


def test_without_windows_it_is_always_time() -> None:
    assert within([], 0.0)
    assert changes_at([], 0.0) is None


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        ("2026-06-15T08:59:59+02:00", False),
        ("2026-06-15T09:00:00+02:00", True),
        ("2026-06-15T16:59:59+02:00", True),
        ("2026-06-15T17:00:00+02:00", False),
        ("2026-06-20T12:00:00+02:00", False),  # a Saturday
    ],
)
def test_working_hours(now: str, expected: bool) -> None:
    assert within(window("09:00", "17:00", "mon", "tue", "wed", "thu", "fri"), at(now), BERLIN) is expected


def test_a_night_belongs_to_the_day_on_which_it_begins() -> None:
    friday_night = window("22:00", "06:00", "fri")
    assert changes(friday_night, "2026-06-15T00:00:00+02:00", "2026-06-22T00:00:00+02:00", BERLIN) == [
        "2026-06-19T22:00:00+02:00",
        "2026-06-20T06:00:00+02:00",
    ]
    assert not within(friday_night, at("2026-06-19T05:00:00+02:00"), BERLIN)


def test_a_whole_day_and_every_day() -> None:
    assert changes(
        window("00:00", "00:00", "sun"), "2026-06-15T00:00:00+02:00", "2026-06-23T00:00:00+02:00", BERLIN
    ) == [
        "2026-06-21T00:00:00+02:00",
        "2026-06-22T00:00:00+02:00",
    ]
    for always in (window(), window("07:30", "07:30"), window("00:00", "12:00") + window("12:00", "00:00")):
        assert within(always, at("2026-03-28T12:00:00+01:00"), BERLIN)
        assert changes_at(always, at("2026-03-28T12:00:00+01:00"), BERLIN) is None


def test_windows_that_meet_or_overlap_are_one() -> None:
    both = window("08:00", "12:00") + window("12:00", "14:00") + window("13:00", "18:00")
    assert changes(both, "2026-06-15T00:00:00+02:00", "2026-06-16T00:00:00+02:00", BERLIN) == [
        "2026-06-15T08:00:00+02:00",
        "2026-06-15T18:00:00+02:00",
    ]


@pytest.mark.parametrize(
    ("begin", "end", "expected"),
    [
        ("01:30", "04:00", ["01:30:00+01:00", "04:00:00+02:00"]),
        ("02:30", "04:00", ["03:00:00+02:00", "04:00:00+02:00"]),
        ("01:00", "02:30", ["01:00:00+01:00", "03:00:00+02:00"]),
        ("02:15", "02:45", []),
    ],
)
def test_the_hour_that_spring_leaves_out(begin: str, end: str, expected: list[str]) -> None:
    of = window(begin, end, "sun")
    found = changes(of, "2026-03-29T00:00:00+01:00", "2026-03-30T00:00:00+02:00", BERLIN)
    assert found == [f"2026-03-29T{each}" for each in expected]
    assert changes_at(of, at("2026-03-29T12:00:00+02:00"), BERLIN) == at(f"2026-04-05T{begin}:00+02:00")


@pytest.mark.parametrize(
    ("begin", "end", "expected"),
    [
        ("00:30", "03:00", ["00:30:00-04:00", "03:00:00-05:00"]),
        ("00:30", "01:30", ["00:30:00-04:00", "01:30:00-04:00"]),
        ("01:30", "03:00", ["01:30:00-04:00", "03:00:00-05:00"]),
        ("01:15", "01:45", ["01:15:00-04:00", "01:45:00-04:00"]),
    ],
)
def test_in_the_hour_that_autumn_repeats_it_begins_and_ends_once(begin: str, end: str, expected: list[str]) -> None:
    of = window(begin, end)
    found = changes(of, "2026-11-01T00:00:00-04:00", "2026-11-02T00:00:00-05:00", NEW_YORK)
    assert found == [f"2026-11-01T{each}" for each in expected]


def test_all_but_an_hour_that_is_left_out_once_a_year() -> None:
    of = window("02:45", "02:15", *days)
    assert changes_at(of, at("2026-03-28T12:00:00+01:00"), BERLIN) == at("2026-03-30T02:15:00+02:00")
    weekly = window("02:45", "02:15", "sun") + window("00:00", "02:15", "sun") + window("00:00", "00:00", *days[:6])
    assert changes_at(weekly, at("2026-03-23T12:00:00+01:00"), BERLIN) == at("2026-04-05T02:15:00+02:00")


@given(windows, moments, zones)
def test_it_changes_when_it_is_told_and_not_before(of: list[Window], now: float, zone: ZoneInfo | None) -> None:
    then = changes_at(of, now, zone)
    is_so = within(of, now, zone)
    if then is not None:
        assert then > now
        assert within(of, then, zone) is not is_so
    last = then if then is not None else now + 21 * DAY
    steps = 50
    assert all(within(of, now + (last - now) * step / steps, zone) is is_so for step in range(steps))


@given(windows, moments, zones)
def test_on_other_days_it_is_what_the_clock_shows(of: list[Window], now: float, zone: ZoneInfo | None) -> None:
    near = [datetime.fromtimestamp(now + days * DAY, zone).astimezone(zone).utcoffset() for days in (-2, 0, 2)]
    if len(set(near)) == 1:
        shown = datetime.fromtimestamp(now, zone)
        assert within(of, now, zone) is any(_holds(each, shown) for each in of)


def _holds(window: Window, shown: datetime) -> bool:
    """Judge a window by what a clock shows alone."""
    clock, yesterday = f"{shown:%H:%M}", shown - timedelta(days=1)
    today = not window.days or days[shown.weekday()] in window.days
    before = not window.days or days[yesterday.weekday()] in window.days
    if window.begin < window.end:
        return today and window.begin <= clock < window.end
    return (today and clock >= window.begin) or (before and clock < window.end)
