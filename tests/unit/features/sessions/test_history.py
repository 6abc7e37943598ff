"""The sessions that are over: kept, told on request, forgotten in the end. Through engine and journal."""

import json
from typing import Any

import pytest
from sqlalchemy import Engine as Database

from backend.core.clock import iso
from backend.core.principals import Principal
from backend.features.sessions.history import archive
from backend.shell.journal import Journal
from tests.house import House, answer_to
from tests.people import ALICE, BOB, CAROL, ROOT

DAY = 86_400.0


@pytest.fixture
def house(database: Database) -> House:
    house = House(database)
    for device in ("scale-1", "printer-1"):
        house.receive(f"devices/{device}/status", {"state": "online", "boot": 1})
    house.commit()
    return house


def remembered(house: House, who: Principal = ALICE, device: str = "scale-1", **keys: Any) -> list[dict[str, Any]]:
    """Ask for the history; return what is told."""
    house.commit()
    house.receive(f"devices/{device}/session/request/{who.name}", {"action": "history", **keys})
    reply = answer_to(house.commit(), device, who)
    assert (reply["ok"], reply["code"]) == (True, "history")
    return list(reply["sessions"])


def uses(house: House, who: Principal, seconds: float = 10, device: str = "scale-1", **claim: Any) -> dict[str, Any]:
    """Let somebody use a device for a while; return what was granted."""
    granted = house.asks(who, device, "claim", **claim)
    house.passes(seconds)
    house.asks(who, device, "release")
    return granted


def test_a_session_that_is_over_is_told_with_all_that_came_of_it(house: House) -> None:
    begun = house.now
    granted = house.asks(ALICE, "scale-1", "claim", type="weighing", input={"unit": "g"}, client="phone")
    assert remembered(house) == [], "it is not over"
    house.passes(5)
    house.receive("devices/scale-1/result", {"fence": 1, "output": {"grams": 5}, "complete": True})
    house.passes(1.5)
    house.asks(ALICE, "scale-1", "release")
    assert remembered(house) == [
        {
            "fence": 1,
            "session": granted["session"],
            "user": "alice",
            "name": "Alice",
            "client": "phone",
            "type": "weighing",
            "started_at": iso(begun),
            "ended_at": iso(begun + 6.5),
            "held_s": 6.5,
            "reason": "released",
            "input": {"unit": "g"},
            "output": {"grams": 5},
            "complete": True,
        }
    ]


def test_every_holder_of_a_session_that_was_handed_over_is_told(house: House) -> None:
    granted = house.asks(ALICE, "scale-1", "claim")
    house.asks(ALICE, "scale-1", "offer", to="bob")
    house.asks(BOB, "scale-1", "accept")
    house.asks(ROOT, "scale-1", "kick")
    found = remembered(house)
    assert [(each["user"], each["reason"], each["fence"]) for each in found] == [
        ("bob", "kicked", 2),
        ("alice", "handed_over", 1),
    ]
    assert {each["session"] for each in found} == {granted["session"]}


def test_the_newest_come_first_and_one_can_leaf_through(house: House) -> None:
    for _ in range(5):
        uses(house, ALICE)
    assert [each["fence"] for each in remembered(house)] == [5, 4, 3, 2, 1]
    assert [each["fence"] for each in remembered(house, limit=2)] == [5, 4]
    assert [each["fence"] for each in remembered(house, limit=2, before=4)] == [3, 2]
    assert remembered(house, before=1) == []


def test_everybody_may_know_who_used_what(house: House) -> None:
    uses(house, ALICE)
    uses(house, BOB, device="printer-1")
    assert [each["user"] for each in remembered(house, CAROL)] == ["alice"]
    assert [each["user"] for each in remembered(house, CAROL, "printer-1")] == ["bob"]


