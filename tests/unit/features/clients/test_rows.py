"""Apps of people through the engine and the journal: what a restart remembers, and whom requests keep there."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import Engine as Database

from backend.core.engine import Send
from tests.house import House, memory_database
from tests.people import ALICE, EVERYBODY

PHONE, LAPTOP = (f"users/alice/clients/{client}/status" for client in ("phone", "laptop"))
PRESENCE = "users/alice/presence"


@pytest.fixture
def database() -> Iterator[Database]:
    made = memory_database()
    yield made
    made.dispose()


def presence(sends: list[Send]) -> dict[str, Any]:
    """Return the last presence among what is sent."""
    return dict(json.loads([send.payload for send in sends if send.topic == PRESENCE][-1]))


def test_boots_and_who_was_gone_are_stored_and_the_rest_is_unknown(database: Database) -> None:
    house = House(database)
    house.receive(PHONE, {"state": "online", "boot": 7})
    house.receive(LAPTOP, {"state": "online", "boot": 2})
    house.now += 10
    house.receive(LAPTOP, {"state": "disconnected", "boot": 2})
    gone = house.user("alice").clients["laptop"]
    house.commit()
    house.now += 1000
    body = presence(house.restart())
    assert (body["state"], [(each["client"], each["state"]) for each in body["clients"]]) == (
        "unknown",
        [("laptop", "disconnected"), ("phone", "unknown")],
    )
    assert house.user("alice").clients["laptop"] == gone
    assert house.user("alice").silent_at == house.now + house.limits.heartbeat_s
    assert house.receive(PHONE, {"state": "lost", "boot": 6}) == [], "an older boot"
    assert presence(house.passes(house.limits.heartbeat_s))["state"] == "lost"


def test_who_was_gone_is_gone_since_then_after_a_restart_too(database: Database) -> None:
    house = House(database)
    house.receive(PHONE, {"state": "online"})
    house.now += 10
    before = presence(house.receive(PHONE, {"state": "disconnected"}))
    house.commit()
    house.now += 1000
    assert presence(house.restart()) == before


@pytest.mark.parametrize(
    ("status", "is_stored"),
    [
        ({"state": "online", "boot": 7}, False),
        ({"state": "lost", "boot": 7}, False),
        ({"state": "online", "boot": 8}, True),
        ({"state": "disconnected"}, True),
    ],
)
def test_only_what_a_restart_must_know_is_stored(database: Database, status: dict[str, Any], is_stored: bool) -> None:
    house = House(database)
    house.receive(PHONE, {"state": "online", "boot": 7})
    house.commit()
    house.receive(PHONE, status)
    assert bool(house.engine.changes().states) is is_stored


def test_a_request_shows_that_somebody_is_there(database: Database) -> None:
    house = House(database)
    house.receive(PHONE, {"state": "online"})
    house.commit()
    house.restart()
    for _ in range(3):
        house.now += 100
        house.asks(ALICE, "scale-1", "leave")
        assert house.user("alice").silent_at == house.now + house.limits.heartbeat_s


def test_who_only_asks_is_not_tracked(database: Database) -> None:
    house = House(database)
    house.asks(ALICE, "scale-1", "leave")
    assert house.everything()["clients"] == {}


@pytest.mark.parametrize(
    ("topic", "code"),
    [
        ("users/nobody/clients/phone/status", "unknown_principal"),
        ("users/ears/clients/phone/status", "forbidden"),
        ("users/scale-1/clients/phone/status", "forbidden"),
        ("users/alice/clients/Phone/status", "bad_id"),
    ],
)
def test_whose_app_cannot_be_there_is_refused(database: Database, topic: str, code: str) -> None:
    house = House(database)
    assert house.receive(topic, {"state": "online"}) == []
    assert house.everything()["clients"] == {}
    (counted,) = (json.loads(send.payload) for send in house.measures() if send.topic == "backend/stats")
    assert counted["refused"] == {code: 1}


def test_a_removed_account_is_forgotten_for_good(database: Database) -> None:
    house = House(database)
    house.receive(PHONE, {"state": "online", "boot": 9})
    house.commit()
    sends = house.knows({name: who for name, who in EVERYBODY.items() if who is not ALICE})
    assert {(send.topic, send.payload) for send in sends if send.topic.startswith("users/")} == {
        (PHONE, b""),
        (PRESENCE, b""),
    }
    house.commit()
    assert not [send for send in house.restart() if send.topic.startswith("users/")]
    house.knows(EVERYBODY)
    house.receive(PHONE, {"state": "disconnected", "boot": 1})
    assert house.user("alice").state == "disconnected", "another alice may count from the start"
