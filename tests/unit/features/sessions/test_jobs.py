"""A session does one job after the other: each new input is one, and a result says to which it belongs."""

from typing import Any

import pytest

from tests.histories import SessionHistory, refusals
from tests.people import ALICE, BOB


def test_every_change_of_the_input_is_another_job_and_nothing_else_is() -> None:
    history = SessionHistory()
    history.claims(ALICE, input={"n": 0})
    assert history.documents[0]["job"] == 0
    moves: list[tuple[str, dict[str, Any], int]] = [
        ("update", {"input": {"n": 1}}, 1),
        ("claim", {"input": {"n": 2}}, 2),
        ("claim", {}, 2),
        ("renew", {}, 2),
        ("update", {"input": {}}, 3),
    ]
    for action, keys, job in moves:
        history.asks(ALICE, action, **keys)
        assert history.running.job == job
    history.results(grams=1)
    history.commands()
    assert history.running.job == 3


@pytest.mark.parametrize("job", [0, 2])
def test_a_result_of_another_job_is_refused_and_changes_nothing(job: int) -> None:
    history = SessionHistory()
    history.claims(ALICE)
    history.asks(ALICE, "update", input={"n": 1})
    before = history.session
    assert refusals(history.results(job=job, complete=True, grams=5)) == ["stale_job"]
    assert history.session == before


@pytest.mark.parametrize("job", [1, None])
def test_a_result_of_this_job_or_of_none_counts(job: int | None) -> None:
    history = SessionHistory()
    history.claims(ALICE)
    history.asks(ALICE, "update", input={"n": 1})
    history.results(job=job, complete=True, grams=5)
    assert (history.running.complete, history.running.output) == (True, {"grams": 5})


def test_the_late_end_of_the_first_job_does_not_end_the_second() -> None:
    """The race: the app sends more while the device finishes."""
    history = SessionHistory()
    history.claims(ALICE)
    history.results(job=0, complete=True, grams=1)
    history.asks(ALICE, "update", input={"again": True})
    assert refusals(history.results(job=0, complete=True, grams=1)) == ["stale_job"]
    assert (history.running.complete, history.running.output) == (False, {})


def test_updates_of_two_apps_are_merged_in_the_order_in_which_they_come() -> None:
    history = SessionHistory()
    history.claims(ALICE, input={"a": 0, "b": 0})
    history.asks(ALICE, "update", input={"a": 1})
    history.asks(ALICE, "update", input={"b": 2, "a": None})
    assert history.running.input == {"b": 2}


def test_the_next_session_begins_with_its_own_first_job() -> None:
    history = SessionHistory()
    history.claims(ALICE)
    history.asks(ALICE, "update", input={"n": 1})
    history.asks(ALICE, "release")
    history.claims(BOB)
    assert (history.running.job, history.running.input, history.running.output) == (0, {}, {})
