"""How much one principal may ask, through the whole engine."""

from sqlalchemy import Engine as Database

from backend.features.sessions.policy import Limits
from tests.house import House
from tests.people import ALICE, BOB, CAROL

DEVICE = "scale-1"


def busy_house(database: Database, **limits: int) -> House:
    """Return a house with two devices that are there."""
    house = House(database, quotas=Limits(**limits))
    for device in ("scale-1", "printer-1"):
        house.receive(f"devices/{device}/status", {"state": "online", "boot": 1})
    return house


def test_who_asks_too_often_is_told_when_to_go_on_and_others_are_served(database: Database) -> None:
    house = busy_house(database, requests_per_minute=2)
    assert house.asks(ALICE, DEVICE, "claim", id="a")["code"] == "granted"
    assert house.asks(ALICE, DEVICE, "renew", id="b")["code"] == "renewed"
    refused = house.asks(ALICE, DEVICE, "renew", id="c")
    assert (refused["ok"], refused["code"], refused["id"]) == (False, "rate_limited", "c")
    assert 29 <= refused["retry_in_s"] <= 31
    assert house.asks(BOB, DEVICE, "claim", wait=True)["code"] == "queued"
    house.passes(refused["retry_in_s"])
    assert house.asks(ALICE, DEVICE, "renew", id="c")["code"] == "renewed", "the same request, sent again, is a new try"


def test_claims_are_counted_apart_and_a_repeated_request_is_not_counted(database: Database) -> None:
    house = busy_house(database, claims_per_minute=2)
    for _ in range(5):
        assert house.asks(ALICE, DEVICE, "claim", id="a")["code"] == "granted"
    assert house.asks(ALICE, DEVICE, "release")["code"] == "released"
    assert house.asks(ALICE, DEVICE, "claim", id="b")["code"] == "granted"
    assert house.asks(ALICE, DEVICE, "claim", id="c")["code"] == "rate_limited"
    assert house.asks(ALICE, DEVICE, "release")["code"] == "released", "other requests go on"


def test_who_waits_in_too_many_queues_can_still_claim_what_is_free(database: Database) -> None:
    house = busy_house(database, waits=1)
    house.asks(ALICE, "scale-1", "claim")
    house.asks(CAROL, "printer-1", "claim")
    assert house.asks(BOB, "scale-1", "claim", wait=True)["code"] == "queued"
    refused = house.asks(BOB, "printer-1", "claim", wait=True)
    assert (refused["ok"], refused["code"]) == (False, "too_many")
    assert house.asks(BOB, "scale-1", "claim", wait=True)["code"] == "queued", "where it waits it may ask again"
    house.asks(CAROL, "printer-1", "release")
    assert house.asks(BOB, "printer-1", "claim", wait=True)["code"] == "granted"
    house.asks(BOB, "scale-1", "leave")
    house.asks(BOB, "printer-1", "release")
    house.asks(CAROL, "printer-1", "claim")
    assert house.asks(BOB, "printer-1", "claim", wait=True)["code"] == "queued"
