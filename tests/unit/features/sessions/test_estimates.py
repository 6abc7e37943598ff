"""After how long one's turn comes: as the lease says at first, as most sessions last once some are known."""

import pytest

from backend.features.sessions.policy import Policy
from tests.histories import SessionHistory
from tests.people import ALICE, BOB, CAROL, ROOT


def after(*lengths: float, policy: Policy = Policy()) -> SessionHistory:  # noqa: B008 - it is frozen
    """Return a history with sessions of these lengths, in which Alice holds now."""
    history = SessionHistory(policy)
    for length in lengths:
        history.claims(ALICE, lease_s=3600)
        history.passes(length)
        history.asks(ALICE, "release")
    history.claims(ALICE, lease_s=300)
    return history


def estimates(history: SessionHistory) -> list[float | None]:
    """Return what the document says now."""
    return [place["eta_s"] for place in history.documents[-1]["queue"]]


def test_without_experience_the_leases_count() -> None:
    history = after()
    history.passes(100)
    assert history.claims(BOB, wait=True, lease_s=40)["eta_s"] == 200.0
    assert history.claims(CAROL, wait=True)["eta_s"] == 240.0


@pytest.mark.parametrize(("lengths", "usual"), [([20], 20), ([10, 500, 30], 30), ([10, 30], 20), ([0.5], 0.5)])
def test_with_experience_a_session_lasts_as_long_as_most(lengths: list[float], usual: float) -> None:
    history = after(*lengths)
    assert history.claims(BOB, wait=True, lease_s=3600)["eta_s"] == usual
    assert history.claims(CAROL, wait=True)["eta_s"] == 2 * usual


def test_what_passed_already_is_taken_off() -> None:
    history = after(50)
    history.passes(20)
    assert history.claims(BOB, wait=True)["eta_s"] == 30.0


def test_a_session_that_is_longer_than_most_lasts_as_its_lease_says() -> None:
    history = after(50)
    history.passes(60)
    assert history.claims(BOB, wait=True)["eta_s"] == 240.0


def test_only_the_last_sessions_count() -> None:
    history = after(*[500] * 20, *[10] * 20)
    assert history.claims(BOB, wait=True)["eta_s"] == 10.0


@pytest.mark.parametrize("what", ["complete", "lost"])
def test_what_is_about_to_end_does_not_last_as_long_as_most(what: str) -> None:
    history = after(500, policy=Policy(linger_s=10, grace_s=10))
    if what == "complete":
        history.results(complete=True)
    else:
        history.loses(ALICE)
    assert history.claims(BOB, wait=True)["eta_s"] == 10.0


def test_no_session_lasts_longer_than_the_longest() -> None:
    history = after(300, policy=Policy(max_length_s=1000))
    history.learns(max_length_s=100.0)
    history.passes(50)
    assert history.claims(BOB, wait=True)["eta_s"] == 50.0
    assert history.claims(CAROL, wait=True)["eta_s"] == 150.0


def test_who_does_nothing_is_not_waited_for_longer_than_it_may_be_idle() -> None:
    history = after(500)
    history.learns(idle_s=60.0)
    assert history.claims(BOB, wait=True)["eta_s"] == 60.0
    history.passes(10)
    history.commands()
    history.asks(BOB, "leave")
    assert history.claims(BOB, wait=True)["eta_s"] == 490.0, "who works does so as long as most"


def test_without_experience_who_waits_may_be_idle_too() -> None:
    history = after(policy=Policy(idle_s=60))
    history.claims(BOB, wait=True, lease_s=300)
    assert history.claims(CAROL, wait=True)["eta_s"] == 120.0


def test_where_one_waits_by_joining_it_says_little_how_long_others_had_it_alone() -> None:
    history = after(500, policy=Policy(idle_s=60, joins=True))
    history.passes(10)
    history.commands()
    assert history.claims(BOB)["eta_s"] == 60.0
    assert history.claims(CAROL)["eta_s"] == 120.0


def test_an_heir_has_what_is_left_of_the_longest() -> None:
    history = after(300, policy=Policy(max_length_s=400))
    history.passes(250)
    history.asks(ALICE, "offer", to="carol")
    history.asks(CAROL, "accept")
    assert history.claims(BOB, wait=True)["eta_s"] == 150.0


def test_who_takes_over_after_a_notice_comes_when_that_is_over() -> None:
    history = after(200)
    history.asks(ROOT, "preempt", in_s=40)
    assert estimates(history) == [40.0]
    assert history.claims(BOB, wait=True)["eta_s"] == 240.0


def test_nobody_knows_when_a_device_comes_back() -> None:
    history = after(50)
    history.claims(BOB, wait=True)
    history.is_lost()
    assert estimates(history) == [None]
    history.is_back()
    assert estimates(history) == [50.0]


def test_who_is_away_is_reckoned_with_and_does_not_make_others_hope_too_much() -> None:
    history = after(50, policy=Policy(place_grace_s=60))
    history.claims(BOB, wait=True)
    history.claims(CAROL, wait=True)
    history.loses(BOB)
    assert estimates(history) == [50.0, 100.0]
