"""The runs that are over: told on request, and forgotten in the end. Through engine and journal."""

import json
from typing import Any

import pytest
from sqlalchemy import Engine as Database
from sqlmodel import Session, func, select

from backend.core.clock import DAY_S, iso
from backend.core.principals import Principal
from backend.features.triggers.history import MAX_KEPT, RunRow, archive
from tests.automation import Automation
from tests.people import ALICE, BOB, CAROL

HOUR_S = 3600.0  # so often it is looked


def remembered(house: Automation, who: Principal = ALICE, trigger: str = "bell", **keys: Any) -> list[dict[str, Any]]:
    """Ask for the last runs; return what is told."""
    answer = house.asks(who, trigger, "runs", **keys)
    assert (answer["ok"], answer["code"]) == (True, "runs")
    return list(answer["runs"])


def rings(house: Automation, times: int, trigger: str = "bell") -> None:
    for _ in range(times):
        house.says(trigger)
        house.does_everything()


def test_a_run_that_is_over_is_told_with_all_that_came_of_it(house: Automation) -> None:
    house.subscribes(ALICE, "cam1", "guard")
    begun = house.house.now
    house.says("cam1")
    house.passes(1.5)
    house.does(delivered=2)
    assert remembered(house, trigger="cam1") == [], "it is not over"
    house.says("cam1", active=False)
    session = house.run("cam1", "guard").id
    house.does(delivered=1, code="unreachable")
    (run,) = remembered(house, BOB, "cam1")
    assert isinstance(run.pop("key"), int)
    assert run == {
        "profile": "guard",
        "session": session,
        "mode": "monitoring",
        "owner": "alice",
        "started_at": iso(begun),
        "ended_at": iso(begun + 1.5),
        "reason": "inactive",
        "delivered": 3,
        "code": "unreachable",
        "message": "it did not work",
    }


def test_they_are_told_in_pages_the_newest_first(house: Automation) -> None:
    house.subscribes(ALICE, "bell", "greeter", mode="one_shot")
    house.subscribes(BOB, "bell", "lamp", mode="one_shot")
    rings(house, 3)
    runs = remembered(house)
    keys = [each["key"] for each in runs]
    assert (len(runs), keys) == (6, sorted(keys, reverse=True))
    assert remembered(house, limit=2) == runs[:2]
    assert remembered(house, limit=3, before=runs[1]["key"]) == runs[2:5]
    assert remembered(house, before=runs[-1]["key"]) == []
    assert remembered(house, profile="lamp", limit=2) == [each for each in runs if each["profile"] == "lamp"][:2]


def test_runs_of_other_triggers_are_not_told(house: Automation) -> None:
    house.subscribes(ALICE, "cam1", "greeter", mode="one_shot")
    house.subscribes(ALICE, "cam10", "greeter", mode="one_shot")
    rings(house, 1, "cam10")
    assert remembered(house, trigger="cam1") == []
    assert remembered(house, trigger="cam10", profile="gree") == []


@pytest.mark.parametrize("keys", [{"limit": 0}, {"limit": 101}, {"before": "x"}])
def test_what_makes_no_sense_is_refused(house: Automation, keys: dict[str, Any]) -> None:
    assert house.asks(CAROL, "bell", "runs", **keys)["code"] == "bad_message"


def test_what_could_not_be_stored_is_not_remembered(house: Automation) -> None:
    house.subscribes(ALICE, "bell", "greeter", mode="one_shot")
    house.says("bell")
    (session,) = house.shell.at_hand
    done = house.shell.does(session, house.house.now)
    house.house.hears(done)
    house.house.fail()
    assert remembered(house) == []
    house.hears(done)
    assert len(remembered(house)) == 1


def test_it_outlives_subscription_and_server(house: Automation) -> None:
    house.subscribes(ALICE, "bell", "greeter", mode="one_shot")
    rings(house, 2)
    before = remembered(house)
    house.asks(ALICE, "bell", "unsubscribe", profile="greeter")
    house.restarts()
    assert remembered(house) == before


def test_a_subscription_keeps_so_many_and_nothing_for_ever(house: Automation, database: Database) -> None:
    house.subscribes(ALICE, "bell", "greeter", mode="one_shot")
    house.subscribes(ALICE, "bell", "lamp", mode="one_shot")
    rings(house, 1)
    row: dict[str, Any] = {
        "trigger": "bell",
        "profile": "greeter",
        "mode": "one_shot",
        "owner": "alice",
        "reason": "completed",
    }
    row |= {"started_at": house.house.now, "ended_at": house.house.now, "delivered": 1}
    with Session(database) as session:
        session.add_all(RunRow(session=f"s{number}", **row) for number in range(MAX_KEPT + 4))
        session.commit()
    house.passes(HOUR_S + 1)
    with Session(database) as session:
        kept = dict(session.exec(select(RunRow.profile, func.count()).group_by(RunRow.profile)).all())
    assert kept == {"greeter": MAX_KEPT, "lamp": 1}
    assert remembered(house, profile="greeter")[0]["session"] == f"s{MAX_KEPT + 3}", "the newest stay"
    house.passes(90 * DAY_S)
    assert remembered(house) == []


def test_how_long_it_is_kept_is_a_setting(database: Database) -> None:
    assert archive(days=1).too_old(0.0).keys() == {"runs", "surplus runs"}
    house = Automation(database)
    house.defines({"bell": {"kind": "pulse", "owner": "bot"}}, {"greeter": {"start": [{"do": "wait", "seconds": 1}]}})
    house.subscribes(ALICE, "bell", "greeter", mode="one_shot")
    rings(house, 1)
    house.passes(90 * DAY_S - 1)
    assert len(remembered(house)) == 1
    house.passes(HOUR_S + 2)
    assert json.dumps(remembered(house)) == "[]"
