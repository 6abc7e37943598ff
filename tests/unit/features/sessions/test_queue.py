"""Who waits for a device: in order, answered, and served when its turn comes."""

from backend.features.sessions.policy import Policy
from tests.histories import SessionHistory
from tests.people import ALICE, BOB, CAROL


def test_waiters_are_served_in_order_and_each_is_answered_twice() -> None:
    history = SessionHistory()
    history.claims(ALICE, lease_s=40)
    history.passes(10)
    bob = history.claims(BOB, wait=True, lease_s=20)
    carol = history.claims(CAROL, wait=True)
    assert (bob["code"], bob["position"], bob["eta_s"]) == ("queued", 1, 30.0)
    assert (carol["code"], carol["position"], carol["eta_s"]) == ("queued", 2, 50.0)
    (document,) = history.documents
    assert [(place["user"], place["position"], place["eta_s"]) for place in document["queue"]] == [
        ("bob", 1, 30.0),
        ("carol", 2, 50.0),
    ]
    history.asks(ALICE, "release")
    assert history.answers["bob"] == {**history.answers["bob"], "id": bob["id"], "code": "granted", "fence": 2}
    assert history.queue == ["carol"]
    history.asks(BOB, "release")
    assert history.answers["carol"]["id"] == carol["id"]
    assert history.answers["carol"]["fence"] == 3


def test_a_waiter_gets_what_it_asked_for() -> None:
    history = SessionHistory()
    history.claims(ALICE)
    history.claims(BOB, wait=True, type="print", input={"x": 1}, lease_s=7, client="laptop")
    history.asks(ALICE, "release")
    running, claim = history.running, history.running.claim
    assert (claim.type, running.input, running.lease_s, claim.client) == ("print", {"x": 1}, 7, "laptop")


def test_who_claims_again_while_waiting_keeps_the_place_and_the_newer_wishes_count() -> None:
    history = SessionHistory()
    history.claims(ALICE)
    history.claims(BOB, wait=True, lease_s=10)
    history.claims(CAROL, wait=True)
    again = history.claims(BOB, lease_s=99, input={"n": 2})
    assert (again["code"], again["position"]) == ("queued", 1)
    assert history.queue == ["bob", "carol"]
    history.asks(ALICE, "release")
    assert history.answers["bob"]["id"] == again["id"]
    assert (history.running.lease_s, history.running.input) == (99, {"n": 2})


def test_a_full_queue_takes_nobody_more() -> None:
    history = SessionHistory(Policy(max_queue=1))
    history.claims(ALICE)
    history.claims(BOB, wait=True)
    assert history.claims(CAROL, wait=True)["code"] == "queue_full"
    assert history.claims(BOB, wait=True)["code"] == "queued"
    assert history.queue == ["bob"]


def test_leaving_the_queue() -> None:
    history = SessionHistory()
    history.claims(ALICE)
    history.claims(BOB, wait=True)
    assert history.asks(BOB, "leave")["code"] == "left"
    assert [(event["event"], event["user"], event["reason"]) for event in history.events] == [("left", "bob", "left")]
    assert history.queue == []
    assert history.asks(BOB, "leave")["code"] == "not_waiting"
    assert history.asks(ALICE, "leave")["code"] == "not_waiting", "the holder does not wait"
