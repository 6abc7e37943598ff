"""What sessions hear of the rest of the house: boards that tell what they are, rules, orders, refusals that count."""

import json
from typing import Any

import pytest
from sqlalchemy import Engine as Database

from backend.core.engine import Send
from backend.core.floors import rules_of
from backend.features.sessions.policy import Policy
from tests.house import House, answer_to
from tests.people import ALICE, BOB, EVERYBODY, ROOT

INFO, RESULT = "devices/scale-1/info", "devices/scale-1/result"


@pytest.fixture
def house(database: Database) -> House:
    house = House(database, Policy(grace_s=15))
    house.receive("devices/scale-1/status", {"state": "online", "boot": 1})
    house.commit()
    return house


def document(sends: list[Send]) -> dict[str, Any]:
    """Return the last session document of the scale."""
    *_, last = (send.payload for send in sends if send.topic == "devices/scale-1/session")
    return dict(json.loads(last))


# What a board tells


@pytest.mark.parametrize("retained", [False, True])
def test_a_board_that_declares_a_clean_step_is_granted_again_when_it_is_clean(house: House, retained: bool) -> None:
    house.receive(INFO, {"model": "scale", "clean_step": True}, retained=retained)
    house.asks(ALICE, "scale-1", "claim")
    house.asks(BOB, "scale-1", "claim", wait=True, id="b")
    sends = house.receive("devices/scale-1/session/request/alice", {"action": "release"})
    assert document(sends)["state"] == "resetting"
    sends = house.receive(RESULT, {"fence": 1, "reset": True})
    assert document(sends)["holder"] == "bob"
    assert answer_to(sends, "scale-1", BOB) == {**answer_to(sends, "scale-1", BOB), "id": "b", "code": "granted"}


def test_a_board_that_tells_nothing_of_a_clean_step_has_none(house: House) -> None:
    house.receive(INFO, {"model": "scale", "clean_step": True})
    house.receive(INFO, {"model": "scale"})
    house.asks(ALICE, "scale-1", "claim")
    house.asks(ALICE, "scale-1", "release")
    assert house.session("scale-1").state == "free"


def test_what_a_board_declared_and_whether_it_is_clean_survives_a_restart(house: House) -> None:
    house.receive(INFO, {"clean_step": True})
    house.asks(ALICE, "scale-1", "claim")
    house.asks(ALICE, "scale-1", "release")
    house.commit()
    house.restart()
    assert (house.session("scale-1").state, house.session("scale-1").cleans) == ("resetting", True)


def test_a_result_of_an_older_job_is_counted_and_changes_nothing(house: House) -> None:
    house.asks(ALICE, "scale-1", "claim")
    house.asks(ALICE, "scale-1", "update", input={"n": 1})
    before = house.session("scale-1")
    house.receive(RESULT, {"fence": 1, "job": 0, "complete": True})
    assert house.session("scale-1") == before
    *_, stats = (json.loads(send.payload) for send in house.measures() if send.topic == "backend/stats")
    assert stats["refused"]["stale_job"] == 1


def test_a_board_that_is_lost_has_a_grace_and_a_heartbeat_ends_it(house: House) -> None:
    house.asks(ALICE, "scale-1", "claim")
    house.receive("devices/scale-1/status", {"state": "lost", "boot": 1})
    house.passes(2)
    assert house.session("scale-1").state == "grace"
    house.passes(10)
    house.receive("devices/scale-1/heartbeat", {})
    assert (house.session("scale-1").state, house.session("scale-1").fence) == ("active", 1)


def test_who_watches_and_whose_last_app_is_gone_is_counted_no_longer(house: House) -> None:
    status = "users/alice/clients/phone/status"
    house.receive(status, {"state": "online", "boot": 1})
    house.asks(ALICE, "scale-1", "observe")
    house.receive(status, {"state": "lost", "boot": 1})
    house.passes(5)
    assert house.session("scale-1").observers == ()


# Rules


