"""When something begins, how long it lasts, how often it is repeated, and what becomes of too many activations."""

from datetime import datetime
from typing import Any

import pytest

from tests.automation import Automation, profile
from tests.people import ALICE
from tests.unit.features.triggers.conftest import PROFILES, TRIGGERS


def change(house: Automation, name: str, trigger: str = "cam1", /, **given: Any) -> None:
    answer = house.asks(ALICE, trigger, "change", profile=name, set=given)
    assert answer["code"] == "changed", answer


def rings(house: Automation, times: int = 1) -> None:
    for _ in range(times):
        house.says("bell")


def runs(house: Automation, name: str, **plan: Any) -> None:
    house.subscribes(ALICE, "bell", name, mode="one_shot", **plan)


# The run modes


def test_single_passes_over_what_comes_while_it_runs(house: Automation) -> None:
    runs(house, "lamp")
    rings(house, 3)
    house.does()
    rings(house)
    assert house.counts("bell", "lamp")["dropped"] == {"running": 3}, "until its end is done"
    house.does_everything()
    rings(house)
    assert house.phases("bell", "lamp") == ["start", "end", "start"]


def test_restart_begins_anew_once_the_first_is_ended(house: Automation) -> None:
    runs(house, "lamp", run="restart")
    rings(house)
    first = house.run("bell", "lamp").id
    rings(house, 3)
    assert house.run("bell", "lamp").id == first
    assert house.shell.called_off == {first}
    house.does()
    house.does()
    assert house.phases("bell", "lamp") == ["start", "end", "start"]
    assert house.run("bell", "lamp").id != first
    counts = house.counts("bell", "lamp")
    assert (counts["activations"], counts["started"], counts["coalesced"]) == (4, 2, 2)
    assert [each["reason"] for each in house.events if each["event"] == "ended"] == ["restarted"]


def test_restart_of_what_has_not_begun_takes_its_place(small_house: Automation) -> None:
    house = small_house
    house.subscribes(ALICE, "cam1", "greeter")
    house.says("cam1")
    runs(house, "lamp", run="restart")
    rings(house, 2)
    house.does()
    assert [each.context.session for each in house.shell.taken[1:]] == [house.run("bell", "lamp").id]
    assert house.counts("bell", "lamp")["started"] == 2


def test_queued_wait_in_order_and_what_is_too_much_is_dropped(house: Automation) -> None:
    runs(house, "greeter", run="queued", most=2)
    for number in range(5):
        house.says("bell", number=number)
    assert house.document("bell", "greeter")["waiting"] == 2
    house.does_everything()
    assert [each.context.data["number"] for each in house.shell.taken] == [0, 1, 2]
    assert house.counts("bell", "greeter") == {
        "activations": 5, "started": 3, "ended": 3, "delivered": 3, "dropped": {"queue_full": 2},
    }  # fmt: skip


def test_latest_keeps_the_newest_only(house: Automation) -> None:
    runs(house, "greeter", run="latest")
    for number in range(5):
        house.says("bell", number=number)
    house.does_everything()
    assert [each.context.data["number"] for each in house.shell.taken] == [0, 4]
    counts = house.counts("bell", "greeter")
    assert (counts["activations"], counts["started"], counts["coalesced"]) == (5, 2, 3)


def test_parallel_runs_besides_up_to_a_limit(house: Automation) -> None:
    runs(house, "greeter", run="parallel", most=3)
    rings(house, 5)
    document = house.document("bell", "greeter")
    assert (document["running"], document["counts"]["dropped"]) == (3, {"running": 2})
    assert len(house.shell.at_hand) == 2, "half of the four workers"
    house.does(next(iter(house.shell.at_hand)))
    rings(house)
    assert house.document("bell", "greeter")["running"] == 3


def test_queued_behind_what_has_nothing_to_do_any_more(house: Automation) -> None:
    """A profile that is emptied meanwhile keeps nobody waiting."""
    runs(house, "greeter", run="queued")
    rings(house, 4)
    house.defines(TRIGGERS, {**PROFILES, "greeter": profile()})
    house.does()
    document = house.document("bell", "greeter")
    assert (document["state"], document["waiting"], document["counts"]["ended"]) == ("terminated", 0, 4)


