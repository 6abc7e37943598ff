"""What comes between two sessions: a delay after a loss (cooling), and a device that must confirm that it is clean."""

from collections.abc import Callable
from typing import Any

import pytest

from backend.core.facts import DirectoryChanged
from backend.features.sessions.policy import Policy
from tests.histories import CHANNEL, DIRECTORY, STAGE_FLOOR, SessionHistory, refusals
from tests.people import ALICE, BOB, CAROL, EVERYBODY, ROOT

COOLS = Policy(cooling_s=30, grace_s=10, idle_s=200, linger_s=5, max_length_s=1000)
CLEANS = Policy(clean="always")
LOST = ["lease", "client", "device"]


def completed(history: SessionHistory) -> None:
    history.results(complete=True)
    history.passes(5)


def idled(history: SessionHistory) -> None:
    for _ in range(4):
        history.passes(50)
        history.asks(ALICE, "renew")


def client_lost(history: SessionHistory) -> None:
    history.loses(ALICE)
    history.passes(10)


def device_lost(history: SessionHistory) -> None:
    history.is_lost()
    history.passes(10)
    history.is_back()


ENDINGS: dict[str, Callable[[SessionHistory], object]] = {
    "release": lambda history: history.asks(ALICE, "release"),
    "kick": lambda history: history.asks(ROOT, "kick"),
    "complete": completed,
    "idle": idled,
    "lease": lambda history: history.passes(60),
    "client": client_lost,
    "device": device_lost,
}


def end(history: SessionHistory, ending: str) -> None:
    """Let Alice, who holds, lose the device in one way or another."""
    ENDINGS[ending](history)


# Cooling


@pytest.mark.parametrize("ending", LOST)
def test_after_a_loss_nobody_gets_it_for_a_moment(ending: str) -> None:
    history = SessionHistory(COOLS)
    history.claims(ALICE)
    end(history, ending)
    shown = history.claims(BOB)
    assert (shown["ok"], shown["code"], shown["retry_in_s"]) == (False, "cooling", 30.0)
    assert history.state == "cooling"
    assert history.claims(BOB, wait=True)["eta_s"] == 30.0
    assert (history.documents[0]["state"], history.documents[0]["expires_in_s"]) == ("cooling", 30.0)
    assert history.documents[0]["in_use"] is False
    history.passes(29.999)
    assert history.session.holder is None
    history.passes(0.001)
    assert history.session.holder == "bob"
    assert history.running.fence == 2


@pytest.mark.parametrize("ending", ["release", "kick", "complete", "idle"])
def test_after_an_orderly_end_nobody_waits(ending: str) -> None:
    history = SessionHistory(COOLS)
    history.claims(ALICE)
    end(history, ending)
    assert history.state == "free"
    assert history.claims(BOB)["code"] == "granted"


def test_who_loses_it_to_an_order_leaves_nothing_to_cool() -> None:
    history = SessionHistory(COOLS)
    history.claims(ALICE)
    history.asks(ROOT, "preempt")
    assert history.session.holder == "root"


def test_cooling_ends_by_itself_and_is_then_over() -> None:
    history = SessionHistory(COOLS)
    history.claims(ALICE)
    end(history, "lease")
    assert history.deadline == 30
    history.passes(30)
    (document,) = history.documents
    assert (document["state"], document["expires_in_s"], document["reason"]) == ("free", None, "expired")
    assert history.deadline is None


def test_even_the_one_who_lost_it_waits() -> None:
    history = SessionHistory(COOLS)
    history.claims(ALICE)
    end(history, "lease")
    assert history.claims(ALICE)["code"] == "cooling"


def test_nobody_can_be_kicked_or_demoted_while_it_cools_and_an_admin_waits_as_the_first() -> None:
    history = SessionHistory(COOLS)
    history.claims(ALICE)
    end(history, "lease")
    history.claims(BOB, wait=True)
    for order in ("kick", "demote"):
        assert history.asks(ROOT, order)["code"] == "not_in_use"
    assert history.asks(ROOT, "preempt")["position"] == 1
    history.passes(30)
    assert (history.session.holder, history.queue) == ("root", ["bob"])


def test_a_device_that_is_away_when_it_has_cooled_is_granted_when_it_is_back() -> None:
    history = SessionHistory(COOLS)
    history.claims(ALICE)
    end(history, "lease")
    history.claims(BOB, wait=True)
    history.is_lost()
    assert history.claims(CAROL)["code"] == "device_offline"
    history.passes(30)
    assert history.session.holder is None
    history.is_back()
    assert history.session.holder == "bob"


def test_cooling_survives_a_restart_and_lasts_no_longer_should_the_clock_be_set_back() -> None:
    history = SessionHistory(COOLS)
    history.claims(ALICE)
    end(history, "lease")
    history.restarts(after=10)
    assert (history.state, history.deadline) == ("cooling", 20)
    history.restarts(after=-100_000)
    assert history.deadline == 30


# The clean step


@pytest.mark.parametrize("ending", ["release", "kick", "complete", *LOST])
def test_a_device_that_must_be_clean_is_granted_to_nobody_before_it_says_so(ending: str) -> None:
    history = SessionHistory(Policy(clean="always", linger_s=5, grace_s=10))
    history.claims(ALICE)
    history.claims(BOB, wait=True, lease_s=3600)
    end(history, ending)
    assert history.state == "resetting"
    assert history.deadline is None, "no time ends it"
    assert (history.session.holder, history.queue) == (None, ["bob"])
    assert history.claims(CAROL)["code"] == "resetting"
    assert history.results(reset=True)
    assert history.session.holder == "bob"
    assert history.happened("user")[0] == ("reset", "scale-1")