def test_a_channel_remembers_too(house: House) -> None:
    house.has(channels=["stage"])
    topic = "channels/stage/session"
    for action in ("claim", "release", "history"):
        house.receive(f"{topic}/request/alice", {"action": action})
    (reply,) = (json.loads(send.payload) for send in house.commit() if b'"history"' in send.payload)
    assert [(each["user"], each["reason"]) for each in reply["sessions"]] == [("alice", "released")]


@pytest.mark.parametrize("limit", [0, 101])
def test_nobody_asks_for_too_many(house: House, limit: int) -> None:
    assert house.asks(ALICE, "scale-1", "history", limit=limit)["code"] == "bad_message"


def test_a_reply_carries_as_many_as_fit_and_the_rest_is_told_on_the_next_page(house: House) -> None:
    """A session may have 64 KiB of input; a packet that is too large would end the connection."""
    for _ in range(5):
        uses(house, ALICE, input={"x": "y" * 60_000})
    first = remembered(house)
    assert [each["fence"] for each in first] == [5, 4]
    assert [each["fence"] for each in remembered(house, before=4)] == [3, 2]
    house.receive("devices/scale-1/session/request/alice", {"action": "claim", "input": {"x": "y" * 65_500}})
    house.receive("devices/scale-1/result", {"fence": 6, "output": {"x": "y" * 65_500}})
    house.asks(ALICE, "scale-1", "release")
    assert [each["fence"] for each in remembered(house)] == [6], "one in any case"


# What is stored


def test_history_survives_a_restart(house: House) -> None:
    uses(house, ALICE)
    house.commit()
    house.restart()
    assert [each["user"] for each in remembered(house)] == ["alice"]


def test_what_could_not_be_stored_was_no_session(house: House) -> None:
    uses(house, ALICE)
    house.receive("devices/scale-1/session/request/bob", {"action": "history"})
    house.fail()
    assert house.commit() == [], "who asked asks again"
    assert remembered(house) == []
    uses(house, BOB)
    assert [(each["user"], each["fence"]) for each in remembered(house)] == [("bob", 1)]


def test_a_failed_batch_leaves_what_was_there_before(house: House) -> None:
    uses(house, ALICE)
    house.commit()
    uses(house, BOB)
    house.fail()
    assert [each["user"] for each in remembered(house)] == ["alice"]


def test_a_history_that_was_asked_for_in_the_same_batch_knows_what_happened_in_it(house: House) -> None:
    uses(house, ALICE)
    house.receive("devices/scale-1/session/request/bob", {"action": "history"})
    reply = answer_to(house.commit(), "scale-1", BOB)
    assert [each["user"] for each in reply["sessions"]] == ["alice"]


def test_what_is_too_old_is_forgotten_and_the_rest_is_not(house: House, database: Database) -> None:
    house.journal = Journal(database, [archive(days=30)])
    uses(house, ALICE, seconds=10)
    uses(house, BOB, seconds=20)
    house.commit()
    house.passes(30 * DAY - 20)  # the first is 30 days old
    house.asks(CAROL, "printer-1", "claim")
    house.commit()
    assert [each["user"] for each in remembered(house)] == ["bob"]


def test_a_clock_that_is_wrong_for_a_moment_costs_no_history(house: House) -> None:
    """The server begins anew when it is set, and once more when it is right again."""
    uses(house, ALICE, seconds=10)
    house.commit()
    house.now += 400 * DAY
    house.restart()
    house.passes(599)
    house.commit()
    assert [each["user"] for each in remembered(house)] == ["alice"]
    house.passes(61)
    house.commit()
    assert remembered(house) == [], "it is so late indeed"


def test_nothing_is_forgotten_that_is_not_too_old(house: House, database: Database) -> None:
    house.journal = Journal(database, [archive(days=30)])
    uses(house, ALICE, seconds=10)
    house.passes(30 * DAY - 1)
    house.asks(CAROL, "printer-1", "claim")
    house.commit()
    assert [each["user"] for each in remembered(house)] == ["alice"]
