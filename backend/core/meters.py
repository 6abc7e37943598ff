"""What is counted while it happens: how much in the last minute, and how long things take. Cheap to add to."""

from bisect import bisect_left
from collections import deque
from itertools import accumulate

_SLOT_S = 5.0
_SLOTS = 12  # a minute
_FIRST_S, _STEP, _BOUNDS = 0.0001, 1.1, 145  # from 0.1 ms in steps of 10 % to 91 s


class LastMinute:
    """How much happened in the last minute, to five seconds."""

    __slots__ = ("_slots",)

    def __init__(self) -> None:
        self._slots: deque[list[int]] = deque()  # number of the slot, and how much happened in it

    def add(self, now: float) -> None:
        """Count one."""
        number = int(now // _SLOT_S)
        if self._slots and self._slots[-1][0] == number:
            self._slots[-1][1] += 1
        else:
            self._forget(number)
            self._slots.append([number, 1])

    def total(self, now: float) -> int:
        """Return how much happened in the last minute."""
        self._forget(int(now // _SLOT_S))
        return sum(count for _, count in self._slots)

    def _forget(self, number: int) -> None:
        while self._slots and self._slots[0][0] <= number - _SLOTS:
            self._slots.popleft()


class Histogram:
    """How long something takes, in buckets that are 10 % wide: bounded memory, and percentiles that are as exact."""

    BOUNDS = tuple(_FIRST_S * _STEP**number for number in range(_BOUNDS))

    __slots__ = ("_buckets", "count")

    def __init__(self) -> None:
        self.count = 0
        self._buckets = [0] * (_BOUNDS + 1)

    def add(self, seconds: float) -> None:
        """Take one measure."""
        self.count += 1
        self._buckets[bisect_left(self.BOUNDS, seconds)] += 1

    def percentile(self, percent: float) -> float | None:
        """Return the seconds within which so many were done: the upper end of a bucket. None: there was none yet."""
        if not self.count:
            return None
        wanted = self.count * percent / 100
        reached = enumerate(accumulate(self._buckets))
        bucket = next(number for number, sofar in reached if sofar >= wanted and sofar)
        return self.BOUNDS[min(bucket, _BOUNDS - 1)]