# Cooldown


@pytest.mark.parametrize("phase", ["start", "end"])
def test_cooldown_is_measured_from_the_last_delivered_action(house: Automation, phase: str) -> None:
    """Neither from the activation, nor from the end of the run; what failed counts for nothing."""
    runs(house, "lamp", cooldown_s=10.0)
    rings(house)
    house.passes(4)
    house.does(delivered=1)
    house.passes(3)
    house.does(delivered=int(phase == "end"), code="unreachable")
    delivered_at = house.house.now - (0 if phase == "end" else 3)
    assert house.subscription("bell", "lamp").cooldown_until == delivered_at + 10
    house.passes(delivered_at + 9.5 - house.house.now)
    rings(house)
    assert house.counts("bell", "lamp")["dropped"] == {"cooldown": 1}
    house.passes(0.5)
    rings(house)
    assert house.phases("bell", "lamp") == ["start", "end", "start"]


def test_cooldown_does_not_hold_up_what_delivered_nothing(house: Automation) -> None:
    runs(house, "greeter", cooldown_s=10.0)
    rings(house)
    house.does(delivered=0, code="unreachable")
    rings(house)
    assert house.phases("bell", "greeter") == ["start", "start"]


@pytest.mark.parametrize("run", ["queued", "latest"])
def test_what_waits_begins_after_the_cooldown(house: Automation, run: str) -> None:
    runs(house, "greeter", cooldown_s=10.0, run=run)
    rings(house)
    house.does()
    rings(house)
    house.passes(9.9)
    assert house.phases("bell", "greeter") == ["start"]
    house.passes(0.1)
    assert house.phases("bell", "greeter") == ["start", "start"]


def test_who_waited_for_the_cooldown_is_before_who_comes_just_then(house: Automation) -> None:
    """Time goes first, also where the server was too busy to look."""
    runs(house, "greeter", cooldown_s=10.0, run="queued")
    for number in range(2):
        house.says("bell", number=number)
        house.does_everything()
    house.house.now += 11
    house.says("bell", number=2)
    house.does_everything()
    house.passes(11)
    assert [each.context.data["number"] for each in house.shell.taken] == [0, 1, 2]


def test_monitoring_waits_for_the_cooldown_while_it_is_active(house: Automation) -> None:
    house.subscribes(ALICE, "cam1", "lamp", cooldown_s=10.0)
    house.says("cam1")
    house.does()
    house.says("cam1", active=False)
    house.does()
    house.says("cam1")
    assert house.document("cam1", "lamp")["state"] == "terminated"
    house.passes(10)
    assert house.phases("cam1", "lamp") == ["start", "end", "start"]


# How long, and how often


def test_it_is_activated_once_it_held_for_long_enough(house: Automation) -> None:
    house.subscribes(ALICE, "cam1", "guard", for_s=5.0)
    house.says("cam1")
    house.passes(4.9)
    house.says("cam1", active=False)
    house.passes(60)
    assert house.phases("cam1", "guard") == []
    house.says("cam1")
    house.passes(3)
    house.says("cam1")
    house.passes(2)
    assert house.phases("cam1", "guard") == ["start"]
    assert house.counts("cam1", "guard")["activations"] == 1


def test_what_held_for_long_enough_has_been_active_though_nobody_looked(house: Automation) -> None:
    house.subscribes(ALICE, "cam1", "guard", for_s=5.0)
    house.says("cam1")
    house.house.now += 6
    house.says("cam1", active=False)
    assert house.counts("cam1", "guard") == {"activations": 1, "started": 1, "ended": 1}


