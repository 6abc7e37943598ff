"""How sessions end by time and by the hardware's work, and what keeps them alive."""

import pytest

from backend.core.clock import iso
from backend.features.sessions.policy import Policy
from tests.histories import SessionHistory, refusals
from tests.people import ALICE, BOB

# Time


@pytest.mark.parametrize(
    ("policy", "seconds", "ending", "timeout"),
    [
        (Policy(lease_s=30), 30, "expired", True),
        (Policy(lease_s=30, idle_s=20), 20, "idle", True),
        (Policy(lease_s=30, max_length_s=10), 10, "expired", True),
    ],
)
def test_a_session_ends_by_time_at_the_deadline_and_not_before(
    policy: Policy, seconds: float, ending: str, timeout: bool
) -> None:
    history = SessionHistory(policy)
    history.claims(ALICE)
    assert history.deadline == seconds
    assert history.passes(seconds - 0.001) == []
    history.passes(0.001)
    assert history.endings == [("alice", ending)]
    (document,) = history.documents
    assert (document["state"], document["reason"], document["timeout"]) == ("free", ending, timeout)
    assert history.deadline is None


def test_a_renewed_session_ends_idle_all_the_same() -> None:
    history = SessionHistory(Policy(lease_s=60, idle_s=100))
    history.claims(ALICE)
    history.passes(50)
    history.asks(ALICE, "renew")
    assert history.deadline == 50
    history.passes(50)
    assert history.endings == [("alice", "idle")]


def test_an_active_session_ends_at_its_longest_all_the_same() -> None:
    history = SessionHistory(Policy(lease_s=60, max_length_s=100))
    history.claims(ALICE)
    history.claims(BOB, wait=True)
    history.passes(50)
    history.asks(ALICE, "update", input={})
    assert history.deadline == 50
    history.passes(50)
    assert history.endings == [("alice", "expired")]
    assert history.session.holder == "bob"


def test_time_passes_before_anything_else_happens() -> None:
    history = SessionHistory(Policy(lease_s=30))
    history.claims(ALICE)
    history.claims(BOB, wait=True)
    history.now += 31
    assert history.asks(ALICE, "renew")["code"] == "not_holder"
    assert history.session.holder == "bob"
    assert history.deadline == 30


def test_the_timeout_of_the_last_session_is_shown_until_the_next_grant() -> None:
    history = SessionHistory(Policy(lease_s=30))
    history.claims(ALICE)
    history.passes(30)
    assert history.session.timeout
    history.claims(BOB)
    assert not history.session.timeout
    history.asks(BOB, "release")
    assert not history.session.timeout


# The hardware


def test_results_are_merged_into_the_output_and_renew_the_lease() -> None:
    history = SessionHistory()
    history.claims(ALICE)
    history.results(grams=1, stable=False)
    history.passes(20)
    history.results(grams=2, stable=None)
    assert history.running.output == {"grams": 2}
    assert history.documents[0]["output"] == {"grams": 2}
    assert history.deadline == 60
    assert history.running.last_activity == history.now


def test_a_complete_session_lingers_and_makes_room() -> None:
    history = SessionHistory(Policy(linger_s=10))
    history.claims(ALICE)
    history.claims(BOB, wait=True)
    history.results(complete=True, grams=5)
    assert [(event["event"], event["output"]) for event in history.events] == [("completed", {"grams": 5})]
    assert history.documents[0]["complete"] is True
    assert history.documents[0]["queue"][0]["eta_s"] == 10.0
    assert history.deadline == 10
    history.passes(10)
    assert history.endings == [("alice", "completed")]
    assert not history.session.timeout
    assert history.session.holder == "bob"


def test_a_result_that_comes_twice_makes_the_session_linger_no_longer_and_is_told_once() -> None:
    history = SessionHistory(Policy(linger_s=10))
    history.claims(ALICE)
    history.results(complete=True, grams=5)
    history.passes(4)
    history.results(complete=True, grams=5)
    assert history.deadline == 6
    assert history.events == []


