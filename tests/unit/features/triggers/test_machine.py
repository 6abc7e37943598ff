"""Whether a trigger is active: who says so, who is believed, and what is published of it."""

import json
from typing import Any

import pytest

from backend.core.automation import ErrandDone, TriggerSensed, WorkAdmitted
from backend.core.facts import DeviceLost
from tests.automation import Automation
from tests.people import ALICE, ROOT
from tests.unit.features.triggers.conftest import PROFILES, TRIGGERS


def told(house: Automation, trigger: str = "cam1") -> list[tuple[str, str | None]]:
    """Return what was said of a trigger itself."""
    own = ("activated", "deactivated")
    return [
        (each["event"], each.get("reason"))
        for each in house.events
        if each["trigger"] == trigger and each["event"] in own
    ]


def redefined(house: Automation, trigger: str, **given: Any) -> None:
    house.defines({**TRIGGERS, trigger: given}, PROFILES)


def test_the_owner_says_whether_it_is_active(house: Automation) -> None:
    assert house.retained["triggers/cam1/profiles"] == {
        "name": "The camera",
        "active": False,
        "since": None,
        "profiles": [],
    }
    house.says("cam1")
    assert house.retained["triggers/cam1/profiles"]["active"] is True
    house.says("cam1", active=False)
    house.says("cam1", active=False)
    assert told(house) == [("activated", None), ("deactivated", None)]
    assert "triggers/cam1" not in house.retained, "that topic is the owner's"


def test_a_device_that_is_lost_is_not_active(house: Automation) -> None:
    house.subscribes(ALICE, "cam1", "guard")
    house.subscribes(ALICE, "cam10", "guard")
    for trigger in ("cam1", "cam10"):
        house.says(trigger)
    house.hears(DeviceLost("scale-1"))
    house.does_everything()
    assert told(house) == [("activated", None), ("deactivated", "owner_lost")]
    assert house.phases("cam1", "guard") == ["start", "end"]
    assert house.phases("cam10", "guard") == ["start"], "it is another device's"
    house.says("cam1")
    assert house.phases("cam1", "guard") == ["start", "end", "start"]


def test_a_device_that_stays_away_after_a_restart_is_lost(house: Automation) -> None:
    """The broker still tells that its trigger is active, but it proves nothing."""
    house.house.receive("devices/scale-1/status", {"state": "online", "boot": 1})
    house.subscribes(ALICE, "cam1", "guard")
    house.says("cam1")
    house.does()
    house.restarts()
    house.says("cam1", retained=True)
    assert house.trigger("cam1").active
    house.passes(house.house.limits.heartbeat_s)
    house.does_everything()
    assert told(house)[-1] == ("deactivated", "owner_lost")
    assert house.phases("cam1", "guard") == ["start", "end"]


def test_a_device_that_was_lost_is_not_active_again_because_the_broker_remembers(house: Automation) -> None:
    house.house.receive("devices/scale-1/status", {"state": "online", "boot": 1})
    house.subscribes(ALICE, "cam1", "guard")
    house.says("cam1")
    house.house.receive("devices/scale-1/status", {"state": "disconnected", "boot": 1})
    house.does_everything()
    house.restarts()
    house.house.receive("devices/scale-1/status", {"state": "disconnected", "boot": 1}, retained=True)
    house.says("cam1", retained=True)
    house.does_everything()
    assert house.phases("cam1", "guard") == ["start", "end"], "nothing would ever end what began now"
    house.says("cam1")
    assert house.phases("cam1", "guard") == ["start", "end", "start"], "now it is there"


def test_a_source_that_is_silent_is_not_active(house: Automation) -> None:
    house.senses("hall", value=1)
    house.passes(9)
    house.senses("hall")
    house.passes(9)
    house.senses("hall", active=None, value=2)
    house.passes(0.9)
    assert house.trigger("hall").active
    house.passes(0.1)
    assert told(house, "hall") == [("activated", None), ("deactivated", "silent")]


def test_silence_is_counted_anew_after_a_restart(house: Automation) -> None:
    house.senses("hall")
    house.passes(9)
    house.restarts()
    house.passes(9.9)
    assert house.trigger("hall").active
    house.passes(0.1)
    assert not house.trigger("hall").active


def test_what_was_silent_for_too_long_and_comes_back_is_another_activation(house: Automation) -> None:
    """Time goes first, also where the server was too busy to look."""
    house.subscribes(ALICE, "hall", "guard")
    house.senses("hall")
    house.does()
    house.house.now += 11
    house.senses("hall")
    assert told(house, "hall") == [("activated", None), ("deactivated", "silent"), ("activated", None)]
    house.does()
    assert house.phases("hall", "guard") == ["start", "end", "start"]


@pytest.mark.parametrize("trigger", ["hall", "door"])
def test_what_fell_silent_is_not_active_again_because_the_broker_remembers(house: Automation, trigger: str) -> None:
    """A sensor that only ever says that there is motion, retained: each restart would greet who came days ago."""
    house.defines({**TRIGGERS, "door": {"owner": "bot", "off_after_s": 10.0}}, PROFILES)

    def tells(*, retained: bool, lux: int) -> None:
        if trigger == "hall":
            house.hears(TriggerSensed("hall", True, {"lux": lux}, retained))
        else:
            house.says("door", retained=retained, lux=lux)

    tells(retained=False, lux=1)
    house.passes(10)
    house.restarts()
    tells(retained=True, lux=1)
    assert not house.trigger(trigger).active
    tells(retained=True, lux=2)
    assert house.trigger(trigger).active, "that was said while the server was away"
    house.passes(10)
    tells(retained=False, lux=2)
    assert house.trigger(trigger).active, "it is said now"