def test_rules_of_a_floor_are_heard_of_and_survive_a_restart(house: House) -> None:
    house.has(rules={"devices/scale-1": rules_of({"lease_s": 7.0, "max_queue": 0})})
    assert house.asks(ALICE, "scale-1", "claim")["expires_in_s"] == 7.0
    assert house.asks(BOB, "scale-1", "claim", wait=True)["code"] == "queue_full"
    house.commit()
    house.restart()
    assert dict(house.session("scale-1").rules) == {"lease_s": 7.0, "max_queue": 0}


def test_rules_do_not_fall_on_others(house: House) -> None:
    house.receive("devices/printer-1/status", {"state": "online", "boot": 1})
    house.has(rules={"devices/scale-1": rules_of({"lease_s": 7.0})})
    assert house.asks(ALICE, "printer-1", "claim")["expires_in_s"] == 60.0


def test_the_shorter_time_of_a_new_rule_is_not_missed(house: House) -> None:
    """The engine asks when time alone changes something: a rule may bring that forward."""
    house.asks(ALICE, "scale-1", "claim")
    house.asks(BOB, "scale-1", "claim", wait=True)
    house.has(rules={"devices/scale-1": rules_of({"idle_s": 3.0})})
    deadline = house.engine.deadline()
    assert deadline is not None
    assert deadline <= house.now + 3
    house.passes(3)
    assert house.session("scale-1").holder == "bob"


# A batch that could not be stored


def test_a_session_goes_back_with_rules_queue_and_records(house: House) -> None:
    house.asks(ALICE, "scale-1", "claim")
    house.asks(BOB, "scale-1", "claim", wait=True)
    house.commit()
    before = house.session("scale-1")
    house.has(rules={"devices/scale-1": rules_of({"idle_s": 3.0})})
    house.passes(3)
    house.asks(ROOT, "scale-1", "preempt", in_s=40)
    assert house.engine.changes().records
    house.fail()
    assert house.session("scale-1") == before
    assert not house.engine.changes()


# Accounts and names


def test_nobody_asks_of_what_there_is_not(house: House) -> None:
    topics = {"devices/nothing": "unknown_device", "channels/nothing": "unknown_channel"}
    for floor, code in topics.items():
        (reply,) = (
            json.loads(send.payload)
            for send in house.receive(f"{floor}/session/request/alice", {"action": "claim"})
            if send.topic == f"{floor}/session/reply/alice"
        )
        assert (reply["ok"], reply["code"]) == (False, code)


def test_who_means_a_channel_is_told_how_it_is_called(house: House) -> None:
    house.has(["stage"])
    sends = house.receive("devices/stage/session/request/alice", {"action": "claim"})
    assert answer_to(sends, "stage", ALICE)["message"] == "no device stage is provisioned, but channels/stage is there"


def test_a_device_that_is_removed_and_provisioned_anew_begins_with_a_higher_fence(house: House) -> None:
    house.asks(ALICE, "scale-1", "claim")
    house.asks(BOB, "scale-1", "claim", wait=True)
    sends = house.knows({name: who for name, who in EVERYBODY.items() if name != "scale-1"})
    assert answer_to(sends, "scale-1", BOB)["code"] == "unknown_device"
    house.commit()
    house.knows(EVERYBODY)
    house.receive("devices/scale-1/status", {"state": "online", "boot": 2})
    assert house.asks(ALICE, "scale-1", "claim")["fence"] == 2


def test_a_repeated_request_is_answered_with_what_it_was_answered_last(house: House) -> None:
    house.asks(ALICE, "scale-1", "claim", id="a")
    house.asks(BOB, "scale-1", "claim", id="b", wait=True)
    house.asks(ROOT, "scale-1", "demote", id="r")
    told = house.asks(ALICE, "scale-1", "claim", id="a")
    assert (told["code"], told["position"], told["reason"]) == ("queued", 1, "preempted")
    assert house.asks(BOB, "scale-1", "claim", id="b")["code"] == "granted"
    assert house.asks(ROOT, "scale-1", "demote", id="r")["code"] == "demoted"
    assert house.session("scale-1").holder == "bob"
