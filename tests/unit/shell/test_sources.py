"""Messages of any topic become what triggers sense."""

import asyncio
from collections.abc import Collection
from typing import Any

import pytest

from backend.app.table import TABLE
from backend.core.automation import TriggerSensed
from backend.core.engine import Arrived
from backend.core.facts import Fact, MessageRefused
from backend.core.refusals import Code
from backend.shell.sources import Sources

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
        self.facts: list[Fact] = []
        self.listened: list[tuple[set[str], set[str]]] = []
        self.sources = Sources(self.facts.append, TABLE, "")
        self.sources.listen = self._listen
        self.know(triggers)

    async def _listen(self, filters: Collection[str], fresh: Collection[str]) -> None:
        self.listened.append((set(filters), set(fresh)))

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
    assert house.facts == [TriggerSensed("pir", True, {"occupancy": True})]
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