def test_the_backend_says_how_a_trigger_with_a_source_stands(house: Automation) -> None:
    assert house.retained["triggers/hall"] == {"active": False, "data": {}, "since": None}
    house.senses("hall", value=1)
    first = house.retained["triggers/hall"]
    assert (first["active"], first["data"]) == (True, {"value": 1})
    house.passes(1)
    house.senses("hall", value=2)
    assert house.retained["triggers/hall"] == {**first, "data": {"value": 2}}
    house.says("hall", active=False)
    assert house.trigger("hall").active, "what it publishes itself tells it nothing"


def test_a_pulse_of_a_source_is_published_for_those_who_are_there(house: Automation) -> None:
    house.subscribes(ALICE, "rfid", "greeter", mode="one_shot")
    house.house.receive("triggers/rfid", {"active": True}, retained=True)
    house.senses("rfid", active=False)
    assert house.shell.taken == []
    sent = [send for send in _sensed(house, "rfid", card="a") if send.topic == "triggers/rfid"]
    (pulse,) = sent
    assert (pulse.retain, json.loads(pulse.payload)["active"], json.loads(pulse.payload)["data"]) == (
        False, True, {"card": "a"},
    )  # fmt: skip
    assert "triggers/rfid" not in house.retained
    assert house.phases("rfid", "greeter") == ["start"]


def _sensed(house: Automation, trigger: str, **data: Any) -> list[Any]:
    house.house.hears(TriggerSensed(trigger, active=True, data=data))
    return house.stores()


def test_a_pulse_that_the_broker_remembers_is_none(house: Automation) -> None:
    house.subscribes(ALICE, "bell", "greeter", mode="one_shot")
    house.says("bell", retained=True)
    house.says("bell", active=False)
    assert (house.shell.taken, told(house, "bell")) == ([], [])


def test_data_that_are_too_large_are_refused(house: Automation) -> None:
    house.says("cam1", text="x" * 20_000)
    assert not house.trigger("cam1").active
    assert house.house.trigger("cam1").data == {}


@pytest.mark.parametrize(
    "given",
    [{"owner": "printer-1"}, {}, {"source": {"topic": "x"}}, {"kind": "pulse", "owner": "scale-1"}],
    ids=["owner", "nobody", "source", "pulse"],
)
def test_what_somebody_said_who_has_no_say_any_more_is_not_believed(house: Automation, given: dict[str, Any]) -> None:
    house.subscribes(ALICE, "cam1", "guard")
    house.says("cam1")
    redefined(house, "cam1", **given)
    house.does_everything()
    assert told(house)[-1] == ("deactivated", "redefined")
    assert house.phases("cam1", "guard") == ["start", "end"]


def test_another_name_or_patience_leaves_it_active(house: Automation) -> None:
    house.subscribes(ALICE, "cam1", "guard")
    house.says("cam1")
    redefined(house, "cam1", owner="scale-1", name="Another name", off_after_s=60.0)
    assert house.trigger("cam1").active
    assert house.retained["triggers/cam1/profiles"]["name"] == "Another name"


def test_what_the_backend_said_is_taken_back_when_an_owner_says_it_from_now_on(house: Automation) -> None:
    """Else a restart would take it for what the owner says."""
    house.senses("hall")
    redefined(house, "hall", owner="scale-1")
    assert house.retained["triggers/hall"] == {}


def test_a_trigger_that_is_made_anew_remembers_nothing(house: Automation) -> None:
    house.senses("hall", value=1)
    house.defines({}, PROFILES)
    assert house.retained["triggers/hall"] == house.retained["triggers/hall/profiles"] == {}
    house.senses("hall", value=2)
    house.defines(TRIGGERS, PROFILES)
    assert house.retained["triggers/hall"] == {"active": False, "data": {}, "since": None}
    assert told(house, "hall")[1:] == [("deactivated", "redefined")]


def test_a_profile_that_is_called_otherwise_is_listed_so(house: Automation) -> None:
    house.subscribes(ALICE, "cam1", "lamp")
    house.defines(TRIGGERS, {**PROFILES, "lamp": {**PROFILES["lamp"], "name": "The light"}})
    (line,) = house.retained["triggers/cam1/profiles"]["profiles"]
    assert line["name"] == "The light"


def test_what_is_told_of_no_run_is_ignored(house: Automation) -> None:
    """A worker that nobody wants goes back, and an errand that nobody waits for changes nothing."""
    house.subscribes(ALICE, "cam1", "guard")
    house.says("cam1")
    run = house.run("cam1", "guard")
    for session, phase in (("other", "start"), (run.id, "repeat"), (run.id, "end")):
        house.hears(ErrandDone("cam1", "guard", session, phase, 1, house.house.now))  # type: ignore[arg-type]
    house.hears(ErrandDone("cam1", "lamp", run.id, "start", 1, house.house.now))
    house.hears(WorkAdmitted("cam1", ("other/start",)))
    assert house.run("cam1", "guard") == run
    assert len(house.house.pool().at_work) == 1


def test_templates_see_what_belongs_to_the_run(house: Automation) -> None:
    house.subscribes(ALICE, "cam1", "guard", every_s=5.0, config={"to": "me"})
    house.says("cam1", t=1)
    house.says("cam1", t=2)
    house.does()
    house.passes(5)
    house.asks(ROOT, "cam1", "stop", profile="guard")
    house.does()
    start, repeat, end = (each.context for each in house.shell.taken)
    assert [each.data for each in (start, repeat, end)] == [{"t": 1}, {"t": 2}, {"t": 2}]
    assert (start.trigger_name, start.profile_name, start.owner, start.config) == (
        "The camera", "guard", "alice", {"to": "me"},
    )  # fmt: skip
    assert (start.reason, end.reason, repeat.repetition) == (None, "stopped", 1)
    assert start.session == end.session
