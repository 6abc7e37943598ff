"""What fails again and again is left alone for a while."""

from backend.shell.voice.breaker import Breaker


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def test_it_opens_after_three_failures_in_a_row() -> None:
    breaker = Breaker(Clock())
    for _ in range(2):
        breaker.failed()
    breaker.worked()
    for _ in range(2):
        breaker.failed()
    assert breaker.allows()
    breaker.failed()
    assert not breaker.allows()


def test_after_the_pause_one_may_try_and_the_others_wait_for_how_that_goes() -> None:
    clock = Clock()
    breaker = Breaker(clock)
    for _ in range(3):
        breaker.failed()
    clock.now = 29.9
    assert not breaker.allows()
    clock.now = 30.0
    assert [breaker.allows() for _ in range(3)] == [True, False, False]
    breaker.failed()
    clock.now = 59.0
    assert not breaker.allows()
    clock.now = 61.0
    assert breaker.allows()
    breaker.worked()
    assert [breaker.allows() for _ in range(3)] == [True, True, True]
