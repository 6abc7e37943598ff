"""What changes under a session: the rules of its floor, and the server."""

from typing import Any

import pytest

from backend.core.facts import DirectoryChanged, SessionEnded
from backend.features.sessions.policy import Policy
from tests.histories import CHANNEL, SCALE_FLOOR, STAGE_FLOOR, SessionHistory
from tests.people import ALICE, BOB, CAROL, EVERYBODY, ROOT

# What the rest of the house is told


def test_how_a_session_ended_and_how_long_it_was_is_told_elsewhere_too() -> None:
    history = SessionHistory()
    history.claims(ALICE)
    history.passes(12.5)
    history.asks(ALICE, "release")
    assert SessionEnded(SCALE_FLOOR, "released", 12.5) in history.said


# Rules


@pytest.mark.parametrize(
    ("rules", "deadline"),
    [
        ({"idle_s": 20.0}, 20),
        ({"max_length_s": 40.0}, 40),
        ({"lease_s": 5.0}, 60),
        ({"of_tomorrow": 1.0}, 60),
    ],
)
def test_new_limits_hold_for_the_session_in_progress_and_its_lease_is_kept(
    rules: dict[str, float], deadline: float
) -> None:
    history = SessionHistory()
    history.claims(ALICE)
    history.learns(**rules)
    assert history.deadline == deadline


def test_a_session_that_is_too_long_by_a_new_rule_ends_at_once() -> None:
    history = SessionHistory()
    history.claims(ALICE)
    history.claims(BOB, wait=True)
    history.passes(50)
    history.learns(max_length_s=20.0)
    assert history.endings == [("alice", "expired")]
    assert history.session.holder == "bob"


def test_a_rule_that_is_taken_back_is_as_if_it_had_never_been() -> None:
    history = SessionHistory()
    history.learns(lease_s=5.0)
    assert history.claims(ALICE)["expires_in_s"] == 5.0
    history.asks(ALICE, "release")
    history.learns()
    assert history.claims(ALICE)["expires_in_s"] == 60.0


def test_a_queue_that_is_longer_than_a_new_rule_allows_is_served_and_takes_nobody_more() -> None:
    history = SessionHistory()
    for who in (ALICE, BOB, CAROL):
        history.claims(who, wait=True)
    history.learns(max_queue=1)
    assert history.queue == ["bob", "carol"]
    assert history.claims(ROOT, wait=True)["code"] == "queue_full"


def test_rules_of_another_floor_are_none_of_ours() -> None:
    history = SessionHistory()
    changed = DirectoryChanged(
        frozenset({"scale-1"}), frozenset(EVERYBODY), frozenset({CHANNEL}), {STAGE_FLOOR: (("lease_s", 5.0),)}
    )
    assert history.happens(changed) == []
    assert history.claims(ALICE)["expires_in_s"] == 60.0


def test_a_channel_shares_by_a_policy_of_its_own_and_rules_go_before_it() -> None:
    device = SessionHistory(Policy(idle_s=7), floor=SCALE_FLOOR)
    device.claims(ALICE)
    assert device.deadline == 7
    stage = SessionHistory(Policy(idle_s=7), floor=STAGE_FLOOR)
    stage.claims(ALICE)
    stage.claims(BOB)
    assert stage.deadline == 30
    stage.learns(idle_s=11.0)
    assert stage.deadline == 11


def test_a_device_that_one_waits_for_by_joining_is_shared_as_a_channel() -> None:
    history = SessionHistory(Policy(joins=True))
    history.claims(ALICE)
    assert history.claims(BOB)["code"] == "queued"
    history.passes(60)
    assert (history.session.holder, history.queue) == ("bob", ["alice"])
    history.asks(ALICE, "leave")
    history.passes(100_000)
    assert history.session.holder == "bob"


# The server comes back, in every state


def free(_history: SessionHistory) -> None:
    """Nobody holds."""


def active(history: SessionHistory) -> None:
    history.claims(ALICE)


def offered(history: SessionHistory) -> None:
    history.claims(ALICE)
    history.asks(ALICE, "offer", to="bob")


