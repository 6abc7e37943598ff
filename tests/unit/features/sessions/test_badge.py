"""Who asks for whom: oneself, or, a badge reader on its own device, for a person. Through the whole engine."""

from collections.abc import Sequence
from typing import Any

import pytest
from sqlalchemy import Engine as Database

from backend.core.engine import Send
from backend.core.principals import Principal
from backend.features.sessions.policy import Policy
from tests.house import House, answer_to
from tests.people import ALICE, BOB, BOT, CAROL, EARS, PRINTER, ROOT, SCALE

ONLINE = {"state": "online", "boot": 1}


@pytest.fixture
def house(database: Database) -> House:
    house = House(database, Policy(place_grace_s=60))
    for device in ("scale-1", "printer-1"):
        house.receive(f"devices/{device}/status", ONLINE)
    house.commit()
    return house


def asks_for(house: House, reader: Principal, person: str, action: str = "claim", **keys: Any) -> dict[str, Any]:
    """Let a badge reader ask on the scale."""
    return house.asks(reader, "scale-1", action, **{"for": person}, **keys)


def codes(sends: Sequence[Send], who: Principal) -> str:
    """Return the code of the first answer to somebody."""
    return str(answer_to(sends, "scale-1", who)["code"])


def test_a_badge_reader_claims_for_a_person_and_is_answered_itself(house: House) -> None:
    reply = asks_for(house, SCALE, "alice", client="badge")
    assert (reply["code"], reply["fence"]) == ("granted", 1)
    running = house.session("scale-1").running
    assert running is not None
    assert (running.holder, running.claim.name, running.claim.client) == ("alice", "Alice", "badge")


def test_the_session_belongs_to_the_person_whatever_it_was_claimed_with(house: House) -> None:
    session = asks_for(house, SCALE, "alice")["session"]
    assert house.asks(ALICE, "scale-1", "claim")["session"] == session
    assert house.asks(SCALE, "scale-1", "renew")["code"] == "not_holder", "the board itself holds nothing"
    assert asks_for(house, SCALE, "alice", "renew")["code"] == "renewed"
    assert asks_for(house, SCALE, "bob", "release")["code"] == "not_holder"
    assert house.asks(ALICE, "scale-1", "release")["code"] == "released"


def test_who_waits_by_a_badge_is_told_by_the_badge_reader_when_its_turn_comes(house: House) -> None:
    house.asks(ALICE, "scale-1", "claim")
    assert asks_for(house, SCALE, "bob", wait=True, id="b1")["code"] == "queued"
    asks_for(house, SCALE, "carol", wait=True, id="c1")
    sends = house.receive("devices/scale-1/session/request/alice", {"action": "release"})
    granted = answer_to(sends, "scale-1", SCALE)
    assert (granted["id"], granted["code"]) == ("b1", "granted")
    assert house.session("scale-1").holder == "bob"


@pytest.mark.parametrize("action", ["kick", "promote", "demote", "preempt", "reset"])
def test_the_badge_of_an_admin_gives_no_orders(house: House, action: str) -> None:
    house.asks(ALICE, "scale-1", "claim")
    reply = asks_for(house, SCALE, "root", action)
    assert (reply["ok"], reply["code"]) == (False, "forbidden")
    assert house.session("scale-1").holder == "alice"


@pytest.mark.parametrize("person", ["alice", "root", "bot"])
def test_people_and_integrations_may_hold(house: House, person: str) -> None:
    assert asks_for(house, SCALE, person)["code"] == "granted"


@pytest.mark.parametrize(
    ("person", "code"),
    [("ears", "forbidden"), ("printer-1", "forbidden"), ("nobody", "unknown_principal"), ("No One", "bad_message")],
)
def test_not_everybody_may_hold(house: House, person: str, code: str) -> None:
    before = house.session("scale-1")
    reply = asks_for(house, SCALE, person)
    assert (reply["ok"], reply["code"]) == (False, code)
    assert house.session("scale-1") == before


@pytest.mark.parametrize("who", [ALICE, BOT, ROOT])
def test_nobody_else_asks_for_others(house: House, who: Principal) -> None:
    before = house.session("scale-1")
    reply = asks_for(house, who, "bob")
    assert (reply["ok"], reply["code"]) == (False, "not_yourself")
    assert house.session("scale-1") == before


@pytest.mark.parametrize("who", [ALICE, SCALE])
def test_everybody_asks_for_itself_by_name(house: House, who: Principal) -> None:
    assert asks_for(house, who, who.name)["code"] == "granted"


def test_a_badge_reader_asks_on_its_own_device_only(house: House) -> None:
    sends = house.receive("devices/scale-1/session/request/printer-1", {"action": "claim", "for": "alice"})
    assert codes(sends, PRINTER) == "forbidden"
    house.has(channels=["stage"])
    topic = "channels/stage/session/request/scale-1"
    sends = house.receive(topic, {"action": "claim", "for": "alice"})
    assert [send.topic for send in sends if b'"forbidden"' in send.payload] == ["channels/stage/session/reply/scale-1"]


def test_a_listener_asks_nothing(house: House) -> None:
    assert house.asks(EARS, "scale-1", "claim")["code"] == "forbidden"


def test_a_person_at_the_badge_reader_is_not_away_any_more(house: House) -> None:
    status = "users/alice/clients/phone/status"
    house.receive(status, ONLINE)
    house.asks(ALICE, "scale-1", "claim")
    house.receive(status, {"state": "lost", "boot": 1})
    house.passes(5)
    assert house.session("scale-1").state == "grace"
    asks_for(house, SCALE, "alice", "renew")
    assert house.session("scale-1").state == "active"


# Whom one names otherwise


@pytest.mark.parametrize(
    ("to", "code"),
    [("nobody", "unknown_principal"), ("ears", "forbidden"), ("printer-1", "forbidden"), ("alice", "already_yours")],
)
def test_a_session_is_offered_to_nobody_who_could_not_hold_it(house: House, to: str, code: str) -> None:
    house.asks(ALICE, "scale-1", "claim")
    before = house.session("scale-1")
    assert house.asks(ALICE, "scale-1", "offer", to=to)["code"] == code
    assert house.session("scale-1") == before


def test_a_badge_accepts_for_a_person_too(house: House) -> None:
    house.asks(ALICE, "scale-1", "claim")
    assert house.asks(ALICE, "scale-1", "offer", to="bob")["code"] == "offered"
    assert asks_for(house, SCALE, "carol", "accept")["code"] == "not_offered"
    assert asks_for(house, SCALE, "bob", "accept")["code"] == "granted"
    assert house.session("scale-1").holder == BOB.name


def test_what_a_person_waits_for_at_two_readers_is_one_place_each(house: House) -> None:
    house.asks(CAROL, "scale-1", "claim")
    asks_for(house, SCALE, "alice", wait=True)
    assert house.asks(ALICE, "scale-1", "claim", wait=True)["position"] == 1
    assert [waiter.user for waiter in house.session("scale-1").queue] == ["alice"]
