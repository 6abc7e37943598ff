"""The hand-over: offered, and then accepted, declined, taken back or forgotten. Until then nothing changes."""

import pytest

from backend.features.sessions.policy import Policy
from tests.histories import SessionHistory
from tests.people import ALICE, BOB, CAROL, ROOT

LONG = Policy(lease_s=60, offer_s=30)


def offered(policy: Policy = LONG, to: str = "bob") -> SessionHistory:
    """Return a history in which Alice offers the scale."""
    history = SessionHistory(policy)
    history.claims(ALICE, type="weighing", input={"unit": "g"}, priority=2)
    history.results(grams=5)
    history.asks(ALICE, "offer", to=to)
    return history


def test_an_offer_changes_nothing_for_the_holder_and_everybody_sees_it() -> None:
    history = SessionHistory(LONG)
    history.claims(ALICE)
    history.passes(20)
    reply = history.asks(ALICE, "offer", to="bob")
    assert (reply["ok"], reply["code"], reply["expires_in_s"]) == (True, "offered", 30.0)
    (document,) = history.documents
    assert (document["state"], document["holder"], document["offered_to"]) == ("offered", "alice", "bob")
    assert (document["fence"], document["in_use"]) == (1, True)
    assert history.happened("user", "to", "in_s") == [("offered", "alice", "bob", 30.0)]
    history.commands()
    assert history.session.holder == "alice"


def test_an_offer_is_activity_of_the_holder() -> None:
    history = SessionHistory(Policy(lease_s=60, idle_s=50))
    history.claims(ALICE)
    history.passes(40)
    history.asks(ALICE, "offer", to="bob")
    history.passes(49)
    assert history.session.holder == "alice"


def test_accepting_moves_the_session_with_all_it_has_in_one_step() -> None:
    history = offered()
    session, asked = history.running.id, history.running.offer
    history.passes(10)
    reply = history.asks(BOB, "accept", client="laptop", lease_s=40)
    assert (reply["code"], reply["fence"], reply["session"], reply["expires_in_s"]) == ("granted", 2, session, 40.0)
    assert asked is not None
    assert history.told == [(asked.asked.id, "handed_over"), (reply["id"], "granted")]
    assert (history.answers["alice"]["ok"], history.answers["alice"]["fence"]) == (True, 1)
    assert history.happened("user", "reason", "fence") == [
        ("ended", "alice", "handed_over", 1),
        ("granted", "bob", None, 2),
    ]
    (document,) = history.documents
    assert (document["state"], document["holder"], document["client"]) == ("active", "bob", "laptop")
    assert (document["type"], document["input"], document["output"]) == ("weighing", {"unit": "g"}, {"grams": 5})
    assert document["offered_to"] is None
    assert history.deadline == 40


def test_whether_the_work_is_done_and_which_it_was_goes_over_too() -> None:
    history = SessionHistory(LONG)
    history.claims(ALICE)
    history.asks(ALICE, "update", input={"n": 1})
    history.results(complete=True)
    history.asks(ALICE, "offer", to="bob")
    history.asks(BOB, "accept")
    assert (history.running.job, history.running.complete) == (1, True)


def test_the_old_holder_and_the_old_fence_are_out() -> None:
    history = offered()
    history.asks(BOB, "accept")
    assert history.asks(ALICE, "renew")["code"] == "not_holder"
    assert history.asks(BOB, "renew", fence=1)["code"] == "stale_fence"
    assert history.asks(BOB, "accept")["code"] == "not_offered"


def test_the_device_need_not_be_clean_between_the_two() -> None:
    history = offered(Policy(clean="always", cooling_s=30))
    history.asks(BOB, "accept")
    assert (history.state, history.session.holder) == ("active", "bob")


@pytest.mark.parametrize("who", [ALICE, CAROL, ROOT])
def test_nobody_else_accepts(who: object) -> None:
    history = offered()
    assert history.asks(who, "accept")["code"] == "not_offered"  # type: ignore[arg-type]
    assert (history.session.holder, history.state) == ("alice", "offered")


