"""What triggers do is counted: how they stand, what ran, and who waits for a worker."""

import json
from collections.abc import Sequence
from typing import Any

import pytest

from backend.core.automation import ErrandDone, RunsCounted
from backend.core.desk import Desk
from backend.core.engine import Send
from backend.core.measures import Measured, TriggerCount, WorkerCount
from backend.features.triggers import feature as triggers
from backend.features.triggers.machine import TriggerSaid
from backend.features.triggers.messages import TriggerStatus
from backend.features.workers import feature as workers
from tests.house import WORKERS, House, memory_database
from tests.people import ALICE

_DO = [{"do": "wait", "seconds": 1}]


@pytest.fixture
def house() -> House:
    made = House(memory_database())
    made.defines(
        {"hall": {"owner": "alice"}, "door": {"owner": "alice"}},
        {f"profile-{number}": {"start": _DO} for number in range(WORKERS + 2)},
    )
    made.commit()
    return made


def _asks(house: House, action: str, profile: str, **keys: Any) -> None:
    body = {"action": action, "profile": profile, **keys}
    sends = house.receive(f"triggers/hall/profiles/request/{ALICE.name}", body)
    assert any(json.loads(send.payload).get("ok") for send in sends if "/reply/" in send.topic)
    house.commit()


def _says(house: House, *, active: bool) -> None:
    house.receive("triggers/hall", {"active": active})
    house.commit()


def _desk(house: House, name: str) -> Desk[Any]:
    return next(desk for desk in house.engine.desks if desk.name == name)


def _errands(house: House) -> list[triggers.Errand]:
    """Return what the shell was asked to do since the last time."""
    errands = [each for each in house.performed if isinstance(each, triggers.Errand)]
    house.performed.clear()
    return errands


def _are_done(house: House, errands: Sequence[triggers.Errand], **how: Any) -> None:
    for each in errands:
        context = each.context
        house.engine.hear(ErrandDone(context.trigger, context.profile, context.session, each.phase, **how), house.now)
    house.commit()


def _shown(house: House) -> dict[str, Any]:
    """Return `backend/stats` as it is when somebody has measured."""
    found = Measured(
        {},
        {},
        {},
        triggers=triggers.count(_desk(house, "triggers")),
        workers=workers.count(_desk(house, "workers"), house.now),
    )
    sends: list[Send] = house.engine.hear(found, house.now)
    return dict(json.loads(next(send.payload for send in sends if send.topic == "backend/stats")))


def test_it_is_counted_how_triggers_stand(house: House) -> None:
    assert triggers.count(_desk(house, "triggers")) == TriggerCount(2, 0, 0, 0, 0)
    _asks(house, "subscribe", "profile-0", mode="monitoring")
    _asks(house, "subscribe", "profile-1", mode="one_shot", run="queued")
    _says(house, active=True)
    assert triggers.count(_desk(house, "triggers")) == TriggerCount(2, 1, 2, 2, 0)
    _says(house, active=False)
    _says(house, active=True)
    assert triggers.count(_desk(house, "triggers")).waiting == 1


def test_what_ran_is_counted_also_of_subscriptions_that_are_gone(house: House) -> None:
    _asks(house, "subscribe", "profile-0", mode="one_shot")
    _says(house, active=True)
    _says(house, active=False)
    _says(house, active=True)
    errands = _errands(house)
    assert _shown(house)["triggers"] | {"started": 1, "ended": 0, "dropped": 1} == _shown(house)["triggers"]
    _are_done(house, errands, failed=1, code="timed_out", message="")
    _asks(house, "unsubscribe", "profile-0")
    shown = _shown(house)["triggers"]
    assert (shown["subscriptions"], shown["running"]) == (0, 0)
    assert (shown["started"], shown["ended"], shown["failed"], shown["dropped"]) == (1, 1, 1, 1)


def test_what_a_newer_activation_replaced_is_counted(house: House) -> None:
    _asks(house, "subscribe", "profile-0", mode="one_shot", run="latest")
    for _ in range(3):
        _says(house, active=True)
        _says(house, active=False)
    shown = _shown(house)["triggers"]
    assert (shown["started"], shown["waiting"], shown["coalesced"]) == (1, 1, 1)


def test_where_nothing_ran_nothing_is_counted(house: House) -> None:
    effects = _desk(house, "triggers").handle(
        TriggerSaid("hall", TriggerStatus(active=True), retained=False), house.now
    )
    assert house.trigger("hall").active
    assert not any(isinstance(each, RunsCounted) for each in effects)


def test_who_waits_for_a_worker_is_counted_and_for_how_long(house: House) -> None:
    for number in range(WORKERS + 2):
        _asks(house, "subscribe", f"profile-{number}", mode="one_shot")
    _says(house, active=True)
    house.passes(2.5)
    assert workers.count(_desk(house, "workers"), house.now) == WorkerCount(WORKERS, WORKERS, 2, 2.5, WORKERS, 0)
    _are_done(house, _errands(house))
    assert workers.count(_desk(house, "workers"), house.now) == WorkerCount(WORKERS, 2, 0, 0.0, WORKERS + 2, 2)
    assert _shown(house)["workers"]["waiting"] == 0
