"""What people ask of a device's session, and what they get."""

from typing import Any

import pytest

from backend.core.refusals import Code
from backend.features.sessions.policy import Policy
from tests.histories import DEVICE, SessionHistory
from tests.people import ALICE, BOB, CAROL, ROOT, SCALE, USERS

# Claims


def test_a_free_device_is_granted_with_a_new_fence_and_everybody_sees_it() -> None:
    history = SessionHistory()
    reply = history.claims(ALICE, type="weighing", input={"unit": "g"}, client="phone")
    assert reply == {
        "id": "c1",
        "ok": True,
        "code": "granted",
        "session": history.running.id,
        "fence": 1,
        "expires_in_s": 60.0,
    }
    (document,) = history.documents
    assert document["state"] == "active"
    assert document["in_use"] is True
    assert document["session"] == reply["session"]
    assert (document["holder"], document["holder_name"], document["client"]) == ("alice", "Alice", "phone")
    assert (document["type"], document["input"], document["output"]) == ("weighing", {"unit": "g"}, {})
    assert (document["fence"], document["reason"], document["queue"]) == (1, "claimed", [])
    assert document["expires_in_s"] == 60.0
    (event,) = history.events
    assert (event["event"], event["user"], event["fence"], event["input"]) == ("granted", "alice", 1, {"unit": "g"})


def test_the_document_goes_out_before_the_reply() -> None:
    history = SessionHistory()
    history.claims(ALICE)
    kinds = [type(said).__name__ for said in history.said]
    assert kinds.index("Publish") < kinds.index("Answer")


def test_every_grant_has_its_own_fence_and_session() -> None:
    history = SessionHistory()
    seen = set()
    for fence, who in enumerate([ALICE, ALICE, BOB, ALICE], start=1):
        reply = history.claims(who)
        assert reply["fence"] == fence
        seen.add(reply["session"])
        history.asks(who, "release")
    assert len(seen) == 4


def test_a_held_device_is_busy_for_as_long_as_the_lease_lasts() -> None:
    history = SessionHistory()
    history.claims(ALICE, lease_s=40)
    history.passes(15)
    before = history.session
    reply = history.claims(BOB)
    assert (reply["ok"], reply["code"], reply["retry_in_s"]) == (False, "busy", 25.0)
    assert "Alice" in reply["message"]
    assert history.session == before
    assert history.documents == []


def test_busy_counts_to_whatever_ends_the_session_first() -> None:
    history = SessionHistory(Policy(idle_s=30))
    history.claims(ALICE, lease_s=1000)
    assert history.claims(BOB)["retry_in_s"] == 30.0


def test_the_holder_who_claims_again_keeps_the_session_and_renews() -> None:
    history = SessionHistory()
    first = history.claims(ALICE, input={"a": 1, "b": 2})
    history.passes(30)
    again = history.claims(ALICE, input={"b": None, "c": 3}, lease_s=100)
    assert (again["session"], again["fence"], again["expires_in_s"]) == (first["session"], 1, 100.0)
    assert history.running.input == {"a": 1, "c": 3}
    assert history.queue == []


@pytest.mark.parametrize(
    ("claim", "code"),
    [
        ({"priority": 6}, Code.PRIORITY_TOO_HIGH),
        ({"priority": 6, "wait": True}, Code.PRIORITY_TOO_HIGH),
        ({"lease_s": 3600.1}, Code.LEASE_TOO_LONG),
        ({"lease_s": 3600.1, "wait": True}, Code.LEASE_TOO_LONG),
        ({"input": {"x": "y" * 64 * 1024}}, Code.TOO_LARGE),
    ],
)
@pytest.mark.parametrize("holder", [None, ALICE, BOB])
def test_a_bad_claim_is_refused_whoever_holds(claim: dict[str, Any], code: Code, holder: Any) -> None:
    history = SessionHistory()
    if holder is not None:
        history.claims(holder)
    before = history.session
    reply = history.claims(ALICE, **claim)
    assert (reply["ok"], reply["code"]) == (False, code)
    assert history.session == before


def test_a_claim_for_oneself_by_name_and_the_longest_lease_are_fine() -> None:
    history = SessionHistory()
    assert history.claims(ALICE, **{"for": "alice"}, lease_s=3600)["expires_in_s"] == 600.0, "idle comes first"


def test_a_device_may_claim_itself() -> None:
    assert SessionHistory().claims(SCALE)["code"] == "granted"


def test_input_that_grows_too_large_by_merging_is_refused() -> None:
    history = SessionHistory(Policy(max_data=100))
    history.claims(ALICE, input={"a": "x" * 60})
    for action in ("claim", "update"):
        assert history.asks(ALICE, action, input={"b": "x" * 60})["code"] == "too_large"
    assert history.running.input == {"a": "x" * 60}


# What only the holder may do


@pytest.mark.parametrize("action", ["renew", "release", "update"])
@pytest.mark.parametrize("who", [BOB, CAROL, ROOT])
def test_a_stranger_a_waiter_and_an_admin_are_not_the_holder(action: str, who: Any) -> None:
    history = SessionHistory()
    history.claims(ALICE)
    history.claims(BOB, wait=True)
    before = history.session
    keys: dict[str, Any] = {"input": {}} if action == "update" else {}
    assert history.asks(who, action, **keys)["code"] == "not_holder"
    assert history.session == before