def grace(history: SessionHistory) -> None:
    history.claims(ALICE)
    history.loses(ALICE)


def resetting(history: SessionHistory) -> None:
    history.claims(ALICE)
    history.asks(ALICE, "release")


def cooling(history: SessionHistory) -> None:
    history.learns(clean="never", cooling_s=30.0)
    history.claims(ALICE)
    history.passes(60)


STATES: list[Any] = [free, active, offered, grace, resetting, cooling]


@pytest.mark.parametrize("state", STATES, ids=lambda state: state.__name__)
@pytest.mark.parametrize("after", [0.0, 10.0, -100_000.0])
def test_a_restart_changes_neither_holder_nor_fence_nor_state(state: Any, after: float) -> None:
    history = SessionHistory(Policy(clean="always"))
    state(history)
    before = history.session
    history.restarts(after=after)
    found = history.session
    assert (found.holder, found.fence, found.state) == (before.holder, before.fence, state.__name__)
    assert history.endings == []
    assert history.deadline is None or 0 < history.deadline <= 60


@pytest.mark.parametrize("state", [active, offered, grace], ids=lambda state: state.__name__)
def test_after_a_long_pause_the_holder_has_a_moment_and_then_it_is_over(state: Any) -> None:
    history = SessionHistory(Policy(restart_grace_s=20, grace_s=20, offer_s=20))
    state(history)
    history.claims(CAROL, wait=True)
    history.restarts(after=5_000)
    assert (history.session.holder, history.session.fence) == ("alice", 1)
    assert history.deadline == 20
    history.passes(20)
    assert history.session.holder == "carol"
    assert history.session.fence == 2


def test_who_waits_and_was_away_has_its_whole_grace_again() -> None:
    history = SessionHistory(Policy(place_grace_s=40))
    history.claims(ALICE, lease_s=600)
    history.claims(BOB, wait=True)
    history.loses(BOB)
    history.passes(30)
    history.restarts(after=500)
    history.asks(ALICE, "renew")
    history.passes(39)
    assert history.queue == ["bob"]
    history.passes(1)
    assert history.queue == []


def test_a_clock_that_was_set_back_lets_nobody_pass_who_waits() -> None:
    history = SessionHistory()
    history.claims(ALICE)
    history.claims(BOB, wait=True)
    history.restarts(after=-10_000)
    history.claims(CAROL, wait=True)
    assert history.queue == ["bob", "carol"]


def test_a_clock_that_was_set_back_makes_no_session_shorter_than_nothing() -> None:
    history = SessionHistory()
    history.claims(ALICE)
    history.restarts(after=-10_000)
    history.passes(5)
    history.asks(ALICE, "release")
    assert history.events[0]["held_s"] == 5.0


def test_a_clock_that_was_set_back_makes_no_notice_longer_than_any() -> None:
    history = SessionHistory()
    history.claims(ALICE)
    history.asks(ROOT, "preempt", in_s=40)
    history.restarts(after=-10_000)
    assert history.session.preemption is not None
    assert history.session.preemption.at == history.now + 3600


def test_a_notice_goes_on_and_what_was_due_meanwhile_is_done() -> None:
    history = SessionHistory()
    history.claims(ALICE)
    history.asks(ROOT, "preempt", in_s=40)
    history.restarts(after=10)
    assert history.session.holder == "alice"
    history.restarts(after=30)
    assert history.session.holder == "root"


# Accounts


def test_an_account_that_is_removed_while_its_grace_runs_has_none() -> None:
    history = SessionHistory()
    history.claims(ALICE)
    history.claims(BOB, wait=True)
    history.loses(ALICE)
    history.removes(ALICE)
    assert history.endings == [("alice", "kicked")]
    assert history.session.holder == "bob"


def test_who_waits_is_told_that_its_account_is_gone() -> None:
    history = SessionHistory()
    history.claims(ALICE)
    history.claims(BOB, wait=True)
    history.removes(BOB)
    assert history.happened("user", "reason") == [("left", "bob", "removed")]
    assert history.answers["bob"]["code"] == "not_waiting"