def test_a_result_at_the_last_moment_is_shown_as_long_as_any() -> None:
    """A result that belongs to the session renews the lease; so a short rest of it does not cut the lingering."""
    history = SessionHistory(Policy(lease_s=60, linger_s=10))
    history.claims(ALICE)
    history.passes(59)
    history.results(complete=True, grams=5)
    assert history.deadline == 10


@pytest.mark.parametrize("move", ["renew", "command"])
def test_a_complete_session_lingers_no_longer_because_the_app_goes_on(move: str) -> None:
    """Apps renew by themselves: a finished session must not keep who waits from the device for that."""
    history = SessionHistory(Policy(lease_s=60, linger_s=10))
    history.claims(ALICE)
    history.claims(BOB, wait=True)
    history.results(complete=True, grams=5)
    history.passes(8)
    if move == "command":
        history.commands()
    else:
        history.asks(ALICE, move)
    history.passes(2)
    assert history.session.holder == "bob"


def test_an_update_after_the_end_of_the_work_starts_anew() -> None:
    history = SessionHistory(Policy(linger_s=10))
    history.claims(ALICE, input={"a": 1})
    history.results(complete=True, grams=5)
    history.passes(5)
    assert history.asks(ALICE, "update", input={"b": 2})["fence"] == 1
    running = history.running
    assert (running.complete, running.output, running.input) == (False, {}, {"a": 1, "b": 2})
    assert history.deadline == 60
    history.results(complete=True, grams=6)
    assert [event["event"] for event in history.events] == ["completed"]


@pytest.mark.parametrize("fence", [0, 1, 3])
def test_a_result_of_another_fence_changes_nothing(fence: int) -> None:
    history = SessionHistory()
    history.claims(ALICE)
    history.asks(ALICE, "release")
    history.claims(BOB)
    before = history.session
    assert refusals(history.results(fence=fence, grams=5)) == ["stale_fence"]
    assert history.session == before


def test_a_result_without_a_session_is_stale_although_the_fence_is_the_last_one() -> None:
    history = SessionHistory()
    assert refusals(history.results(fence=0)) == ["stale_fence"]
    history.claims(ALICE)
    history.asks(ALICE, "release")
    assert refusals(history.results(fence=1)) == ["stale_fence"]
    assert refusals(history.commands(fence=1)) == ["stale_fence"]


def test_output_that_grows_too_large_is_refused() -> None:
    history = SessionHistory(Policy(max_data=50))
    history.claims(ALICE)
    history.results(a="x" * 30)
    assert refusals(history.results(b="x" * 30)) == ["too_large"]
    assert history.running.output == {"a": "x" * 30}


# Commands


def test_commands_renew_the_lease_but_do_not_publish_a_document_each() -> None:
    history = SessionHistory(Policy(lease_s=60))
    history.claims(ALICE)
    documents = 0
    for _ in range(600):
        history.passes(0.5)
        history.commands()
        documents += len(history.documents)
    assert history.session.holder == "alice"
    assert 40 <= documents <= 51
    assert history.deadline is not None
    assert history.deadline >= 60 * 0.9


def test_the_last_activity_that_is_shown_is_the_last_one_worth_a_document_or_not() -> None:
    history = SessionHistory()
    history.claims(ALICE)
    history.passes(1)
    history.commands()
    assert history.documents == []
    history.passes(1)
    history.asks(ALICE, "renew")
    assert history.documents[0]["last_activity"] == iso(history.now - 1)


def test_a_command_of_another_fence_is_stale_and_renews_nothing() -> None:
    history = SessionHistory()
    history.claims(ALICE)
    history.passes(50)
    before = history.session
    assert refusals(history.commands(fence=2)) == ["stale_fence"]
    assert history.session == before


@pytest.mark.parametrize(("lease_s", "idle_s", "every_s"), [(3600, 600, 60), (600, 30, 10), (300, 29, 14)])
def test_who_commands_now_and_then_is_not_idle(lease_s: float, idle_s: float, every_s: float) -> None:
    """Idle means that nothing happens for so long; however long the lease is."""
    history = SessionHistory(Policy(idle_s=idle_s))
    history.claims(ALICE, lease_s=lease_s)
    for _ in range(20):
        history.passes(every_s)
        history.commands()
    history.passes(idle_s * 0.8)
    assert history.session.holder == "alice"
