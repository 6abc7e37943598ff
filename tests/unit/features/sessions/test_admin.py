"""What admins order: kick, promote, demote, preempt. Whoever loses a place or gains one is told."""

from typing import Any

import pytest

from backend.core.effects import Answer, Asked, Record
from backend.core.facts import FloorOrdered
from backend.core.principals import Principal, Role
from backend.features.sessions.asks import Preempt
from backend.features.sessions.policy import Policy
from backend.features.sessions.requests import SessionAsked
from backend.features.sessions.state import Past
from tests.histories import SCALE_FLOOR, STAGE_FLOOR, SessionHistory
from tests.people import ALICE, BOB, BOT, CAROL, ROOT, SCALE

OTHER_ROOT = Principal("root-2", Role.ADMIN, "Another operator")
ORDERS = ["promote", "demote", "preempt", "reset"]


def held(policy: Policy = Policy(), *waiting: Principal) -> SessionHistory:  # noqa: B008 - it is frozen
    """Return a history in which Alice holds."""
    history = SessionHistory(policy)
    history.claims(ALICE, lease_s=50, input={"n": 1})
    for who in waiting:
        history.claims(who, wait=True)
    return history


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("who", [ALICE, BOB, BOT, SCALE])
def test_nobody_else_orders_anything(order: str, who: Any) -> None:
    history = held(Policy(clean="always"), BOB)
    before = history.session
    assert history.asks(who, order)["code"] == "forbidden"
    assert history.session == before


# Promote


def test_promoting_gives_it_to_the_next_and_the_holder_waits_on_as_the_first() -> None:
    history = held(Policy(), BOB, CAROL)
    claim = history.running.claim.asked.id
    reply = history.asks(ROOT, "promote")
    assert (reply["ok"], reply["code"], reply["fence"]) == (True, "promoted", 2)
    assert (history.session.holder, history.queue) == ("bob", ["alice", "carol"])
    assert history.endings == [("alice", "preempted")]
    told = history.answers["alice"]
    assert (told["id"], told["code"], told["position"], told["reason"]) == (claim, "queued", 1, "preempted")
    history.asks(BOB, "release")
    assert history.session.holder == "alice"
    assert (history.running.lease_s, history.running.input) == (50, {"n": 1}), "as it was"


def test_who_waits_on_gets_back_what_it_had_and_not_what_it_once_asked_for() -> None:
    history = held(Policy(), BOB)
    history.asks(ALICE, "update", input={"n": 2, "more": True})
    history.asks(ALICE, "renew", lease_s=70)
    history.asks(ROOT, "promote")
    history.asks(BOB, "release")
    assert (history.running.lease_s, history.running.input) == (70, {"n": 2, "more": True})
    assert (history.running.output, history.running.job) == ({}, 0), "but it is another session"


def test_promoting_somebody_by_name() -> None:
    history = held(Policy(), BOB, CAROL)
    history.asks(ROOT, "promote", user="carol")
    assert (history.session.holder, history.queue) == ("carol", ["alice", "bob"])


def test_promoting_nobody_changes_nothing() -> None:
    history = held()
    before = history.session
    assert history.asks(ROOT, "promote")["code"] == "nobody_waits"
    assert history.asks(ROOT, "promote", user="bob")["code"] == "not_waiting"
    assert history.asks(ROOT, "promote", user="alice")["code"] == "not_waiting"
    assert history.session == before


@pytest.mark.parametrize("why", ["offline", "dirty"])
def test_who_is_promoted_while_nobody_can_have_it_is_the_next(why: str) -> None:
    history = held(Policy(clean="always" if why == "dirty" else "never"), BOB, CAROL)
    if why == "offline":
        history.is_lost()
    history.asks(ALICE, "release")
    history.asks(ROOT, "promote", user="carol")
    assert history.answers["carol"]["position"] == 1
    assert history.queue == ["carol", "bob"]
    if why == "offline":
        history.is_back()
    else:
        history.results(reset=True)
    assert history.session.holder == "carol"


def test_who_was_put_first_and_claims_again_is_still_the_first() -> None:
    history = held(Policy(clean="always"), BOB, CAROL)
    history.asks(ALICE, "release")
    history.asks(ROOT, "promote", user="carol")
    history.claims(CAROL, wait=True)
    history.claims(BOT, wait=True, priority=9)
    assert history.queue == ["carol", "bot", "bob"]


@pytest.mark.parametrize("order", ["promote", "preempt"])
def test_who_was_put_first_is_overtaken_by_nobody(order: str) -> None:
    """A head start is worth nothing against an order."""
    history = held(Policy(clean="always"), BOB, CAROL)
    history.asks(ALICE, "release")
    if order == "promote":
        history.asks(ROOT, "promote", user="carol")
    else:
        history.asks(ROOT, "preempt")
    first = history.queue[0]
    assert history.claims(BOT, wait=True, priority=9)["position"] == 2
    history.results(reset=True)
    assert (history.session.holder, first) == (first, {"promote": "carol", "preempt": "root"}[order])


