"""Messages of any topic become what triggers sense."""

import asyncio
from collections.abc import Callable, Collection
from typing import Any

import pytest

from backend.app.table import TABLE
from backend.core.automation import TriggerSensed
from backend.core.engine import Arrived
from backend.core.facts import Fact, MessageRefused
from backend.core.refusals import Code
from backend.shell.sources import MOST, PER_S, Sources

Definitions = dict[str, dict[str, Any]]

PIR = {"source": {"topic": "zigbee2mqtt/hall", "path": "$.occupancy"}}
LIGHT = {"source": {"topic": "zigbee2mqtt/hall", "path": "$.illuminance_state", "active": ["dark"]}}
ANY_SWITCH = {"source": {"topic": "stat/+/POWER"}}
BUTTON = {"kind": "pulse", "source": {"topic": "buttons/+"}}
SCALE = {"source": {"topic": "devices/scale-1/telemetry", "path": "$.full"}}
PRESENCE = {"source": {"topic": "devices/+/presence", "path": "$.state"}}


class House:
    """Sources, and what they tell and listen to."""

    def __init__(self, **triggers: dict[str, Any]) -> None:
        self.facts: list[Fact | Arrived] = []
        self.now = 0.0
        self.due: list[tuple[float, Callable[[], None]]] = []
        self.listened: list[tuple[set[str], set[str]]] = []
        self.sources = Sources(self.facts.append, TABLE, "", lambda: self.now, self._later)
        self.sources.listen = self._listen
        self.know(triggers)

    async def _listen(self, filters: Collection[str], fresh: Collection[str]) -> None:
        self.listened.append((set(filters), set(fresh)))

    def _later(self, after: float, do: Callable[[], None]) -> None:
        self.due.append((self.now + after, do))

    def passes(self, seconds: float) -> None:
        """Let time pass."""
        self.now += seconds
        due, self.due = [do for at, do in self.due if at <= self.now], [each for each in self.due if each[0] > self.now]
        for do in due:
            do()

    def know(self, triggers: Definitions) -> None:
        asyncio.run(self.sources.know(triggers))

    def take(self, topic: str, payload: bytes, *, retained: bool = False) -> bool:
        """Let a message arrive; tell whether it is the sources' alone."""
        return self.sources.take(Arrived(topic, payload, retained)) is not None


def test_all_triggers_of_a_topic_hear_a_message() -> None:
    house = House(pir=PIR, light=LIGHT, switch=ANY_SWITCH)
    assert house.take("zigbee2mqtt/hall", b'{"occupancy": true, "illuminance_state": "bright"}')
    data = {"occupancy": True, "illuminance_state": "bright"}
    assert house.facts == [TriggerSensed("pir", True, data), TriggerSensed("light", False, data)]


def test_wildcards_and_a_topic_that_only_looks_alike() -> None:
    house = House(switch=ANY_SWITCH)
    assert house.take("stat/lamp/POWER", b"ON")
    assert house.take("stat/lamp/POWER/1", b"ON"), "nobody else's either"
    assert house.facts == [TriggerSensed("switch", True, {"value": "ON"})]


def test_an_endless_topic_is_nobodys() -> None:
    house = House(all={"source": {"topic": "stat/#"}})
    assert house.take("stat/" + "x" * 2000, b"ON")
    assert not house.take("devices/" + "x" * 2000, b"ON"), "it is refused there"
    assert house.facts == []


def test_what_the_backend_reads_goes_on_to_it() -> None:
    house = House(scale=SCALE, here=PRESENCE)
    assert not house.take("devices/scale-1/telemetry", b'{"full": true}')
    assert not house.take("devices/scale-2/telemetry", b'{"full": true}')
    assert not house.take("devices//telemetry", b"{}"), "it is refused there"
    assert house.take("devices/scale-1/presence", b'{"state": "online"}'), "what it says itself does not"
    assert house.facts == [
        TriggerSensed("scale", True, {"full": True}),
        TriggerSensed("here", True, {"state": "online"}),
    ]


def test_a_retained_message_is_a_state_but_no_pulse() -> None:
    house = House(pir=PIR, button=BUTTON)
    house.take("zigbee2mqtt/hall", b'{"occupancy": true}', retained=True)
    house.take("buttons/door", b"single", retained=True)
    assert house.facts == [TriggerSensed("pir", True, {"occupancy": True}, retained=True)]
    house.take("buttons/door", b"single")
    assert house.facts[1:] == [TriggerSensed("button", True, {"value": "single"})]


def test_a_topic_that_is_cleared_says_nothing_but_where_that_is_a_value() -> None:
    emptied = {"source": {"topic": "zigbee2mqtt/hall", "inactive": [""]}}
    house = House(pir=PIR, emptied=emptied)
    assert house.take("zigbee2mqtt/hall", b"")
    assert house.facts == [TriggerSensed("emptied", False, {"value": ""})]


