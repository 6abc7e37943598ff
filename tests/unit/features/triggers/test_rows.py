"""A trigger as a row: it comes back as it was, but for what the directory tells anew."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.features.triggers import rows
from backend.features.triggers.definitions import trigger_definition
from backend.features.triggers.plan import Plan
from backend.features.triggers.state import Counts, Failure, Last, Run, Subscription, Trigger
from tests.automation import Automation
from tests.people import ALICE, BOB
from tests.strategies import json_objects

moments = st.none() | st.floats(0, 2e9)
failures = st.none() | st.builds(Failure, st.just("timed_out"), st.text(max_size=5), st.floats(0, 2e9))
runs = st.builds(
    Run,
    id=st.uuids().map(str),
    state=st.sampled_from(["starting", "running", "completing"]),
    since=st.floats(0, 2e9),
    started_at=st.floats(0, 2e9),
    data=json_objects(),
    phase=st.sampled_from([None, "start", "repeat", "end"]),
    admitted=st.booleans(),
    begun=st.booleans(),
    ending=st.sampled_from([None, "inactive", "stopped"]),
    next_at=moments,
    ends_at=moments,
    failure=failures,
    repetition=st.integers(0, 9),
)
plans = st.sampled_from(
    [
        Plan(mode="one_shot", run="queued", most=3, cooldown_s=5),
        Plan.model_validate(
            {
                "mode": "monitoring",
                "every_s": 2,
                "when": [{"field": "$.t", "op": ">", "value": 3, "until": 2.5}],
                "windows": [{"days": ["mon"], "begin": "22:00", "end": "06:00"}],
                "config": {"deep": [{"a": None}]},
            }
        ),
    ]
)
subscriptions = st.builds(
    Subscription,
    profile=st.just("guard"),
    owner=st.just("alice"),
    plan=plans,
    since=st.floats(0, 2e9),
    met=st.lists(st.booleans(), max_size=2).map(tuple),
    holds_since=moments,
    active=st.booleans(),
    stopped=st.booleans(),
    runs=st.lists(runs, max_size=3).map(tuple),
    waiting=st.lists(json_objects(), max_size=2).map(tuple),
    number=st.integers(0, 99),
    counts=st.builds(Counts, activations=st.integers(0, 9), dropped=st.just((("cooldown", 2), ("running", 1)))),
    delivered_at=moments,
    failure=failures,
    last=st.none() | st.just(Last("an-id", "inactive", 5.0, 1.0)),
    leaving=st.sampled_from([None, "removed"]),
)
definitions: list[dict[str, Any]] = [
    {"owner": "scale-1"},
    {"source": {"topic": "a/+", "path": "$.x", "active": ["ON", 1], "inactive": [None]}, "off_after_s": 5},
    {"kind": "pulse", "name": "Ä"},
]
triggers = st.builds(
    Trigger,
    id=st.just("cam1"),
    known=st.booleans(),
    definition=st.sampled_from(definitions).map(trigger_definition),
    active=st.booleans(),
    since=moments,
    data=json_objects(),
    reason=st.sampled_from([None, "owner_lost"]),
    subscriptions=st.none().flatmap(lambda _: subscriptions.map(lambda each: {each.profile: each})),
    numbers=st.dictionaries(st.just("lamp"), st.integers(0, 9)),
)


def back(trigger: Trigger) -> Trigger:
    """Return what is read of what is written."""
    (row,) = rows.dump([trigger])
    return rows._interrupted(rows._STATE.validate_json(row["state"]))


@given(triggers)
def test_it_comes_back_as_it_was(trigger: Trigger) -> None:
    found = back(trigger)
    assert rows.dump([found])[0]["trigger"] == "cam1"
    each, was = found.subscriptions["guard"], trigger.subscriptions["guard"]
    assert each.met == was.met
    assert [run.interrupted for run in each.runs] == [run.phase is not None for run in was.runs]
    same = replace(each, runs=tuple(replace(run, interrupted=False) for run in each.runs))
    assert replace(found, subscriptions={"guard": same}) == trigger


def test_what_profiles_do_is_stored_once(house: Automation) -> None:
    """It may hold the password of a webhook."""
    house.defines(
        {"cam1": {"owner": "scale-1"}},
        {"hook": {"start": [{"do": "webhook", "url": "http://x.example", "headers": {"Authorization": "secret"}}]}},
    )
    house.subscribes(ALICE, "cam1", "hook")
    house.says("cam1")
    (row,) = rows.dump([house.trigger("cam1")])
    assert "secret" not in row["state"]
    assert "webhook" not in row["state"]


@pytest.mark.parametrize("phase", ["start", "idle"])
def test_a_restart_brings_back_what_is_known(house: Automation, phase: str) -> None:
    house.subscribes(ALICE, "cam1", "guard", every_s=5.0, when=[{"field": "$.t", "op": ">", "value": 3, "until": 1}])
    house.subscribes(BOB, "cam1", "lamp", mode="one_shot", cooldown_s=60.0)
    house.says("cam1", t=5)
    if phase == "idle":
        house.does_everything()
    before = house.trigger("cam1")
    house.restarts()
    after = house.trigger("cam1")
    assert (after.active, after.data, after.since) == (True, {"t": 5}, before.since)
    assert after.subscriptions["guard"].definition == before.subscriptions["guard"].definition
    if phase == "idle":
        assert after == before


def test_readings_that_change_nothing_are_not_stored(house: Automation) -> None:
    """A trigger may tell them many times a second; what holds by hysteresis holds after a restart all the same."""
    house.subscribes(ALICE, "cam1", "guard", when=[{"field": "$.t", "op": ">", "value": 3, "until": 1}])
    house.says("cam1", t=5)
    house.house.receive("triggers/cam1", {"active": True, "data": {"t": 2}})
    assert not house.house.engine.changes()
    house.stores()
    house.restarts()
    assert house.subscription("cam1", "guard").active
    house.says("cam1", t=2, retained=True)
    assert house.subscription("cam1", "guard").active