@pytest.mark.parametrize("action", ["renew", "release", "update"])
def test_of_a_free_device_nobody_is_the_holder(action: str) -> None:
    keys: dict[str, Any] = {"input": {}} if action == "update" else {}
    assert SessionHistory().asks(ALICE, action, **keys)["code"] == "not_holder"


@pytest.mark.parametrize("action", ["renew", "release", "update"])
def test_the_holder_with_an_old_fence_means_an_old_session(action: str) -> None:
    history = SessionHistory()
    history.claims(ALICE)
    history.asks(ALICE, "release")
    history.claims(ALICE)
    keys: dict[str, Any] = {"input": {}} if action == "update" else {}
    before = history.session
    for fence in (0, 1, 3):
        assert history.asks(ALICE, action, fence=fence, **keys)["code"] == "stale_fence"
    assert history.session == before
    assert history.asks(ALICE, action, fence=2, **keys)["ok"] is True


def test_renewing_starts_the_lease_anew_from_now() -> None:
    history = SessionHistory()
    history.claims(ALICE, lease_s=30)
    history.passes(20)
    assert history.asks(ALICE, "renew")["code"] == "renewed"
    assert history.deadline == 30
    history.asks(ALICE, "renew", lease_s=50)
    assert history.deadline == 50
    history.passes(1)
    history.asks(ALICE, "renew")
    assert history.deadline == 50, "the newer length counts from then on"


def test_renewing_for_longer_than_allowed_is_refused() -> None:
    history = SessionHistory(Policy(max_lease_s=100))
    history.claims(ALICE, lease_s=30)
    history.passes(10)
    refused = history.asks(ALICE, "renew", lease_s=100.1)
    assert (refused["code"], refused["message"][-7:]) == ("lease_too_long", "(100 s)"), "it says what is allowed"
    assert history.deadline == 20


def test_renewing_is_no_activity() -> None:
    history = SessionHistory()
    history.claims(ALICE)
    history.passes(5)
    history.asks(ALICE, "renew")
    assert history.running.last_activity == history.now - 5


def test_an_update_merges_removes_nulls_renews_and_is_told() -> None:
    history = SessionHistory()
    history.claims(ALICE, input={"a": 1, "b": {"c": None}})
    history.passes(20)
    assert history.asks(ALICE, "update", input={"a": None, "d": 4})["code"] == "updated"
    assert history.running.input == {"b": {"c": None}, "d": 4}
    assert history.deadline == 60
    assert history.running.last_activity == history.now
    (event,) = history.events
    assert (event["event"], event["input"]) == ("updated", {"b": {"c": None}, "d": 4})


def test_releasing_frees_at_once_and_tells_what_came_of_it() -> None:
    history = SessionHistory()
    history.claims(ALICE, input={"unit": "g"})
    history.results(grams=5)
    history.passes(10)
    reply = history.asks(ALICE, "release")
    assert (reply["code"], reply["fence"]) == ("released", 1)
    (document,) = history.documents
    assert (document["state"], document["holder"], document["reason"]) == ("free", None, "released")
    assert (document["input"], document["output"], document["fence"]) == ({}, {}, 1)
    (event,) = history.events
    assert (event["event"], event["reason"], event["held_s"]) == ("ended", "released", 10.0)
    assert (event["input"], event["output"], event["complete"]) == ({"unit": "g"}, {"grams": 5}, False)
    assert history.claims(BOB)["code"] == "granted", "a clean release never waits"


def test_the_reply_to_a_release_names_the_released_fence_although_the_next_one_holds_already() -> None:
    history = SessionHistory()
    history.claims(ALICE)
    history.claims(BOB, wait=True)
    assert history.asks(ALICE, "release")["fence"] == 1
    assert history.answers["bob"]["fence"] == 2


# What only an admin may do


def test_an_admin_kicks_the_holder_and_the_next_one_is_served() -> None:
    history = SessionHistory()
    history.claims(ALICE)
    history.claims(BOB, wait=True)
    reply = history.asks(ROOT, "kick")
    assert (reply["code"], reply["fence"]) == ("kicked", 1)
    assert [(event["event"], event["user"]) for event in history.events] == [("ended", "alice"), ("granted", "bob")]
    assert history.session.holder == "bob"


def test_an_admin_kicks_by_name_whoever_holds_or_waits() -> None:
    history = SessionHistory()
    for who in USERS:
        history.claims(who, wait=True)
    assert history.asks(ROOT, "kick", user="carol")["code"] == "kicked"
    assert [(event["event"], event["user"], event["reason"]) for event in history.events] == [
        ("left", "carol", "kicked")
    ]
    assert history.asks(ROOT, "kick", user="alice")["code"] == "kicked"
    assert history.session.holder == "bob"
    assert history.asks(ROOT, "kick", user="carol")["code"] == "not_waiting"
    assert history.asks(ROOT, "kick")["code"] == "kicked"
    assert history.asks(ROOT, "kick")["code"] == "not_in_use", "nobody is left to be kicked"


@pytest.mark.parametrize("who", [*USERS, SCALE])
@pytest.mark.parametrize("user", [None, "alice", "bob", "carol"])
def test_nobody_else_kicks_anybody(who: Any, user: str | None) -> None:
    history = SessionHistory()
    history.claims(ALICE)
    history.claims(BOB, wait=True)
    before = history.session
    assert history.asks(who, "kick", user=user)["code"] == "forbidden"
    assert history.session == before


def test_the_device_of_the_history_is_named_in_every_refusal() -> None:
    assert DEVICE in SessionHistory().asks(ALICE, "release")["message"]
