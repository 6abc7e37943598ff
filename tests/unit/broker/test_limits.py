from broker import limits
from broker.limits import Turnstile


def test_who_comes_too_often_waits_until_the_time_is_over() -> None:
    gate = Turnstile(3, window_s=60)
    assert [gate.passes("a", now) for now in (0, 1, 2, 3, 59.9)] == [True, True, True, False, False]
    assert gate.is_shut("a", 59.9)
    assert not gate.is_shut("a", 60)
    assert [gate.passes("a", 60 + now) for now in (0, 1, 2, 3)] == [True, True, True, False]


def test_one_waits_and_another_does_not() -> None:
    gate = Turnstile(1, window_s=60)
    assert gate.passes("a", 0)
    assert not gate.passes("a", 1)
    assert gate.passes("b", 1)


def test_to_look_is_not_to_pass() -> None:
    gate = Turnstile(1)
    assert not any(gate.is_shut("a", now) for now in range(10))
    assert gate.passes("a", 10)


def test_who_invents_names_does_not_fill_the_memory() -> None:
    gate = Turnstile(2, window_s=60)
    for number in range(3 * limits._KEYS):
        assert gate.passes(number, number / limits._KEYS)
        assert len(gate._passed) <= limits._KEYS


def test_what_is_over_is_forgotten_and_what_is_not_is_held() -> None:
    gate = Turnstile(1, window_s=60)
    for number in range(limits._KEYS - 1):
        gate.passes(number, 1)
    assert gate.passes("held", 59)
    assert gate.passes("new", 62)
    assert gate.is_shut("held", 62)
    assert len(gate._passed) == 2


def test_old_keys_do_not_pile_up() -> None:
    gate = Turnstile(1, window_s=60)
    for number in range(1000):
        gate.passes(number, number)
    assert len(gate._passed) < 130