def test_max_s_ends_a_session_until_the_next_activation(house: Automation) -> None:
    house.subscribes(ALICE, "cam1", "guard", max_s=10.0, every_s=4.0)
    house.says("cam1")
    house.does()
    for _ in range(20):
        house.passes(1)
        house.does_everything()
    assert house.phases("cam1", "guard") == ["start", "repeat", "repeat", "end"]
    assert house.document("cam1", "guard")["reason"] == "max_duration"
    house.says("cam1", active=False)
    house.says("cam1")
    assert house.phases("cam1", "guard")[-1] == "start"


def test_max_s_ends_what_never_got_a_worker(small_house: Automation) -> None:
    house = small_house
    house.subscribes(ALICE, "cam1", "greeter")
    house.says("cam1")
    runs(house, "lamp", max_s=10.0)
    rings(house)
    house.passes(10)
    document = house.document("bell", "lamp")
    assert (document["state"], document["reason"]) == ("terminated", "max_duration")
    house.does_everything()
    assert house.phases("bell", "lamp") == []


def test_repetitions_never_overlap(house: Automation) -> None:
    """The next comes so long after the last one was done, however long that took."""
    house.subscribes(ALICE, "cam1", "guard", every_s=4.0)
    house.says("cam1")
    house.does()
    house.passes(60)
    assert house.phases("cam1", "guard") == ["start", "repeat"]
    house.does()
    house.passes(3.9)
    assert house.counts("cam1", "guard")["repeated"] == 1
    house.passes(0.1)
    assert house.phases("cam1", "guard") == ["start", "repeat", "repeat"]


def test_what_is_inactive_at_the_time_of_a_repetition_does_not_repeat(house: Automation) -> None:
    house.subscribes(ALICE, "hall", "guard", every_s=10.0)
    house.senses("hall")
    house.does()
    house.passes(10)
    assert house.phases("hall", "guard") == ["start", "end"]


# Conditions


def test_a_threshold_with_hysteresis_decides_how_long_a_session_lasts(house: Automation) -> None:
    warm = {"field": "$.t", "op": ">", "value": 30, "until": 28}
    house.subscribes(ALICE, "cam1", "guard", when=[warm])
    states = []
    for t in (29, 31, 29, 28, 27.9, 29, 30, 31):
        house.says("cam1", t=t)
        house.does_everything()
        states.append(house.document("cam1", "guard")["active"])
    assert states == [False, True, True, True, False, False, False, True]
    assert house.phases("cam1", "guard") == ["start", "end", "start"]
    house.says("cam1")
    assert house.document("cam1", "guard")["active"], "what is not told is as it was"


def test_a_pulse_counts_where_its_conditions_are_met(house: Automation) -> None:
    runs(house, "greeter", when=[{"field": "$.card", "op": "in", "value": ["a", "b"]}])
    for card in ("a", "x", "b", "a"):
        house.says("bell", card=card)
        house.does_everything()
    assert [each.context.data["card"] for each in house.shell.taken] == ["a", "b", "a"]
    assert house.counts("bell", "greeter")["activations"] == 3


# Windows


def test_a_window_over_midnight_begins_and_ends_a_session(house: Automation) -> None:
    day = datetime.fromtimestamp(house.house.now).astimezone().replace(hour=12, minute=0, second=0, microsecond=0)
    house.passes(day.timestamp() + 86_400 - house.house.now)
    house.subscribes(ALICE, "cam1", "lamp", windows=[{"begin": "22:00", "end": "06:30"}])
    house.says("cam1")
    assert house.phases("cam1", "lamp") == []
    house.passes(10 * 3600 - 0.5)
    assert house.phases("cam1", "lamp") == []
    house.passes(0.5)
    house.does()
    house.passes(8.5 * 3600 - 0.5)
    assert house.phases("cam1", "lamp") == ["start"]
    house.passes(0.5)
    assert house.phases("cam1", "lamp") == ["start", "end"]
    house.does()
    house.passes(15.5 * 3600)
    assert house.phases("cam1", "lamp") == ["start", "end", "start"], "and again the next night"


