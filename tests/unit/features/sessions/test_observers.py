"""Those who say that they watch are counted, and nothing else."""

import pytest

from backend.features.sessions import requests
from backend.features.sessions.policy import Policy
from tests.histories import SessionHistory
from tests.people import ALICE, BOB, CAROL


def test_who_watches_is_counted_once_and_seen_by_everybody() -> None:
    history = SessionHistory()
    reply = history.asks(ALICE, "observe", lease_s=100)
    assert (reply["ok"], reply["code"], reply["expires_in_s"]) == (True, "observing", 100.0)
    assert history.documents[0]["observers"] == 1
    history.asks(ALICE, "observe", lease_s=100)
    history.asks(BOB, "observe")
    assert history.documents[0]["observers"] == 2


def test_watching_is_neither_holding_nor_waiting() -> None:
    history = SessionHistory()
    history.asks(ALICE, "observe")
    assert history.claims(BOB)["code"] == "granted"
    assert history.asks(ALICE, "leave")["code"] == "not_waiting"
    history.asks(BOB, "observe")
    assert (history.session.holder, history.documents[0]["observers"]) == ("bob", 2)


def test_who_watches_no_longer_is_not_counted() -> None:
    history = SessionHistory()
    history.asks(ALICE, "observe")
    history.asks(BOB, "observe")
    assert history.asks(ALICE, "unobserve")["code"] == "unobserved"
    assert history.documents[0]["observers"] == 1
    assert history.asks(ALICE, "unobserve")["code"] == "not_observing"
    assert history.asks(CAROL, "unobserve")["code"] == "not_observing"


def test_watching_ends_by_itself_and_can_be_renewed() -> None:
    history = SessionHistory()
    history.asks(ALICE, "observe", lease_s=100)
    history.passes(60)
    history.asks(ALICE, "observe", lease_s=100)
    assert history.deadline == 100
    assert history.passes(99.999) == []
    history.passes(0.001)
    assert history.documents[0]["observers"] == 0
    assert history.session.observers == ()


def test_watching_lasts_as_long_as_the_longest_lease_and_no_longer() -> None:
    history = SessionHistory(Policy(max_lease_s=500))
    assert history.asks(ALICE, "observe")["expires_in_s"] == 500.0
    assert history.asks(BOB, "observe", lease_s=500.1)["code"] == "lease_too_long"


def test_who_is_gone_or_has_no_account_any_more_does_not_watch() -> None:
    history = SessionHistory()
    for who in (ALICE, BOB, CAROL):
        history.asks(who, "observe")
    history.loses(ALICE)
    assert history.documents[0]["observers"] == 2
    history.removes(BOB)
    assert history.documents[0]["observers"] == 1


def test_no_more_than_so_many_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(requests, "MAX_OBSERVERS", 2)
    history = SessionHistory()
    for who in (ALICE, BOB):
        history.asks(who, "observe")
    assert history.asks(CAROL, "observe")["code"] == "too_many"
    assert history.asks(BOB, "observe")["code"] == "observing", "who is counted already may go on"
    history.asks(ALICE, "unobserve")
    assert history.asks(CAROL, "observe")["code"] == "observing"
