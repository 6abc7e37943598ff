"""Whether it is the time for a subscription, and when that changes: by the clock on the wall, summer time included.

A window begins and ends once. In the hour that comes twice in autumn it begins and ends the first time. In the one that
spring leaves out, the clock reaches every time at once: what would lie in it wholly is left out, too.
"""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from datetime import date, datetime, time, timedelta, tzinfo
from functools import lru_cache

from backend.features.triggers.plan import Window

_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_AHEAD = 16  # days; what begins once a week, on a day on which spring leaves it out, begins within fifteen

Span = tuple[float, float]


def within(windows: Sequence[Window], now: float, zone: tzinfo | None = None) -> bool:
    """Tell whether *now* (s) lies in one of these windows, or there are none. None: the zone of the machine."""
    return not windows or any(begin <= now < end for begin, end in _spans(tuple(windows), _day(now, zone), zone))


def changes_at(windows: Sequence[Window], now: float, zone: tzinfo | None = None) -> float | None:
    """Return the next moment (s) at which `within` changes; None: it never does."""
    if not windows:
        return None
    today = _day(now, zone)
    edges = [edge for span in _spans(tuple(windows), today, zone) for edge in span]
    upcoming = bisect_right(edges, now)
    if upcoming == len(edges):
        return None
    # Weeks are alike: what goes on for so long goes on for ever.
    return edges[upcoming] if edges[upcoming] < _moment(today + timedelta(days=_AHEAD), "00:00", zone) else None


def _day(now: float, zone: tzinfo | None) -> date:
    return datetime.fromtimestamp(now, zone).date()


@lru_cache(1024)
def _spans(windows: tuple[Window, ...], today: date, zone: tzinfo | None) -> tuple[Span, ...]:
    """Return when it is time, from yesterday on: in order, with a gap between any two."""
    joined: list[Span] = []
    for begin, end in sorted(_each(windows, today, zone)):
        if joined and begin <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        elif begin < end:
            joined.append((begin, end))
    return tuple(joined)


def _each(windows: tuple[Window, ...], today: date, zone: tzinfo | None) -> Iterator[Span]:
    for day in (today + timedelta(days=number) for number in range(-1, _AHEAD + 1)):
        for window in windows:
            if not window.days or _DAYS[day.weekday()] in window.days:
                last = day if window.begin < window.end else day + timedelta(days=1)
                yield _moment(day, window.begin, zone), _moment(last, window.end, zone)


def _moment(day: date, clock: str, zone: tzinfo | None) -> float:
    """Return when the clock on the wall first shows that time, or goes past it."""
    wall = datetime.combine(day, time.fromisoformat(clock))
    moment, other = (wall.replace(tzinfo=zone, fold=fold).timestamp() for fold in (0, 1))
    if moment <= other:
        return moment
    early, late = other, moment  # no clock shows it: it leaps somewhere in between
    while late - early > 1:
        middle = (early + late) // 2
        shown = datetime.fromtimestamp(middle, zone).replace(tzinfo=None)
        early, late = (early, middle) if shown >= wall else (middle, late)
    return late