def test_everybody_sees_that_the_device_has_to_be_reset() -> None:
    history = SessionHistory(CLEANS)
    history.claims(ALICE)
    history.asks(ALICE, "release")
    assert history.happened("user", "fence") == [("ended", "alice", 1), ("resetting", "scale-1", 1)]
    (document,) = history.documents
    assert (document["state"], document["fence"], document["expires_in_s"]) == ("resetting", 1, None)


@pytest.mark.parametrize(("clean", "cleans"), [("never", True), ("declared", False)])
def test_who_need_not_be_clean_is_granted_at_once(clean: Any, cleans: bool) -> None:
    history = SessionHistory(Policy(clean=clean))
    history.declares(cleans=cleans)
    history.claims(ALICE)
    history.asks(ALICE, "release")
    assert history.state == "free"


def test_a_device_that_declares_a_clean_step_has_to_confirm_it() -> None:
    history = SessionHistory()
    history.claims(ALICE)
    history.declares(cleans=True)
    history.asks(ALICE, "release")
    assert history.state == "resetting"


def test_the_first_session_needs_no_reset() -> None:
    assert SessionHistory(CLEANS).claims(ALICE)["code"] == "granted"


def test_a_reset_of_another_fence_confirms_nothing() -> None:
    history = SessionHistory(CLEANS)
    history.claims(ALICE)
    history.asks(ALICE, "release")
    for fence in (0, 2):
        assert refusals(history.results(fence=fence, reset=True)) == ["stale_fence"]
    assert history.state == "resetting"


def test_a_result_that_does_not_say_reset_confirms_nothing() -> None:
    history = SessionHistory(CLEANS)
    history.claims(ALICE)
    history.asks(ALICE, "release")
    assert refusals(history.results(grams=5)) == ["stale_fence"]
    assert history.state == "resetting"


def test_a_reset_said_twice_or_during_a_session_confirms_nothing_more() -> None:
    history = SessionHistory(CLEANS)
    history.claims(ALICE)
    history.results(reset=True, grams=5)
    assert history.running.output == {"grams": 5}
    history.asks(ALICE, "release")
    assert history.state == "resetting", "it was used after that"
    history.results(reset=True)
    assert history.results(reset=True) == []
    history.claims(BOB)
    assert refusals(history.results(fence=1, reset=True)) == ["stale_fence"]
    history.asks(BOB, "release")
    assert history.state == "resetting"


def test_a_device_that_was_lost_confirms_when_it_is_back() -> None:
    history = SessionHistory(CLEANS)
    history.claims(ALICE)
    history.claims(BOB, wait=True)
    history.is_lost()
    history.passes(15)
    history.is_back()
    assert (history.state, history.session.holder) == ("resetting", None)
    history.results(reset=True)
    assert history.session.holder == "bob"


def test_an_admin_confirms_for_a_device_that_cannot() -> None:
    history = SessionHistory(CLEANS)
    assert history.asks(ROOT, "reset")["code"] == "not_resetting"
    history.claims(ALICE)
    assert history.asks(ROOT, "reset")["code"] == "not_resetting"
    history.claims(BOB, wait=True)
    history.asks(ALICE, "release")
    assert history.asks(ROOT, "reset")["code"] == "reset"
    assert history.session.holder == "bob"


def test_resetting_survives_a_restart() -> None:
    history = SessionHistory(CLEANS)
    history.claims(ALICE)
    history.asks(ALICE, "release")
    history.restarts(after=500)
    assert history.state == "resetting"


@pytest.mark.parametrize("first", ["reset", "time"])
def test_a_device_that_was_lost_must_be_clean_and_cool(first: str) -> None:
    history = SessionHistory(Policy(clean="always", cooling_s=30))
    history.claims(ALICE)
    history.passes(60)
    (document,) = history.documents
    assert (document["state"], document["expires_in_s"]) == ("resetting", None), "time alone does not end that"
    history.claims(BOB, wait=True)
    if first == "reset":
        history.results(reset=True)
        assert (history.state, history.deadline) == ("cooling", 30)
        history.passes(30)
    else:
        history.passes(30)
        assert (history.state, history.session.holder) == ("resetting", None)
        history.results(reset=True)
    assert history.session.holder == "bob"


@pytest.mark.parametrize("change", ["rule", "firmware"])
def test_what_need_not_be_confirmed_any_more_keeps_nobody_waiting(change: str) -> None:
    history = SessionHistory()
    history.declares(cleans=True)
    history.claims(ALICE)
    history.claims(BOB, wait=True)
    history.asks(ALICE, "release")
    if change == "rule":
        history.learns(clean="never")
    else:
        history.declares(cleans=False)
    assert history.session.holder == "bob"


def test_a_device_that_is_provisioned_anew_is_neither_dirty_nor_hot() -> None:
    history = SessionHistory(Policy(clean="always", cooling_s=30))
    history.claims(ALICE)
    history.happens(DirectoryChanged(frozenset(), frozenset(EVERYBODY), frozenset({CHANNEL})))
    history.happens(DIRECTORY)
    history.is_back()
    assert history.state == "free"
    assert history.claims(BOB)["code"] == "granted"


def test_a_channel_is_never_dirty() -> None:
    history = SessionHistory(floor=STAGE_FLOOR, rules=(("clean", "always"),))
    history.claims(ALICE)
    history.claims(BOB)
    history.asks(ALICE, "release")
    assert history.session.holder == "bob"
