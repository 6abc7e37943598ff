"""The floor of a channel: one sender, the others wait for their turn, and nobody has to give way to nobody."""

from dataclasses import replace

import pytest

from backend.core.facts import FloorChanged, PublishRefused
from backend.core.principals import Principal, Role
from backend.core.refusals import Code
from tests.histories import DIRECTORY, STAGE_FLOOR, SessionHistory, published
from tests.people import ALICE, BOB, CAROL, ROOT

CROWD = [Principal(f"user-{number}", Role.USER, f"User {number}") for number in range(30)]


def stage(*joining: Principal) -> SessionHistory:
    """Return a channel that these join, in this order."""
    history = SessionHistory(floor=STAGE_FLOOR)
    for who in joining:
        history.claims(who)
    return history


def test_the_first_to_join_sends_and_all_others_wait_unasked() -> None:
    history = stage(ALICE)
    assert (history.session.holder, history.documents[0]["state"]) == ("alice", "active")
    reply = history.claims(BOB)
    assert (reply["ok"], reply["code"], reply["position"]) == (True, "queued", 1)
    assert history.claims(CAROL)["position"] == 2


def test_twenty_five_take_part_and_no_more() -> None:
    history = stage(*CROWD[:25])
    assert len(history.queue) == 24
    reply = history.claims(CROWD[25])
    assert (reply["ok"], reply["code"]) == (False, "queue_full")
    history.asks(CROWD[7], "leave")
    assert history.claims(CROWD[25])["position"] == 24


def test_who_may_not_wait_any_more_still_joins_an_empty_channel() -> None:
    history = SessionHistory(floor=STAGE_FLOOR, rules=(("max_queue", 0),))
    assert history.claims(ALICE)["code"] == "granted"
    assert history.claims(BOB)["code"] == "queue_full"


# Silence


def test_a_silent_sender_gives_way_and_waits_on_as_the_last() -> None:
    history = stage(ALICE, BOB, CAROL)
    assert history.deadline == 30
    history.passes(29.999)
    assert history.session.holder == "alice"
    history.passes(0.001)
    assert history.endings == [("alice", "idle")]
    assert (history.session.holder, history.queue) == ("bob", ["carol", "alice"])
    told = history.answers["alice"]
    assert (told["code"], told["position"], told["reason"]) == ("queued", 2, "idle")


def test_the_floor_goes_round_whatever_the_priorities() -> None:
    history = SessionHistory(floor=STAGE_FLOOR)
    history.claims(ALICE, priority=5)
    for who in (BOB, CAROL):
        history.claims(who, priority=0)
    holders = []
    for _ in range(6):
        holders.append(history.session.holder)
        history.passes(30)
    assert holders == ["alice", "bob", "carol"] * 2


def test_who_sends_keeps_the_floor() -> None:
    history = stage(ALICE, BOB)
    documents = 0
    for _ in range(300):
        history.passes(1)
        history.sends_data()
        documents += len(history.documents)
    assert history.session.holder == "alice"
    assert 90 <= documents <= 100, "not each message is worth a document, but each few seconds are"
    history.passes(29)
    assert history.session.holder == "alice"
    history.passes(1)
    assert history.session.holder == "bob"


def test_silence_counts_from_the_last_message_whether_it_was_shown_or_not() -> None:
    history = stage(ALICE, BOB)
    history.passes(1)
    assert history.sends_data() == []
    history.passes(29.999)
    assert history.session.holder == "alice"
    history.passes(0.001)
    assert history.session.holder == "bob"


def test_data_of_an_old_session_keep_nothing() -> None:
    history = stage(ALICE, BOB)
    history.passes(29)
    assert history.sends_data(fence=0) == []
    history.passes(1)
    assert history.session.holder == "bob"
    history.passes(29)
    history.sends_data(fence=1)
    history.passes(1)
    assert history.session.holder == "alice"