def test_the_victim_of_an_order_is_overtaken_by_nobody_either() -> None:
    history = held(Policy(), BOB)
    history.asks(ROOT, "promote")
    history.passes(1)
    assert history.claims(BOT, wait=True, priority=9)["position"] == 2
    history.asks(BOB, "release")
    assert history.session.holder == "alice"
    history.claims(CAROL, wait=True, priority=5)
    history.asks(ALICE, "release")
    assert history.session.holder == "bot"


def test_promoting_who_is_away_never_leaves_a_free_floor_unused() -> None:
    history = SessionHistory(floor=STAGE_FLOOR)
    history.claims(ALICE)
    history.claims(BOB)
    history.loses(BOB)
    history.asks(ALICE, "release")
    history.asks(ROOT, "promote", user="bob")
    history.claims(CAROL)
    assert history.session.holder is not None


# Demote


def test_demoting_gives_it_to_the_next_and_the_holder_waits_on_as_the_last() -> None:
    history = held(Policy(), BOB, CAROL)
    history.passes(1)
    reply = history.asks(ROOT, "demote")
    assert (reply["code"], reply["fence"]) == ("demoted", 1)
    assert history.endings == [("alice", "preempted")]
    assert (history.session.holder, history.queue) == ("bob", ["carol", "alice"])
    assert (history.answers["alice"]["position"], history.answers["alice"]["reason"]) == (2, "preempted")


def test_who_is_demoted_is_the_last_whatever_its_priority() -> None:
    history = SessionHistory()
    history.claims(ALICE, priority=5)
    history.claims(BOB, wait=True)
    history.claims(CAROL, wait=True)
    history.asks(ROOT, "demote")
    assert (history.session.holder, history.queue) == ("bob", ["carol", "alice"])


def test_demoting_where_nobody_waits_ends_the_session() -> None:
    history = held(Policy(cooling_s=30))
    assert history.asks(ROOT, "demote")["code"] == "demoted"
    assert (history.state, history.queue) == ("free", [])
    assert history.asks(ROOT, "demote")["code"] == "not_in_use"


def test_demoting_where_everybody_who_waits_is_away_ends_the_session() -> None:
    history = held(Policy(place_grace_s=60), BOB)
    history.loses(BOB)
    history.asks(ROOT, "demote")
    assert (history.session.holder, history.queue) == (None, ["bob"])


# Preempt


def test_preempting_takes_it_at_once_and_the_holder_keeps_its_place() -> None:
    history = held(Policy(), BOB)
    reply = history.asks(ROOT, "preempt", type="service", input={"x": 1}, lease_s=30, client="desk")
    assert (reply["code"], reply["fence"], reply["expires_in_s"]) == ("granted", 2, 30.0)
    assert (history.session.holder, history.queue) == ("root", ["alice", "bob"])
    assert history.endings == [("alice", "preempted")]
    assert (history.answers["alice"]["code"], history.answers["alice"]["position"]) == ("queued", 1)
    (document,) = history.documents
    assert (document["type"], document["input"], document["client"]) == ("service", {"x": 1}, "desk")
    history.asks(ROOT, "release")
    assert history.session.holder == "alice"


def test_who_put_an_end_to_a_session_is_told_and_remembered() -> None:
    history = held(Policy(), BOB)
    history.asks(ROOT, "preempt", in_s=5, why="service")
    assert [event["by"] for event in history.events if event["event"] == "preempting"] == ["root"]
    history.passes(5)
    assert [event["by"] for event in history.events if event["event"] == "ended"] == ["root"]
    (past,) = (said.what for said in history.said if isinstance(said, Record))
    assert isinstance(past, Past)
    assert (past.running.holder, past.by) == ("alice", "root")
    history.asks(ROOT, "release")
    assert [event.get("by") for event in history.events if event["event"] == "ended"] == [None]


def test_preempting_without_a_place_for_the_holder() -> None:
    history = held(Policy(), BOB)
    history.asks(ROOT, "preempt", requeue=False)
    assert (history.session.holder, history.queue) == ("root", ["bob"])
    history = held(Policy(), BOB)
    history.asks(ROOT, "preempt", requeue=False, in_s=20)
    history.passes(20)
    assert (history.session.holder, history.queue) == ("root", ["bob"])


