"""Who is served before whom: a priority is a head start, so that nobody waits for ever; and who may take over by it."""

import pytest

from backend.features.sessions.policy import Policy
from tests.histories import SessionHistory
from tests.people import ALICE, BOB, BOT, CAROL, ROOT

MINUTES = Policy(ageing_s=60, max_length_s=36000, max_lease_s=3600, idle_s=3600)
TAKING = Policy(take_over="priority")


@pytest.mark.parametrize("who", [ALICE, BOB])
def test_people_may_ask_for_as_much_as_the_policy_allows(who: object) -> None:
    history = SessionHistory(Policy(max_priority=3))
    assert history.claims(who, priority=4)["code"] == "priority_too_high"  # type: ignore[arg-type]
    assert history.claims(who, priority=3)["code"] == "granted"  # type: ignore[arg-type]


@pytest.mark.parametrize("who", [ROOT, BOT])
def test_admins_and_integrations_may_ask_for_any(who: object) -> None:
    assert SessionHistory(Policy(max_priority=0)).claims(who, priority=9)["code"] == "granted"  # type: ignore[arg-type]


def test_more_than_the_highest_is_no_priority() -> None:
    with pytest.raises(ValueError, match="less than or equal to 9"):
        SessionHistory().claims(ROOT, priority=10)


def test_a_higher_priority_goes_first_and_everybody_sees_it() -> None:
    history = SessionHistory()
    history.claims(ALICE)
    history.claims(BOB, wait=True)
    assert history.claims(CAROL, wait=True, priority=1)["position"] == 1
    assert [(place["user"], place["priority"]) for place in history.documents[0]["queue"]] == [("carol", 1), ("bob", 0)]
    history.asks(ALICE, "release")
    assert history.session.holder == "carol"


def test_of_the_same_priority_who_came_first_goes_first() -> None:
    history = SessionHistory()
    history.claims(ALICE)
    for who in (BOB, CAROL, ROOT):
        history.claims(who, wait=True, priority=2)
    assert history.queue == ["bob", "carol", "root"]


@pytest.mark.parametrize(("waited", "queue"), [(59, ["carol", "bob"]), (60, ["bob", "carol"]), (61, ["bob", "carol"])])
def test_each_step_is_worth_a_head_start_and_no_more(waited: float, queue: list[str]) -> None:
    history = SessionHistory(MINUTES)
    history.claims(ALICE, lease_s=3600)
    history.claims(BOB, wait=True)
    history.passes(waited)
    history.claims(CAROL, wait=True, priority=1)
    assert history.queue == queue


def test_nobody_starves_however_many_come_with_priority() -> None:
    history = SessionHistory(MINUTES)
    history.claims(ALICE, lease_s=3600)
    history.claims(BOB, wait=True)
    holders, others = [ALICE], [CAROL, ROOT, BOT]
    for turn in range(30):
        following = others[turn % 3]
        history.claims(following, wait=True, priority=5)
        history.passes(30)
        history.asks(holders[-1], "release")
        if history.session.holder == "bob":
            break
        holders.append(following)
    assert len(holders) == 5 * 60 / 30 + 1


def test_who_waits_and_claims_again_does_not_move() -> None:
    history = SessionHistory()
    history.claims(ALICE)
    history.claims(BOB, wait=True)
    history.claims(CAROL, wait=True, priority=1)
    assert history.claims(BOB, priority=5)["position"] == 2
    assert [place["priority"] for place in history.documents[0]["queue"]] == [1, 0]


def test_who_claims_again_has_waited_since_the_first_time() -> None:
    history = SessionHistory(MINUTES)
    history.claims(ALICE, lease_s=3600)
    first = history.claims(BOB, wait=True)
    history.passes(90)
    again = history.claims(BOB, wait=True)
    assert history.told == [(first["id"], "superseded"), (again["id"], "queued")]
    history.claims(CAROL, wait=True, priority=1)
    assert history.queue == ["bob", "carol"]


# Taking over


def test_a_higher_priority_waits_where_only_admins_may_take_over() -> None:
    history = SessionHistory()
    history.claims(ALICE)
    assert history.claims(BOB, priority=5)["code"] == "busy"
    assert history.claims(BOB, priority=5, wait=True)["code"] == "queued"


def test_a_higher_priority_takes_over_where_it_may_and_the_victim_is_the_next() -> None:
    history = SessionHistory(TAKING)
    history.claims(ALICE, priority=1)
    history.claims(CAROL, wait=True)
    reply = history.claims(BOB, priority=2)
    assert (reply["code"], reply["fence"]) == ("granted", 2)
    assert (history.session.holder, history.queue) == ("bob", ["alice", "carol"])
    assert history.endings == [("alice", "preempted")]
    assert (history.answers["alice"]["position"], history.answers["alice"]["reason"]) == (1, "preempted")


@pytest.mark.parametrize("priority", [0, 1, 2])
def test_no_more_than_the_holder_is_not_enough(priority: int) -> None:
    history = SessionHistory(TAKING)
    history.claims(ALICE, priority=2)
    assert history.claims(BOB, priority=priority)["code"] == "busy"


def test_a_session_that_was_offered_is_taken_over_all_the_same_and_the_offer_is_off() -> None:
    history = SessionHistory(TAKING)
    history.claims(ALICE)
    history.asks(ALICE, "offer", to="bob")
    history.claims(CAROL, priority=1)
    assert history.session.holder == "carol"
    assert history.asks(BOB, "accept")["code"] == "not_offered"


def test_who_takes_over_waits_as_the_first_for_a_device_that_must_be_clean() -> None:
    history = SessionHistory(Policy(take_over="priority", clean="always"))
    history.claims(ALICE)
    history.claims(CAROL, wait=True)
    assert history.claims(BOB, priority=2)["code"] == "queued"
    assert history.queue == ["bob", "alice", "carol"]
    history.results(reset=True)
    assert (history.session.holder, history.queue) == ("bob", ["alice", "carol"])


def test_an_heir_has_the_priority_of_the_session() -> None:
    history = SessionHistory(TAKING)
    history.claims(ALICE, priority=3)
    history.asks(ALICE, "offer", to="bob")
    history.asks(BOB, "accept")
    assert history.claims(CAROL, priority=3)["code"] == "busy"
    assert history.claims(CAROL, priority=4)["code"] == "granted"


def test_a_full_queue_does_not_keep_a_victim_from_its_place() -> None:
    history = SessionHistory(Policy(take_over="priority", max_queue=1))
    history.claims(ALICE)
    history.claims(CAROL, wait=True)
    history.claims(BOB, priority=1)
    assert (history.session.holder, history.queue) == ("bob", ["alice", "carol"])
    assert history.claims(ROOT, wait=True)["code"] == "queue_full"
