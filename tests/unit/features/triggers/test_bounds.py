"""What is kept of a subscription is bounded, and nobody inherits it."""

import json
from dataclasses import replace

from sqlalchemy import Engine as Database
from sqlmodel import Session, select

from backend.core.clock import DAY_S
from backend.features.triggers.machine import REMEMBERED_S
from backend.features.triggers.rows import TriggerStateRow
from tests.automation import Automation
from tests.people import ALICE, EVERYBODY
from tests.unit.features.triggers.conftest import PROFILES, TRIGGERS


def test_who_gets_the_name_of_an_account_that_was_removed_gets_no_subscription_with_it(house: Automation) -> None:
    house.subscribes(ALICE, "cam1", "guard")
    house.says("cam1")
    house.does_everything()
    another = replace(ALICE, since=ALICE.since + 1.0)
    house.knows({**EVERYBODY, "alice": another})  # removed and made anew before anybody looked
    house.does_everything()
    assert "guard" not in house.trigger("cam1").subscriptions
    assert house.phases("cam1", "guard")[-1] == "end"
    house.subscribes(another, "cam1", "guard")
    house.knows({**EVERYBODY, "alice": replace(another, display_name="Alice B.")})
    assert house.subscription("cam1", "guard").owner == "alice", "it is the same account"


def test_a_subscription_survives_a_restart_with_its_owner(house: Automation) -> None:
    owner = replace(ALICE, since=7.0)
    house.knows({**EVERYBODY, "alice": owner})
    house.subscribes(owner, "cam1", "guard")
    house.restarts()
    assert house.subscription("cam1", "guard").owner_since == 7.0


def test_of_large_activations_fewer_wait(house: Automation) -> None:
    house.subscribes(ALICE, "bell", "greeter", mode="one_shot", run="queued", most=100)
    for _ in range(100):
        house.says("bell", text="x" * 10_000)
    counts = house.counts("bell", "greeter")
    assert house.document("bell", "greeter")["waiting"] == 7, "64 KiB of them, and the one that made it full"
    assert counts["dropped"] == {"queue_full": 92}
    assert counts["activations"] == 1 + 7 + 92


def test_a_broker_that_was_away_is_told_what_is_gone(house: Automation) -> None:
    house.subscribes(ALICE, "cam1", "guard")
    house.subscribes(ALICE, "hall", "guard")
    house.asks(ALICE, "cam1", "unsubscribe", profile="guard")
    house.defines({name: each for name, each in TRIGGERS.items() if name != "hall"}, PROFILES)
    cleared = {send.topic for send in house.house.engine.projection(house.house.now) if not send.payload}
    assert cleared == {
        "triggers/cam1/profiles/guard",
        "triggers/hall",
        "triggers/hall/profiles",
        "triggers/hall/profiles/guard",
    }
    house.subscribes(ALICE, "cam1", "guard")
    shown = {send.topic: send.payload for send in house.house.engine.projection(house.house.now)}
    assert json.loads(shown["triggers/cam1/profiles/guard"])["state"] == "idle"


def test_a_trigger_that_was_removed_is_forgotten_once_every_broker_heard_of_it(
    house: Automation, database: Database
) -> None:
    house.subscribes(ALICE, "cam1", "guard")
    house.says("cam1")
    first = house.run("cam1", "guard").id
    house.does_everything()
    others = {name: each for name, each in TRIGGERS.items() if name != "cam1"}
    house.defines(others, PROFILES)
    house.passes(REMEMBERED_S - 1)
    house.restarts()
    house.passes(1)
    assert "cam1" in stored(database), "what runs of it has to end first"
    house.does_everything()
    house.passes(0)
    assert stored(database) == set(others)
    assert not [each for each in house.house.engine.projection(house.house.now) if "cam1" in each.topic.split("/")]
    house.restarts()
    house.defines(TRIGGERS, PROFILES)
    house.subscribes(ALICE, "cam1", "guard")
    house.says("cam1")
    assert house.run("cam1", "guard").id != first, "no session has the id of another"


def test_it_is_forgotten_though_the_clock_was_set_back(house: Automation, database: Database) -> None:
    others = {name: each for name, each in TRIGGERS.items() if name != "cam1"}
    house.defines(others, PROFILES)
    house.house.now -= 400 * DAY_S
    house.restarts()
    house.passes(REMEMBERED_S)
    assert stored(database) == set(others)


def stored(database: Database) -> set[str]:
    """Return which triggers have a row."""
    with Session(database) as session:
        return set(session.exec(select(TriggerStateRow.trigger)))


def test_a_document_is_made_once_for_all_that_happens_together(house: Automation) -> None:
    house.subscribes(ALICE, "bell", "greeter", mode="one_shot")
    for _ in range(50):
        house.house.receive("triggers/bell", {"active": True, "data": {}})
    topic = "triggers/bell/profiles/greeter"
    (document,) = [json.loads(send.payload) for send in house.stores() if send.topic == topic]
    assert document["counts"]["activations"] == 50