def test_a_notice_tells_the_holder_who_when_and_why_and_changes_nothing_yet() -> None:
    history = held(Policy(), BOB)
    reply = history.asks(ROOT, "preempt", in_s=40, why="fire drill")
    assert (reply["ok"], reply["code"], reply["expires_in_s"]) == (True, "preempting", 40.0)
    (document,) = history.documents
    assert document["notice"] == {"by": "root", "in_s": 40.0, "why": "fire drill"}
    assert (document["state"], document["holder"], document["expires_in_s"]) == ("active", "alice", 40.0)
    assert history.happened("user", "in_s", "why") == [("preempting", "alice", 40.0, "fire drill")]
    assert history.deadline == 40
    history.passes(39.999)
    assert history.session.holder == "alice"
    history.passes(0.001)
    assert (history.session.holder, history.queue) == ("root", ["alice", "bob"])
    assert (history.answers["root"]["id"], history.answers["root"]["code"]) == (reply["id"], "granted")
    assert history.state == "active"


def test_no_renewal_and_no_activity_moves_the_notice() -> None:
    history = held()
    history.asks(ROOT, "preempt", in_s=40)
    history.passes(30)
    assert history.asks(ALICE, "renew")["expires_in_s"] == 10.0
    history.commands()
    history.asks(ALICE, "update", input={"n": 2})
    history.passes(10)
    assert history.session.holder == "root"


def test_if_the_session_ends_before_the_notice_the_admin_is_the_next() -> None:
    for ending in ("release", "lease", "kick"):
        history = held(Policy(), BOB)
        history.asks(ROOT, "preempt", in_s=100)
        if ending == "lease":
            history.passes(50)
        else:
            history.asks({"release": ALICE, "kick": ROOT}[ending], ending)
        assert (history.session.holder, history.queue) == ("root", ["bob"])
        assert history.documents[-1]["notice"] is None


def test_if_it_ends_before_the_notice_but_has_to_cool_the_admin_waits_as_the_first() -> None:
    history = held(Policy(cooling_s=30), BOB)
    history.asks(ROOT, "preempt", in_s=100)
    history.passes(50)
    assert (history.state, history.queue) == ("cooling", ["root", "bob"])
    history.passes(30)
    assert history.session.holder == "root"


def test_the_admin_calls_it_off() -> None:
    history = held()
    asked = history.asks(ROOT, "preempt", in_s=40)
    assert history.asks(ROOT, "leave")["code"] == "left"
    assert (asked["id"], "not_waiting") in history.told
    assert history.documents[-1]["notice"] is None
    history.passes(45)
    assert history.session.holder == "alice"


def test_an_admin_that_is_removed_takes_over_nothing() -> None:
    history = held()
    history.asks(ROOT, "preempt", in_s=40)
    history.removes(ROOT)
    assert history.documents[-1]["notice"] is None
    history.passes(45)
    assert (history.session.holder, history.queue) == ("alice", [])


def test_an_admin_that_is_gone_takes_over_nothing() -> None:
    history = held()
    history.asks(ROOT, "preempt", in_s=40)
    history.loses(ROOT)
    history.passes(45)
    assert (history.session.holder, history.queue) == ("alice", [])


def test_of_two_admins_the_later_notice_counts() -> None:
    history = held()
    history.asks(ROOT, "preempt", in_s=40)
    history.asks(OTHER_ROOT, "preempt", in_s=20)
    assert history.documents[-1]["notice"]["by"] == "root-2"
    assert (history.answers["root"]["code"], history.answers["root"]["position"]) == ("queued", 2)
    history.passes(20)
    assert history.session.holder == "root-2"


def test_an_admin_that_waits_already_waits_no_longer() -> None:
    history = held(Policy(), BOB)
    claim = history.claims(ROOT, wait=True)
    history.asks(ROOT, "preempt")
    assert (claim["id"], "superseded") in history.told
    assert (history.session.holder, history.queue) == ("root", ["alice", "bob"])


def test_an_admin_that_claims_while_its_notice_runs_neither_holds_twice_nor_waits_and_holds() -> None:
    history = held()
    history.asks(ROOT, "preempt", in_s=40)
    history.claims(ROOT, wait=True)
    history.passes(40)
    assert history.session.holder == "root"
    assert "root" not in history.queue


def test_an_admin_to_whom_it_is_offered_meanwhile_has_it_and_waits_for_nothing() -> None:
    history = held()
    asked = history.asks(ROOT, "preempt", in_s=40)
    history.asks(ALICE, "offer", to="root")
    history.asks(ROOT, "accept")
    granted = [each.asked.id for each in history.said if isinstance(each, Answer) and each.body.code == "granted"]
    assert asked["id"] in granted, "everybody who asked is told"
    assert (history.session.holder, history.queue) == ("root", [])
    assert history.documents[-1]["notice"] is None
    history.passes(40)
    assert (history.session.holder, history.session.fence) == ("root", 2)


def test_nobody_escapes_a_notice_by_handing_over() -> None:
    history = held()
    history.asks(ROOT, "preempt", in_s=40)
    history.asks(ALICE, "offer", to="bob")
    history.asks(BOB, "accept")
    assert history.documents[-1]["notice"]["by"] == "root"
    history.passes(40)
    assert (history.session.holder, history.queue) == ("root", ["bob"])