def test_nobody_accepts_or_declines_what_is_not_offered() -> None:
    history = SessionHistory()
    for action in ("accept", "decline"):
        assert history.asks(BOB, action)["code"] == "not_offered"
    history.claims(ALICE)
    for action in ("accept", "decline"):
        assert history.asks(BOB, action)["code"] == "not_offered"


def test_only_the_holder_offers_and_only_with_its_fence() -> None:
    history = SessionHistory()
    assert history.asks(ALICE, "offer", to="bob")["code"] == "not_holder"
    history.claims(ALICE)
    assert history.asks(BOB, "offer", to="carol")["code"] == "not_holder"
    assert history.asks(ALICE, "offer", to="bob", fence=0)["code"] == "stale_fence"
    assert history.asks(ALICE, "offer", to="alice")["code"] == "already_yours"
    assert history.state == "active"


def test_the_heir_asks_for_no_longer_lease_than_allowed_and_may_try_again() -> None:
    history = offered(Policy(max_lease_s=100))
    assert history.asks(BOB, "accept", lease_s=101)["code"] == "lease_too_long"
    assert history.state == "offered"
    assert history.asks(BOB, "accept")["code"] == "granted"


def test_a_declined_offer_leaves_everything_as_it_was_and_is_told_once() -> None:
    history = offered()
    deadline = history.running.expires_at
    assert history.asks(BOB, "decline")["code"] == "declined"
    assert (history.answers["alice"]["ok"], history.answers["alice"]["code"]) == (False, "declined")
    assert history.happened("user", "to") == [("declined", "alice", "bob")]
    assert (history.state, history.session.holder, history.running.expires_at) == ("active", "alice", deadline)
    assert history.asks(BOB, "accept")["code"] == "not_offered"


def test_the_holder_takes_its_offer_back() -> None:
    history = offered()
    assert history.asks(ALICE, "decline")["code"] == "declined"
    assert history.state == "active"
    assert history.asks(BOB, "accept")["code"] == "not_offered"


def test_nobody_else_declines() -> None:
    history = offered()
    assert history.asks(CAROL, "decline")["code"] == "not_offered"
    assert history.state == "offered"


def test_an_offer_that_nobody_answers_ends_and_not_before() -> None:
    history = offered()
    assert history.deadline == 30
    history.passes(29.999)
    assert history.state == "offered"
    history.passes(0.001)
    assert (history.answers["alice"]["ok"], history.answers["alice"]["code"]) == (False, "offer_expired")
    assert history.happened("user", "to") == [("offer_expired", "alice", "bob")]
    assert (history.state, history.session.holder) == ("active", "alice")


def test_how_long_an_offer_stands_is_a_matter_of_policy() -> None:
    history = offered(Policy(offer_s=20))
    assert (history.deadline, history.documents[0]["offered_to"]) == (20, "bob")
    history.passes(20)
    assert history.state == "active"


def test_a_newer_offer_takes_the_place_of_the_older() -> None:
    history = offered(to="bob")
    older = history.running.offer
    history.passes(10)
    history.asks(ALICE, "offer", to="carol")
    assert older is not None
    assert (older.asked.id, "superseded") in history.told
    assert history.asks(BOB, "accept")["code"] == "not_offered"
    history.passes(29)
    assert history.asks(CAROL, "accept")["code"] == "granted"


@pytest.mark.parametrize("ending", ["release", "kick", "lease"])
def test_an_offer_ends_with_the_session_and_its_holder_is_told(ending: str) -> None:
    history = offered(Policy(lease_s=20, offer_s=30))
    if ending == "release":
        history.asks(ALICE, "release")
    elif ending == "kick":
        history.asks(ROOT, "kick")
    else:
        history.passes(20)
    assert "offer_expired" in [code for _id, code in history.told]
    assert history.asks(BOB, "accept")["code"] == "not_offered"


def test_two_who_hand_it_to_each_other_do_not_hold_it_longer_than_one_may() -> None:
    history = SessionHistory(Policy(max_length_s=100))
    history.claims(ALICE)
    history.claims(CAROL, wait=True)
    for giver, taker in [(ALICE, BOB), (BOB, ALICE), (ALICE, BOB)]:
        history.passes(30)
        history.asks(giver, "offer", to=taker.name)
        history.asks(taker, "accept")
    assert history.deadline == 10
    history.passes(10)
    assert history.endings == [("bob", "expired")]
    assert history.session.holder == "carol"


