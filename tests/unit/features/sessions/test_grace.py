"""Who is lost, holder or device, has a grace to come back to the same session; who waits has one of its own."""

import pytest

from backend.features.sessions.policy import Policy
from tests.histories import STAGE_FLOOR, SessionHistory
from tests.people import ALICE, BOB, CAROL, ROOT

GRACE = Policy(grace_s=15, lease_s=60)


# The holder


def test_a_lost_holder_holds_on_for_its_grace_and_everybody_sees_until_when() -> None:
    history = SessionHistory(GRACE)
    history.claims(ALICE)
    history.claims(BOB, wait=True)
    history.loses(ALICE)
    (document,) = history.documents
    assert (document["state"], document["in_use"], document["holder"]) == ("grace", True, "alice")
    assert document["expires_in_s"] == 15.0
    assert history.happened("user", "reason", "in_s") == [("lost", "alice", "client_lost", 15.0)]
    assert history.claims(CAROL)["retry_in_s"] == 15.0
    history.passes(14.999)
    assert history.session.holder == "alice"
    history.passes(0.001)
    assert history.endings == [("alice", "client_lost")]
    assert not history.session.timeout, "it was not the lease that ran out"
    assert history.session.holder == "bob"


def test_a_holder_that_comes_back_goes_on_with_session_fence_and_a_full_lease() -> None:
    history = SessionHistory(GRACE)
    granted = history.claims(ALICE, input={"n": 1})
    history.results(grams=5)
    history.passes(50)
    history.loses(ALICE)
    history.passes(14)
    history.finds(ALICE)
    assert history.happened("user", "reason") == [("returned", "alice", "client_lost")]
    running = history.running
    assert (running.id, running.fence, running.input, running.output) == (granted["session"], 1, {"n": 1}, {"grams": 5})
    assert history.state == "active"
    assert history.deadline == 60


@pytest.mark.parametrize("sign", ["renew", "claim", "observe", "command"])
def test_any_sign_of_life_of_a_lost_holder_ends_the_grace(sign: str) -> None:
    history = SessionHistory(GRACE)
    history.claims(ALICE)
    history.loses(ALICE)
    history.passes(10)
    if sign == "command":
        history.commands()
    else:
        history.asks(ALICE, sign)
    assert history.state == "active"
    assert history.deadline == 60


def test_a_sign_of_life_of_somebody_else_or_of_an_old_session_ends_no_grace() -> None:
    history = SessionHistory(GRACE)
    history.claims(ALICE)
    history.asks(ALICE, "release")
    history.claims(ALICE)
    history.loses(ALICE)
    history.claims(BOB)
    history.finds(BOB)
    history.commands(fence=1)
    assert history.state == "grace"


def test_the_device_may_report_while_the_holder_is_lost_but_that_does_not_bring_it_back() -> None:
    history = SessionHistory(GRACE)
    history.claims(ALICE)
    history.loses(ALICE)
    history.passes(10)
    history.results(grams=5)
    assert (history.state, history.deadline) == ("grace", 5)
    history.passes(5)
    assert history.endings == [("alice", "client_lost")]


def test_a_loss_that_is_told_twice_lasts_no_longer() -> None:
    history = SessionHistory(GRACE)
    history.claims(ALICE)
    history.loses(ALICE)
    history.passes(10)
    assert history.loses(ALICE) == []
    assert history.deadline == 5
    history.is_lost()
    assert history.happened("reason", "in_s") == [("lost", "device_lost", 5.0)]
    assert history.is_lost() == []
    assert history.deadline == 5


def test_the_grace_of_a_lease_that_would_run_out_sooner_lasts_as_long_as_any() -> None:
    history = SessionHistory(GRACE)
    history.claims(ALICE, lease_s=5)
    history.passes(4)
    history.loses(ALICE)
    assert history.deadline == 15


def test_no_grace_goes_beyond_the_longest_session() -> None:
    history = SessionHistory(Policy(grace_s=15, max_length_s=20))
    history.claims(ALICE)
    history.passes(10)
    history.loses(ALICE)
    assert history.deadline == 10
    history.passes(10)
    assert history.endings == [("alice", "expired")]


def test_without_a_grace_a_lost_holder_loses_at_once() -> None:
    history = SessionHistory(Policy(grace_s=0))
    history.claims(ALICE)
    history.claims(BOB, wait=True)
    history.loses(ALICE)
    assert [event["event"] for event in history.events] == ["lost", "ended", "granted"]
    assert history.session.holder == "bob"


def test_a_lost_holder_may_release_and_a_lost_user_that_holds_nothing_changes_nothing() -> None:
    history = SessionHistory(GRACE)
    history.claims(ALICE)
    assert history.loses(BOB) == []
    history.loses(ALICE)
    assert history.asks(ALICE, "release")["code"] == "released"
    assert history.endings == [("alice", "released")]


def test_an_admin_kicks_out_of_a_grace() -> None:
    history = SessionHistory(GRACE)
    history.claims(ALICE)
    history.loses(ALICE)
    history.asks(ROOT, "kick")
    assert history.endings == [("alice", "kicked")]


def test_a_finished_session_waits_for_nobody_to_come_back() -> None:
    """Its work is done: it is shown as long as any, and it is not the loss that ends it."""
    history = SessionHistory(Policy(grace_s=15, linger_s=10, cooling_s=30))
    history.claims(ALICE)
    history.claims(BOB, wait=True)
    history.results(complete=True)
    history.passes(4)
    history.loses(ALICE)
    assert history.deadline == 6
    history.passes(6)
    assert history.endings == [("alice", "completed")]
    assert history.session.holder == "bob"


# The device