def test_who_is_promoted_while_a_notice_runs_has_it_until_then() -> None:
    history = held(Policy(), BOB)
    asked = history.asks(ROOT, "preempt", in_s=40)
    history.asks(OTHER_ROOT, "promote", user="bob")
    assert history.session.holder == "bob"
    history.passes(60)
    assert history.session.holder == "root"
    answers = [each for each in history.ever_said if isinstance(each, Answer) and each.asked.id == asked["id"]]
    assert [each.body.code for each in answers] in (["preempting", "granted"], ["preempting", "queued", "granted"])


def test_preempting_what_nobody_holds_is_a_claim_that_comes_first() -> None:
    history = SessionHistory()
    assert history.asks(ROOT, "preempt", in_s=40)["code"] == "granted"
    history = held(Policy(clean="always"), BOB)
    history.asks(ALICE, "release")
    assert history.asks(ROOT, "preempt")["code"] == "queued"
    assert history.queue == ["root", "bob"]
    history.results(reset=True)
    assert history.session.holder == "root"


def test_a_preemption_that_waits_and_is_repeated_after_its_answer_is_forgotten_waits_on() -> None:
    history = held(Policy(clean="always"))
    history.asks(ALICE, "release")
    history.asks(ROOT, "preempt")
    (waiter,) = history.session.queue
    history.happens(SessionAsked(history.session.floor, ROOT, waiter.asked, Preempt(action="preempt"), None))
    assert history.told == [(waiter.asked.id, "queued")]
    assert history.queue == ["root"]


@pytest.mark.parametrize(
    ("keys", "code"),
    [({"lease_s": 3601}, "lease_too_long"), ({"input": {"x": "y" * 64 * 1024}}, "too_large")],
)
def test_a_bad_preemption_is_refused_and_the_holder_holds(keys: dict[str, Any], code: str) -> None:
    history = held()
    before = history.session
    assert history.asks(ROOT, "preempt", **keys)["code"] == code
    assert history.session == before


def test_nobody_preempts_itself() -> None:
    history = SessionHistory()
    history.claims(ROOT)
    assert history.asks(ROOT, "preempt")["code"] == "already_yours"


def test_a_preempted_holder_that_is_lost_keeps_no_place() -> None:
    history = held(Policy(grace_s=60))
    history.loses(ALICE)
    history.asks(ROOT, "preempt")
    assert (history.session.holder, history.queue) == ("root", [])
    assert history.answers["alice"]["code"] == "client_lost"


# The policy


@pytest.mark.parametrize("order", ["promote", "demote", "preempt"])
def test_where_nobody_may_take_over_no_admin_does_either(order: str) -> None:
    history = held(Policy(take_over="never"), BOB)
    before = history.session
    assert history.asks(ROOT, order)["code"] == "forbidden"
    assert history.session == before


def test_where_nobody_may_take_over_an_admin_can_still_put_an_end_to_it() -> None:
    history = held(Policy(take_over="never"), BOB)
    assert history.asks(ROOT, "kick")["code"] == "kicked"
    assert history.session.holder == "bob"


def test_where_nobody_may_take_over_the_order_of_those_who_wait_is_still_the_admins() -> None:
    history = held(Policy(take_over="never", clean="always"), BOB, CAROL)
    history.asks(ALICE, "release")
    assert history.asks(ROOT, "promote", user="carol")["code"] == "promoted"
    assert history.queue == ["carol", "bob"]


# Ordered elsewhere


@pytest.mark.parametrize(
    ("action", "user", "code", "holder"),
    [
        ("kick", None, "kicked", "bob"),
        ("kick", "bob", "kicked", "alice"),
        ("kick", "carol", "not_waiting", "alice"),
        ("promote", "bob", "promoted", "bob"),
        ("demote", None, "demoted", "bob"),
    ],
)
def test_an_order_from_elsewhere_is_obeyed_and_answered_there(action: Any, user: str, code: str, holder: str) -> None:
    history = held(Policy(), BOB)
    asked = Asked("backend/request/root", "backend/reply/root", "r1")
    said = history.happens(FloorOrdered(SCALE_FLOOR, ROOT, asked, action, user))
    assert [each.body.code for each in said if isinstance(each, Answer) and each.asked == asked] == [code]
    assert history.session.holder == holder


def test_an_order_from_elsewhere_of_somebody_else_is_refused() -> None:
    history = held(Policy(), BOB)
    before = history.session
    asked = Asked("backend/request/bob", "backend/reply/bob", "r1")
    said = history.happens(FloorOrdered(SCALE_FLOOR, BOB, asked, "promote", "bob"))
    assert [each.body.code for each in said if isinstance(each, Answer)] == ["forbidden"]
    assert history.session == before