def test_a_pulse_outside_of_the_window_is_none(house: Automation) -> None:
    begin = datetime.fromtimestamp(house.house.now + 3600).astimezone().strftime("%H:00")
    end = datetime.fromtimestamp(house.house.now + 7200).astimezone().strftime("%H:00")
    runs(house, "greeter", windows=[{"begin": begin, "end": end}])
    rings(house)
    assert house.counts("bell", "greeter") == {}
    house.passes(3600)
    rings(house)
    assert house.phases("bell", "greeter") == ["start"]


# Changes


def test_a_change_takes_effect_on_what_runs(house: Automation) -> None:
    house.subscribes(ALICE, "cam1", "guard")
    house.says("cam1")
    house.does()
    house.passes(3)
    session = house.run("cam1", "guard").id
    change(house, "guard", every_s=4.0, max_s=20.0)
    house.passes(4)
    assert house.phases("cam1", "guard") == ["start", "repeat"]
    house.does()
    change(house, "guard", every_s=60.0)
    house.passes(4)
    assert house.phases("cam1", "guard") == ["start", "repeat", "repeat"], "what was due stays so"
    house.does()
    assert house.run("cam1", "guard").id == session
    house.passes(9)
    assert house.document("cam1", "guard")["reason"] == "max_duration"


def test_changes_again_and_again_do_not_put_off_a_repetition(house: Automation) -> None:
    house.subscribes(ALICE, "cam1", "guard", every_s=4.0)
    house.says("cam1")
    house.does()
    for number in range(4):
        house.passes(1)
        change(house, "guard", config={"number": number})
    assert house.phases("cam1", "guard") == ["start", "repeat"]


def test_a_profile_that_learns_to_repeat_does_so(house: Automation) -> None:
    house.subscribes(ALICE, "cam1", "lamp", every_s=4.0)
    house.says("cam1")
    house.does()
    house.defines(TRIGGERS, {**PROFILES, "lamp": PROFILES["guard"]})
    house.passes(4)
    assert house.phases("cam1", "lamp") == ["start", "repeat"]


@pytest.mark.parametrize("phase", ["starting", "start", "monitoring", "repeat", "completing"])
def test_disabled_in_any_state_it_ends_and_enabled_again_it_begins(small_house: Automation, phase: str) -> None:
    house = small_house
    house.subscribes(ALICE, "cam10", "greeter")
    house.subscribes(ALICE, "cam1", "guard", every_s=4.0)
    if phase == "starting":
        house.says("cam10")
    house.says("cam1")
    if phase not in ("starting", "start"):
        house.does()
    if phase == "repeat":
        house.passes(4)
    if phase == "completing":
        house.asks(ALICE, "cam1", "stop", profile="guard")
    change(house, "guard", enabled=False)
    house.does_everything()
    document = house.document("cam1", "guard")
    assert (document["state"], document["active"]) == ("terminated", False)
    assert document["reason"] == ("stopped" if phase == "completing" else "disabled")
    assert house.phases("cam1", "guard").count("end") == (phase != "starting")
    house.says("cam1")
    house.passes(60)
    assert house.document("cam1", "guard")["state"] == "terminated"
    change(house, "guard", enabled=True)
    assert house.phases("cam1", "guard")[-1] == "start"


def test_disabled_drops_what_waits_and_says_so(house: Automation) -> None:
    runs(house, "greeter", run="queued")
    rings(house, 3)
    change(house, "greeter", "bell", enabled=False)
    rings(house)
    house.does_everything()
    counts = house.counts("bell", "greeter")
    assert (counts["activations"], counts["started"], counts["dropped"]) == (3, 1, {"disabled": 2})


def test_another_mode_ends_what_ran_in_the_old_one(house: Automation) -> None:
    house.subscribes(ALICE, "cam1", "guard")
    house.says("cam1")
    house.does()
    change(house, "guard", mode="one_shot")
    house.does_everything()
    assert house.phases("cam1", "guard") == ["start", "end"], "it is no new activation"
    change(house, "guard", mode="monitoring")
    assert house.phases("cam1", "guard") == ["start", "end", "start"]