# Those who wait


def test_without_a_name_it_is_offered_to_the_next_who_is_there() -> None:
    history = SessionHistory(Policy(place_grace_s=60))
    history.claims(ALICE)
    assert history.asks(ALICE, "offer")["code"] == "nobody_waits"
    history.claims(BOB, wait=True)
    history.claims(CAROL, wait=True)
    history.loses(BOB)
    history.asks(ALICE, "offer")
    assert history.documents[0]["offered_to"] == "carol"


def test_an_heir_that_waits_leaves_the_queue_and_its_claim_is_answered() -> None:
    history = SessionHistory()
    history.claims(ALICE, input={"of": "alice"})
    history.claims(CAROL, wait=True)
    claim = history.claims(BOB, wait=True, input={"of": "bob"})
    history.asks(ALICE, "offer", to="bob")
    accept = history.asks(BOB, "accept")
    assert (accept["id"], "granted") in history.told
    assert (claim["id"], "granted") in history.told
    assert (history.session.holder, history.queue) == ("bob", ["carol"])
    assert history.running.input == {"of": "alice"}, "the session goes on"


def test_those_who_wait_keep_their_places() -> None:
    history = offered()
    history.claims(CAROL, wait=True)
    history.asks(BOB, "accept")
    assert history.queue == ["carol"]
    history.asks(BOB, "release")
    assert history.session.holder == "carol"


# While somebody is lost


def test_a_lost_holder_can_still_be_relieved() -> None:
    history = offered()
    history.loses(ALICE)
    assert history.state == "grace"
    assert history.asks(BOB, "accept")["code"] == "granted"
    assert (history.state, history.deadline) == ("active", 60), "nobody is lost any more"


def test_when_the_grace_is_over_so_is_the_offer() -> None:
    history = offered(Policy(grace_s=10, offer_s=30))
    history.loses(ALICE)
    history.passes(10)
    assert history.endings == [("alice", "client_lost")]
    assert history.asks(BOB, "accept")["code"] == "not_offered"


def test_a_lost_device_is_lost_for_the_heir_too() -> None:
    history = offered(Policy(grace_s=20))
    history.is_lost()
    history.passes(15)
    history.asks(BOB, "accept")
    assert (history.session.holder, history.state, history.deadline) == ("bob", "grace", 5)
    history.passes(5)
    assert history.endings == [("bob", "device_lost")]


def test_an_offer_waits_for_a_server_that_was_away() -> None:
    history = offered()
    history.restarts(after=500)
    assert history.state == "offered"
    history.asks(ALICE, "renew")
    history.passes(29)
    assert history.asks(BOB, "accept")["code"] == "granted"


def test_an_account_that_is_gone_is_not_offered_anything() -> None:
    history = offered()
    history.removes(BOB)
    assert history.state == "active"
    assert history.answers["alice"]["code"] == "offer_expired"


def test_a_session_that_goes_from_hand_to_hand_is_no_longer_than_one() -> None:
    history = SessionHistory(Policy(lease_s=100, max_length_s=100))
    history.claims(ALICE)
    history.passes(60)
    history.asks(ALICE, "offer", to="bob")
    history.asks(BOB, "accept")
    history.passes(39.9)
    assert history.session.holder == "bob"
    history.passes(0.1)
    assert history.endings == [("bob", "expired")]


def test_the_turns_that_the_giver_let_pass_are_not_the_heirs() -> None:
    history = SessionHistory(Policy(lease_s=60, idle_s=20, offer_s=30, joins=True))
    history.claims(ALICE)
    history.claims(BOB)
    history.passes(20)  # Alice did nothing with it, and waits on
    history.asks(BOB, "release")
    assert history.session.holder == "alice"
    history.asks(ALICE, "offer", to="carol")
    history.asks(CAROL, "accept")
    history.claims(BOB)
    history.passes(20)
    assert history.queue == ["carol"], "it was her first turn that passed unused"
