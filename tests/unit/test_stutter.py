"""A stutter stops processes, and each goes on."""

from dataclasses import dataclass, field

import psutil  # type: ignore[import-untyped]
import pytest

from tools.stutter import PERIOD_S, Stutter

SEED = 1


@dataclass(eq=False)
class Process:
    """Counts for how many looks it was stopped."""

    state: str = psutil.STATUS_RUNNING
    is_gone: bool = False
    stops: list[int] = field(default_factory=list)

    def status(self) -> str:
        return self.state

    def suspend(self) -> None:
        if self.is_gone:
            raise psutil.NoSuchProcess(1)
        self.state = psutil.STATUS_STOPPED
        self.stops.append(0)

    def resume(self) -> None:
        if self.is_gone:
            raise psutil.NoSuchProcess(1)
        self.state = psutil.STATUS_RUNNING

    def passes(self) -> None:
        self.stops[-1:] = [self.stops[-1] + 1] if self.state == psutil.STATUS_STOPPED else self.stops[-1:]


@pytest.mark.parametrize("most_looks", [1, 25])
def test_each_is_stopped_now_and_then_and_never_longer_than_told(most_looks: int) -> None:
    stutter, processes = Stutter(SEED, most_looks * PERIOD_S), [Process() for _ in range(5)]
    for _ in range(5000):
        stutter.look(processes)
        for process in processes:
            process.passes()
    stutter.end()
    for process in processes:
        assert len(process.stops) > 20
        assert 1 <= max(process.stops) <= most_looks
        assert process.state == psutil.STATUS_RUNNING


def test_what_a_test_has_stopped_stays_stopped() -> None:
    stutter, process = Stutter(SEED), Process(psutil.STATUS_STOPPED)
    for _ in range(500):
        stutter.look([process])
    stutter.end()
    assert (process.state, process.stops) == (psutil.STATUS_STOPPED, [])


def test_a_process_that_has_ended_is_no_matter() -> None:
    stutter, alive, ended = Stutter(SEED), Process(), Process()
    for _ in range(500):
        stutter.look([alive, ended])
    ended.is_gone = True
    for _ in range(500):
        stutter.look([alive, ended])
    stutter.end()
    assert alive.state == psutil.STATUS_RUNNING