def test_data_without_a_sender_change_nothing() -> None:
    history = stage()
    assert history.sends_data() == []
    assert history.session.holder is None


def test_renewing_is_no_sending() -> None:
    history = stage(ALICE, BOB)
    history.passes(29)
    history.asks(ALICE, "renew")
    history.passes(1)
    assert history.session.holder == "bob"


# Nobody else


def test_who_is_alone_keeps_the_floor_however_silent() -> None:
    history = stage(ALICE)
    assert history.deadline is None
    assert history.documents[0]["expires_in_s"] is None
    history.passes(100_000)
    assert (history.session.holder, history.session.fence) == ("alice", 1)


def test_the_one_who_joins_gets_the_floor_of_who_was_silent_for_too_long_at_once() -> None:
    history = stage(ALICE)
    history.passes(31)
    assert history.claims(BOB)["position"] == 1
    assert (history.session.holder, history.queue) == ("bob", ["alice"])
    assert history.answers["bob"]["code"] == "granted"


def test_who_is_alone_with_somebody_who_is_away_keeps_the_floor() -> None:
    history = stage(ALICE, BOB)
    history.loses(BOB)
    history.passes(59)
    assert history.session.holder == "alice"
    history.finds(BOB)
    assert history.session.holder == "bob", "alice was silent for long enough"


# Going and coming


def test_the_floor_passes_at_once_when_the_sender_is_lost_and_its_place_is_kept_a_while() -> None:
    history = stage(ALICE, BOB, CAROL)
    history.loses(ALICE)
    assert history.endings == [("alice", "client_lost")]
    assert (history.session.holder, history.queue) == ("bob", ["carol", "alice"])
    assert [place["away"] for place in history.documents[0]["queue"]] == [False, True]
    history.passes(10)
    history.sends_data()
    history.finds(ALICE)
    history.asks(BOB, "release")
    assert (history.session.holder, history.queue) == ("carol", ["alice"])


def test_a_sender_that_stays_away_loses_its_place_too() -> None:
    history = stage(ALICE, BOB)
    history.loses(ALICE)
    history.passes(60)
    assert (history.session.holder, history.queue) == ("bob", [])
    assert history.answers["alice"]["code"] == "client_lost"


def test_a_sender_that_was_alone_has_the_floor_when_it_is_back() -> None:
    history = stage(ALICE)
    history.loses(ALICE)
    assert (history.session.holder, history.queue) == (None, ["alice"])
    history.passes(59)
    history.finds(ALICE)
    assert (history.session.holder, history.session.fence) == ("alice", 2)


def test_who_waits_and_is_lost_keeps_its_place_in_the_order() -> None:
    history = stage(ALICE, BOB, CAROL)
    history.loses(BOB)
    history.passes(10)
    history.finds(BOB)
    assert history.queue == ["bob", "carol"]


def test_who_gives_the_floor_back_takes_part_no_longer() -> None:
    history = stage(ALICE, BOB)
    history.asks(ALICE, "release")
    assert (history.session.holder, history.queue) == ("bob", [])


def test_who_is_kicked_takes_part_no_longer() -> None:
    history = stage(ALICE, BOB, CAROL)
    history.asks(ROOT, "kick")
    assert (history.session.holder, history.queue) == ("bob", ["carol"])
    history.asks(ROOT, "kick", user="carol")
    assert history.queue == []


def test_a_channel_full_to_the_last_place_loses_nobody_when_the_floor_passes_on() -> None:
    history = stage(*CROWD[:25])
    for _ in range(24):
        history.passes(30)
        assert len({history.session.holder, *history.queue}) == 25
    assert history.session.holder == "user-24"


def test_an_admin_promotes_and_demotes() -> None:
    history = stage(ALICE, BOB, CAROL)
    history.asks(ROOT, "promote", user="carol")
    assert (history.session.holder, history.queue) == ("carol", ["alice", "bob"])
    history.asks(ROOT, "demote")
    assert (history.session.holder, history.queue) == ("alice", ["bob", "carol"])