def test_a_lost_device_has_the_same_grace_and_the_session_goes_on_when_it_is_back() -> None:
    history = SessionHistory(GRACE)
    history.claims(ALICE)
    history.passes(50)
    history.is_lost()
    assert history.happened("user", "reason", "in_s") == [("lost", "alice", "device_lost", 15.0)]
    assert history.state == "grace"
    history.passes(14)
    history.is_back()
    assert history.happened("user", "reason") == [("returned", "alice", "device_lost")]
    assert (history.state, history.session.fence, history.deadline) == ("active", 1, 60)


def test_a_device_that_stays_away_ends_the_session_and_serves_nobody() -> None:
    history = SessionHistory(GRACE)
    history.claims(ALICE)
    history.claims(BOB, wait=True)
    history.is_lost()
    history.passes(15)
    assert history.endings == [("alice", "device_lost")]
    assert (history.session.holder, history.queue) == (None, ["bob"])


@pytest.mark.parametrize("sign", ["renew", "command"])
def test_no_sign_of_life_of_the_holder_brings_the_device_back(sign: str) -> None:
    history = SessionHistory(GRACE)
    history.claims(ALICE)
    history.is_lost()
    history.passes(10)
    if sign == "command":
        history.commands()
    else:
        assert history.asks(ALICE, sign)["expires_in_s"] == 5.0
    assert (history.state, history.deadline) == ("grace", 5)


@pytest.mark.parametrize("first", ["holder", "device"])
def test_if_both_are_lost_both_must_come_back(first: str) -> None:
    history = SessionHistory(GRACE)
    history.claims(ALICE)
    losses = [lambda: history.loses(ALICE), history.is_lost]
    for loss in losses if first == "holder" else reversed(losses):
        loss()
    history.finds(ALICE)
    assert history.state == "grace"
    history.is_back()
    assert history.state == "active"


def test_the_named_ending_is_that_of_who_is_still_away() -> None:
    history = SessionHistory(GRACE)
    history.claims(ALICE)
    history.is_lost()
    history.loses(ALICE)
    history.is_back()
    history.passes(15)
    assert history.endings == [("alice", "client_lost")]


# Those who wait


def test_who_waits_and_is_lost_leaves_the_queue_and_is_told() -> None:
    history = SessionHistory()
    history.claims(ALICE)
    claim = history.claims(BOB, wait=True)
    history.claims(CAROL, wait=True)
    history.loses(BOB)
    assert history.queue == ["carol"]
    assert history.happened("user", "reason") == [("left", "bob", "client_lost")]
    assert (history.answers["bob"]["id"], history.answers["bob"]["code"]) == (claim["id"], "client_lost")


def test_who_waits_may_have_a_grace_too_is_passed_over_meanwhile_and_keeps_its_place() -> None:
    history = SessionHistory(Policy(place_grace_s=60))
    for who in (ALICE, BOB, CAROL):
        history.claims(who, wait=True)
    history.loses(BOB)
    assert (history.place["user"], history.place["away"]) == ("bob", True)
    history.asks(ALICE, "release")
    assert (history.session.holder, history.queue) == ("carol", ["bob"])
    history.passes(10)
    history.finds(BOB)
    assert history.place["away"] is False
    history.asks(CAROL, "release")
    assert history.session.holder == "bob"


def test_a_place_is_gone_when_its_grace_is_over_and_not_before() -> None:
    history = SessionHistory(Policy(place_grace_s=40))
    history.claims(ALICE, lease_s=600)
    history.claims(BOB, wait=True)
    history.loses(BOB)
    assert history.deadline == 40
    history.passes(20)
    history.loses(BOB)
    history.passes(19.999)
    assert history.queue == ["bob"]
    history.passes(0.001)
    assert history.queue == []
    assert history.answers["bob"]["code"] == "client_lost"


def test_who_is_away_does_not_keep_a_free_floor_from_others_and_gets_it_when_it_is_back() -> None:
    history = SessionHistory(Policy(place_grace_s=60))
    history.claims(ALICE)
    history.claims(BOB, wait=True)
    history.loses(BOB)
    history.asks(ALICE, "release")
    assert history.state == "free"
    assert history.claims(CAROL)["code"] == "granted"
    history.asks(CAROL, "release")
    history.finds(BOB)
    assert (history.session.holder, history.answers["bob"]["code"]) == ("bob", "granted")


def test_a_claim_of_who_is_away_is_a_return_and_is_served() -> None:
    history = SessionHistory(Policy(place_grace_s=60))
    history.claims(ALICE)
    history.claims(BOB, wait=True)
    history.loses(BOB)
    history.asks(ALICE, "release")
    history.claims(BOB)
    assert (history.session.holder, history.queue) == ("bob", [])
    assert {answer["code"] for answer in history.answers.values()} == {"granted"}


# Apps and badges


def test_two_apps_of_one_person_are_the_same_holder() -> None:
    history = SessionHistory()
    first = history.claims(ALICE, client="phone")
    second = history.claims(ALICE, client="laptop")
    assert (first["session"], first["fence"]) == (second["session"], second["fence"])
    assert history.running.claim.client == "phone", "that one asked for it"
    assert history.asks(ALICE, "release", fence=1)["code"] == "released"


def test_data_on_a_channel_are_a_sign_of_life_of_its_sender() -> None:
    history = SessionHistory(floor=STAGE_FLOOR, rules=(("grace_s", 20.0),))
    history.claims(ALICE)
    history.claims(BOB)
    history.loses(ALICE)
    history.passes(5)
    history.sends_data()
    assert history.state == "active"
    history.passes(25)
    assert history.session.holder == "alice"