@pytest.mark.parametrize(
    ("payload", "code"),
    [(b"\xff", Code.BAD_MESSAGE), (b"{", Code.BAD_JSON), (b"9" * 20_000, Code.TOO_LARGE)],
)
def test_what_cannot_be_read_is_counted_and_the_next_is_heard(payload: bytes, code: Code) -> None:
    house = House(pir=PIR)
    assert house.take("zigbee2mqtt/hall", payload)
    house.take("zigbee2mqtt/hall", b'{"occupancy": false}')
    refused, sensed = house.facts
    assert isinstance(refused, MessageRefused)
    assert (refused.code, refused.topic) == (code, "zigbee2mqtt/hall")
    assert "trigger pir" in refused.detail
    assert sensed == TriggerSensed("pir", False, {"occupancy": False})


def test_it_listens_to_what_there_is_and_hears_the_rest_no_more() -> None:
    house = House(pir=PIR, owned={"owner": "alice"})
    house.know({"pir": PIR})
    house.know({"pir": PIR, "light": LIGHT, "switch": ANY_SWITCH})
    house.know({"switch": ANY_SWITCH})
    assert house.listened == [
        ({"zigbee2mqtt/hall"}, {"zigbee2mqtt/hall"}),
        ({"zigbee2mqtt/hall", "stat/+/POWER"}, {"zigbee2mqtt/hall", "stat/+/POWER"}),
        ({"stat/+/POWER"}, set()),
    ]
    house.take("zigbee2mqtt/hall", b'{"occupancy": true}')
    assert house.facts == []


def test_a_source_that_may_not_be_one_is_left_out(caplog: pytest.LogCaptureFixture) -> None:
    commands = {"source": {"topic": "devices/scale-1/command/tare"}}
    house = House(spy=commands, all={"source": {"topic": "#"}}, broken={"source": 1}, pir=PIR)
    assert house.listened == [({"zigbee2mqtt/hall"}, {"zigbee2mqtt/hall"})]
    assert not house.take("devices/scale-1/command/tare", b"{}")
    assert house.facts == []
    assert "the trigger spy hears nothing" in caplog.text


# What is too often

OWNED = {"owner": "pir-1"}


def test_of_a_level_that_flaps_the_newest_always_comes() -> None:
    house = House(pir=PIR)
    for number in range(5000):
        house.take("zigbee2mqtt/hall", b'{"occupancy": %s}' % (b"true", b"false")[number % 2])
    assert len(house.facts) == MOST, "those that are let through at once"
    house.passes(1.0)
    assert house.facts[-1] == TriggerSensed("pir", False, {"occupancy": False}), "the last word"
    assert len(house.facts) == MOST + 1
    assert not house.due


def test_what_is_said_besides_does_not_hide_the_last_word() -> None:
    house = House(pir=PIR)
    for _ in range(int(MOST)):
        house.take("zigbee2mqtt/hall", b'{"occupancy": true}')
    house.take("zigbee2mqtt/hall", b'{"occupancy": false}')
    house.take("zigbee2mqtt/hall", b'{"battery": 7}')
    house.passes(1.0)
    assert house.facts[-1] == TriggerSensed("pir", False, {"battery": 7})


def test_a_newer_word_supersedes_the_one_that_waits() -> None:
    house = House(pir=PIR)
    for _ in range(int(MOST) + 1):
        house.take("zigbee2mqtt/hall", b'{"occupancy": true}')
    house.now += 1.0  # the late one is due, and did not come yet
    house.take("zigbee2mqtt/hall", b'{"occupancy": false}')
    house.passes(0.0)
    assert house.facts[-1] == TriggerSensed("pir", False, {"occupancy": False})
    assert len(house.facts) == MOST + 1


def test_pulses_beyond_what_anybody_can_do_are_refused_and_counted() -> None:
    house = House(button=BUTTON)
    for _ in range(int(MOST) + 3):
        house.take("buttons/red", b"pressed")
    refused = [fact.code for fact in house.facts if isinstance(fact, MessageRefused)]
    assert refused == [Code.RATE_LIMITED] * 3
    house.now += 1.0
    assert house.take("buttons/red", b"pressed")
    assert isinstance(house.facts[-1], TriggerSensed), f"{PER_S} come again each second"


def test_one_trigger_that_is_too_loud_silences_no_other() -> None:
    house = House(pir=PIR, button=BUTTON)
    for _ in range(1000):
        house.take("zigbee2mqtt/hall", b'{"occupancy": true}')
    house.take("buttons/red", b"pressed")
    assert house.facts[-1] == TriggerSensed("button", True, {"value": "pressed"})


def test_the_word_of_an_owner_is_bounded_likewise() -> None:
    house = House(hall=OWNED)
    for number in range(1001):
        assert house.take("triggers/hall", b'{"active": %s}' % (b"true", b"false")[number % 2])
    house.passes(1.0)
    assert house.facts[-1] == Arrived("triggers/hall", b'{"active": true}')
    assert len(house.facts) == MOST + 1


def test_what_the_backend_says_of_a_source_is_no_news_to_it() -> None:
    house = House(pir=PIR)
    assert house.take("triggers/pir", b'{"active": true}')
    assert not house.facts


def test_of_a_trigger_that_there_is_not_the_engine_hears() -> None:
    assert not House(pir=PIR).take("triggers/hall", b'{"active": true}')