def test_an_admin_may_promote_somebody_who_is_away_and_that_one_has_to_be_there_soon() -> None:
    history = stage(ALICE, BOB, CAROL)
    history.loses(BOB)
    history.asks(ROOT, "promote", user="bob")
    assert (history.session.holder, history.queue) == ("bob", ["alice", "carol"])
    history.passes(30)
    assert history.session.holder == "alice"


def test_an_admin_that_is_away_when_its_notice_is_over_waits_as_others_do() -> None:
    history = stage(ALICE)
    history.asks(ROOT, "preempt", in_s=20)
    history.loses(ROOT)
    history.passes(20)
    assert (history.session.holder, history.session.fence, history.queue) == ("alice", 1, ["root"])
    assert history.documents[-1]["notice"] is None


def test_an_admin_takes_the_floor_and_gives_it_back() -> None:
    history = stage(ALICE, BOB)
    history.asks(ROOT, "preempt")
    assert (history.session.holder, history.queue) == ("root", ["alice", "bob"])
    history.asks(ROOT, "release")
    assert (history.session.holder, history.queue) == ("alice", ["bob"])


def test_a_sender_hands_the_floor_over() -> None:
    history = stage(ALICE, BOB, CAROL)
    history.asks(ALICE, "offer", to="carol")
    history.asks(CAROL, "accept")
    assert (history.session.holder, history.queue) == ("carol", ["bob"])


# Others


def test_others_are_told_whose_the_floor_is_and_how_many_wait() -> None:
    history = stage(ALICE, BOB)

    def told() -> list[tuple[str | None, int]]:
        return [(said.holder, said.waiting) for said in history.said if isinstance(said, FloorChanged)]

    assert told() == [("alice", 1)]
    history.sends_data()
    assert told() == []
    history.asks(ALICE, "release")
    assert told() == [("bob", 0)]
    history.asks(BOB, "release")
    assert told() == [(None, 0)]


def test_a_channel_that_is_removed_tells_everybody_and_can_come_back() -> None:
    history = stage(ALICE, BOB)
    history.happens(replace(DIRECTORY, channels=frozenset()))
    assert history.endings == [("alice", "kicked")]
    assert history.answers["bob"]["code"] == "unknown_channel"
    assert history.documents == [{}]
    assert FloorChanged(STAGE_FLOOR, None, 0) in history.said
    assert history.deadline is None
    history.happens(DIRECTORY)
    assert history.claims(CAROL)["fence"] == 2


@pytest.mark.parametrize("topic", [f"{STAGE_FLOOR}/session/request/bob"])
def test_who_was_refused_by_the_broker_is_told_on_the_channel(topic: str) -> None:
    history = stage()
    history.happens(PublishRefused(Code.FORBIDDEN, topic, "carol"))
    assert [each["code"] for each in published(history.said, f"{STAGE_FLOOR}/session/reply/carol")] == ["forbidden"]


def test_who_does_nothing_with_two_turns_in_a_row_makes_room() -> None:
    history = SessionHistory(floor=STAGE_FLOOR)
    history.claims(ALICE)
    history.claims(BOB)
    history.passes(30)
    assert (history.session.holder, history.queue) == ("bob", ["alice"])
    history.passes(30)
    assert (history.session.holder, history.queue) == ("alice", ["bob"])
    history.passes(30)
    assert (history.session.holder, history.queue) == ("bob", [])
    told = history.answers["alice"]
    assert (told["code"], told["reason"]) == ("not_waiting", "idle")


def test_who_sends_now_and_then_keeps_its_place_however_often_it_is_silent() -> None:
    history = SessionHistory(floor=STAGE_FLOOR)
    history.claims(ALICE)
    history.claims(BOB)
    for _ in range(4):
        history.passes(1)
        history.sends_data()
        history.passes(31)
    assert {history.session.holder, *history.queue} == {"alice", "bob"}
