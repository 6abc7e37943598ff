"""What a source says of a trigger that is not there any more is nobody's."""

from backend.core.automation import TriggerSensed
from tests.house import House, memory_database

LAMP = {"source": {"topic": "stat/lamp/POWER"}}


def test_a_message_that_comes_after_its_trigger_was_removed_says_nothing() -> None:
    house = House(memory_database())
    house.defines({"lamp": LAMP}, {})
    house.engine.hear(TriggerSensed("lamp", False, {}), house.now)
    house.defines({}, {})
    assert house.engine.hear(TriggerSensed("lamp", True, {}), house.now) == []
    house.defines({"lamp": LAMP}, {})
    assert not house.trigger("lamp").active
    assert house.engine.hear(TriggerSensed("never-there", True, {}), house.now) == []
