"""What went wrong before there was one subscription per profile, and what might; one test for each."""

from itertools import pairwise
from typing import Any

import pytest
from sqlalchemy import Engine as Database

from backend.core.engine import Send
from tests.automation import Automation, profile
from tests.people import ALICE, BOB, EVERYBODY
from tests.unit.features.triggers.conftest import PROFILES, TRIGGERS

CYCLES = 1_000


def states(house: Automation, trigger: str, *profiles: str) -> list[str]:
    """Return the published states of subscriptions."""
    return [house.document(trigger, each)["state"] for each in profiles]


def test_double_subscription(house: Automation) -> None:
    """The second is refused, whoever asks; the profile runs once for each activation."""
    house.subscribes(ALICE, "cam1", "guard")
    for who in (ALICE, BOB):
        answer = house.asks(who, "cam1", "subscribe", profile="guard", mode="one_shot")
        assert (answer["ok"], answer["code"]) == (False, "already_subscribed")
    house.says("cam1")
    assert house.phases("cam1", "guard") == ["start"]
    assert len(house.subscription("cam1", "guard").runs) == 1
    assert house.document("cam1", "guard")["mode"] == "monitoring", "it is as the first one asked"


def test_activation_that_is_told_twice(house: Automation) -> None:
    """A duplicate of `active` begins nothing, and ends nothing."""
    house.subscribes(ALICE, "cam1", "guard")
    house.subscribes(ALICE, "cam1", "greeter", mode="one_shot", run="parallel")
    for _ in range(5):
        house.says("cam1")
        house.says("cam1", retained=True)
    assert (house.phases("cam1", "guard"), house.phases("cam1", "greeter")) == (["start"], ["start"])
    assert house.counts("cam1", "greeter") == {"activations": 1, "started": 1}
    session = house.run("cam1", "guard").id
    house.does_everything()
    house.says("cam1")
    assert house.run("cam1", "guard").id == session


def test_inactive_during_starting(small_house: Automation) -> None:
    """What waits for a worker ends without ever having begun: neither its start nor its end is done."""
    house = small_house
    house.subscribes(ALICE, "cam10", "lamp")
    house.subscribes(ALICE, "cam1", "guard")
    house.says("cam10")
    house.says("cam1")
    assert states(house, "cam1", "guard") == ["starting"]
    house.says("cam1", active=False)
    assert states(house, "cam1", "guard") == ["terminated"]
    assert house.document("cam1", "guard")["reason"] == "inactive"
    house.does_everything()
    assert house.phases("cam1", "guard") == []
    assert not house.house.pool().waiting


def test_inactive_while_the_start_is_done(house: Automation) -> None:
    """The start is called off, and what had begun is ended."""
    house.subscribes(ALICE, "cam1", "guard")
    house.says("cam1")
    session = house.run("cam1", "guard").id
    house.says("cam1", active=False)
    assert house.shell.called_off == {session}
    assert states(house, "cam1", "guard") == ["completing"]
    house.does(delivered=0)
    assert house.phases("cam1", "guard") == ["start", "end"]
    house.does()
    assert states(house, "cam1", "guard") == ["terminated"]


@pytest.mark.parametrize("answered", ["at once", "late", "never until the end"])
def test_rapid_flapping(house: Automation, answered: str) -> None:
    """A thousand cycles: never more than one session, each that begun is ended once, and nothing is left."""
    house.subscribes(ALICE, "cam1", "guard", every_s=1.0)
    house.subscribes(ALICE, "cam1", "lamp", mode="one_shot", run="queued", most=3)
    for number in range(CYCLES):
        house.says("cam1")
        assert len(house.subscription("cam1", "guard").runs) == 1
        if answered == "at once" or (answered == "late" and number % 7 == 0):
            house.does()
        house.says("cam1", active=False)
        assert len(house.subscription("cam1", "guard").runs) <= 1
        if answered == "at once":
            house.does()
        house.passes(0.02)
    house.does_everything()
    assert states(house, "cam1", "guard", "lamp") == ["terminated", "terminated"]
    pool = house.house.pool()
    assert [*pool.at_work, *pool.waiting, *pool.urgent] == []
    counts = house.subscription("cam1", "guard").counts
    assert (counts.activations, counts.started) == (CYCLES, counts.ended)
    assert house.phases("cam1", "guard").count("end") == counts.started
    lamp = house.subscription("cam1", "lamp").counts
    assert lamp.activations == CYCLES == lamp.started + dict(lamp.dropped).get("queue_full", 0)
    assert lamp.started == lamp.ended == house.phases("cam1", "lamp").count("start")


def test_mixed_profiles(house: Automation) -> None:
    """One trigger with one-shot and monitoring profiles: its end ends exactly what monitors."""
    house.subscribes(ALICE, "cam1", "greeter", mode="one_shot")
    house.subscribes(ALICE, "cam1", "guard", every_s=5.0)
    house.subscribes(BOB, "cam1", "lamp")
    house.says("cam1")
    house.does(house.run("cam1", "guard").id, house.run("cam1", "lamp").id)
    house.passes(5)
    assert house.phases("cam1", "guard") == ["start", "repeat"]
    house.says("cam1", active=False)
    assert states(house, "cam1", "greeter", "guard", "lamp") == ["running", "completing", "completing"]
    house.does_everything()
    assert states(house, "cam1", "greeter", "guard", "lamp") == ["terminated"] * 3
    reasons = [house.document("cam1", each)["reason"] for each in ("greeter", "guard", "lamp")]
    assert reasons == ["completed", "inactive", "inactive"]


def test_termination_finds_sessions_when_one_shots_are_long_over(house: Automation) -> None:
    """The failure of the seed: the one-shot is gone, and the monitoring one is ended all the same."""
    house.subscribes(ALICE, "cam1", "greeter", mode="one_shot")
    house.subscribes(ALICE, "cam1", "guard")
    house.says("cam1")
    house.does_everything()
    assert states(house, "cam1", "greeter", "guard") == ["terminated", "running"]
    house.says("cam1", active=False)
    house.does_everything()
    assert states(house, "cam1", "guard") == ["terminated"]


def unsubscribed(house: Automation) -> None:
    assert house.asks(ALICE, "cam1", "unsubscribe", profile="guard")["code"] == "unsubscribed"


def trigger_removed(house: Automation) -> None:
    house.defines({name: each for name, each in TRIGGERS.items() if name != "cam1"}, PROFILES)


def profile_removed(house: Automation) -> None:
    house.defines(TRIGGERS, {name: each for name, each in PROFILES.items() if name != "guard"})


def account_removed(house: Automation) -> None:
    house.knows({name: who for name, who in EVERYBODY.items() if name != "alice"})


removals = pytest.mark.parametrize("removed", [unsubscribed, trigger_removed, profile_removed, account_removed])


@removals
@pytest.mark.parametrize("phase", ["start", "monitoring", "repeat", "end"])
def test_removal_while_running(house: Automation, removed: Any, phase: str) -> None:
    """Whatever it does, it does its end, once, and is gone then with its topic; those of others go on."""
    house.subscribes(BOB, "cam10", "lamp")
    house.says("cam10")
    house.does()
    monitors(house, phase)
    removed(house)
    assert house.document("cam1", "guard")["state"] == "completing"
    house.does_everything()
    assert house.phases("cam1", "guard").count("end") == 1
    assert "guard" not in house.trigger("cam1").subscriptions
    assert house.document("cam1", "guard") == {}
    reasons = [each["reason"] for each in house.events if each["event"] == "ended"]
    assert reasons == ["inactive" if phase == "end" else "unsubscribed" if removed is unsubscribed else "removed"]
    assert states(house, "cam10", "lamp") == ["running"]


@removals
def test_removal_during_starting(small_house: Automation, removed: Any) -> None:
    """Nothing had begun, so it is gone at once."""
    house = small_house
    house.subscribes(BOB, "cam10", "lamp")
    house.says("cam10")
    house.subscribes(ALICE, "cam1", "guard")
    house.says("cam1")
    removed(house)
    assert "guard" not in house.trigger("cam1").subscriptions
    house.does_everything()
    assert house.phases("cam1", "guard") == []


def test_it_can_be_subscribed_again_once_it_is_gone(house: Automation) -> None:
    house.subscribes(ALICE, "cam1", "guard")
    house.says("cam1")
    unsubscribed(house)
    answer = house.asks(BOB, "cam1", "subscribe", profile="guard", mode="monitoring")
    assert (answer["code"], answer["retry_in_s"]) == ("already_subscribed", 1.0)
    house.does_everything()
    first = house.shell.taken[0].context.session
    house.subscribes(BOB, "cam1", "guard")
    assert house.document("cam1", "guard")["owner"] == "bob"
    assert house.run("cam1", "guard").id != first, "no two sessions have the same id"


def monitors(house: Automation, phase: str) -> None:
    """Let a session monitor, and be in this phase."""
    house.subscribes(ALICE, "cam1", "guard", every_s=5.0)
    house.says("cam1")
    if phase != "start":
        house.does()
    if phase == "repeat":
        house.passes(5)
    if phase == "end":
        house.says("cam1", active=False)


@pytest.mark.parametrize("phase", ["start", "monitoring", "repeat"])
def test_restart_while_monitoring(house: Automation, phase: str) -> None:
    """It goes on where it was; what may have been done is not done twice, and that it was interrupted is told."""
    monitors(house, phase)
    session, before = house.run("cam1", "guard").id, house.phases("cam1", "guard")
    house.restarts()
    assert house.phases("cam1", "guard") == before
    run = house.run("cam1", "guard")
    assert (run.id, run.ending, run.phase) == (session, None, None), "it is the same session"
    error = house.document("cam1", "guard")["error"]
    assert (error and error["code"]) == (None if phase == "monitoring" else "interrupted")
    house.passes(5)
    assert house.phases("cam1", "guard") == [*before, "repeat"], "and it goes on"
    house.says("cam1", active=False)
    house.does_everything()
    assert states(house, "cam1", "guard") == ["terminated"]
    assert house.phases("cam1", "guard").count("end") == 1


def test_the_clock_was_set_back_while_the_server_was_away(house: Automation) -> None:
    """What was noted by a clock that was years ahead is not waited for for years."""
    house.subscribes(ALICE, "cam1", "guard", every_s=5, max_s=60)
    house.subscribes(ALICE, "bell", "greeter", mode="one_shot", cooldown_s=30)
    house.subscribes(ALICE, "cam1", "lamp", for_s=20)
    house.says("bell")
    house.says("cam1")
    house.does()
    house.house.now -= 10**8
    house.restarts()
    house.passes(5)
    assert house.phases("cam1", "guard")[-1] == "repeat"
    house.does()
    house.passes(15)
    assert house.phases("cam1", "lamp") == ["start"]
    house.passes(10)
    house.says("bell")
    assert house.phases("bell", "greeter") == ["start", "start"]
    house.passes(30)
    assert house.subscription("cam1", "guard").last or house.run("cam1", "guard").ending == "max_duration"


def test_restart_while_completing(house: Automation) -> None:
    """What is to be done in the end must be done: rather twice than not at all."""
    monitors(house, "end")
    house.restarts()
    assert house.phases("cam1", "guard") == ["start", "end", "end"]
    house.does()
    assert states(house, "cam1", "guard") == ["terminated"]


def test_restart_while_starting(small_house: Automation) -> None:
    """What waited for a worker waits again."""
    house = small_house
    house.subscribes(BOB, "cam1", "lamp")
    house.says("cam1")
    house.subscribes(ALICE, "cam10", "guard")
    house.says("cam10")
    session = house.run("cam10", "guard").id
    house.restarts()
    house.does_everything()
    assert house.phases("cam10", "guard") == ["start"]
    assert (house.run("cam10", "guard").id, states(house, "cam10", "guard")) == (session, ["running"])


def test_a_one_shot_that_was_interrupted_is_not_done_twice(house: Automation) -> None:
    house.subscribes(ALICE, "cam1", "lamp", mode="one_shot")
    house.says("cam1")
    house.restarts()
    assert house.phases("cam1", "lamp") == ["start", "end"], "but its end is done"
    house.does()
    document = house.document("cam1", "lamp")
    assert (document["reason"], document["error"]["code"]) == ("interrupted", "interrupted")


def test_trigger_that_went_inactive_while_the_server_was_away(house: Automation) -> None:
    """The broker tells it anew: the session that ran before the restart is found, and ended."""
    house.subscribes(ALICE, "cam1", "guard")
    house.says("cam1")
    house.does()
    house.restarts()
    assert states(house, "cam1", "guard") == ["running"]
    house.says("cam1", active=False, retained=True)
    house.does_everything()
    assert house.phases("cam1", "guard") == ["start", "end"]
    assert states(house, "cam1", "guard") == ["terminated"]


def test_definitions_that_changed_while_the_server_was_away(house: Automation) -> None:
    """Whoever told that it is active has no say any more: the session ends."""
    house.subscribes(ALICE, "cam1", "guard")
    house.says("cam1")
    house.does()
    house.house.triggers = {**TRIGGERS, "cam1": {"owner": "bot"}}
    house.restarts()
    house.does_everything()
    assert not house.trigger("cam1").active
    assert states(house, "cam1", "guard") == ["terminated"]


def test_pool_full(small_house: Automation) -> None:
    """They wait in the order in which they came, across triggers; ends come first; nothing is lost."""
    house = small_house
    house.subscribes(ALICE, "hall", "lamp")
    for trigger in ("cam10", "cam1"):
        for each in ("guard", "greeter"):
            house.subscribes(ALICE, trigger, each)
    house.senses("hall")
    house.does()
    for trigger in ("cam10", "cam1"):
        house.says(trigger)
    assert states(house, "cam1", "guard", "greeter") == ["starting", "starting"]
    house.senses("hall", active=False)
    assert [each.job.urgent for each in house.house.pool().urgent] == [True]
    house.does_everything()
    done = [(each.context.trigger, each.context.profile, each.phase) for each in house.shell.taken[1:]]
    waited = [each for each in done if each[0] != "hall"]
    assert done[1] == ("hall", "lamp", "end"), "after what was at work already"
    assert {each[0] for each in waited[:2]} == {"cam10"}
    assert {each[0] for each in waited[2:]} == {"cam1"}
    assert len(waited) == 4
    assert states(house, "cam1", "guard", "greeter") == ["running", "running"]


def test_a_worker_is_given_once(small_house: Automation) -> None:
    """Who gets one for what it wants no more, because its time is over, waits for one to do its end with."""
    house = small_house
    house.subscribes(ALICE, "cam10", "guard", every_s=5.0, max_s=10.0)
    house.says("cam10")
    house.does()
    house.subscribes(ALICE, "cam1", "guard")
    house.says("cam1")
    house.passes(5)
    assert [place.job.key for place in house.house.pool().waiting] == ["cam10"]
    house.house.now += 5
    house.does()
    assert house.phases("cam10", "guard") == ["start", "end"]
    assert len(house.house.pool().at_work) == len(house.shell.at_hand) == 1
    house.does()
    assert (house.document("cam10", "guard")["reason"], len(house.house.pool().at_work)) == ("max_duration", 0)


def test_an_action_that_hangs(small_house: Automation) -> None:
    """Its run ends in time: it is called off, others get the worker then, and what is to be done in the end is done."""
    house = small_house
    house.subscribes(ALICE, "cam1", "lamp", max_s=30.0)
    house.subscribes(ALICE, "cam10", "greeter", mode="one_shot")
    house.says("cam1")
    house.says("cam10")
    house.passes(29)
    assert not house.shell.called_off
    house.passes(1)
    assert house.shell.called_off == {house.run("cam1", "lamp").id}
    assert house.document("cam1", "lamp")["reason"] == "max_duration"
    house.does(delivered=0, code="timed_out")
    assert house.phases("cam1", "lamp") == ["start", "end"]
    house.does()
    assert house.phases("cam10", "greeter") == ["start"]


@pytest.mark.parametrize(("mode", "ends"), [("one_shot", "failed"), ("monitoring", "inactive")])
def test_an_action_that_fails(house: Automation, mode: str, ends: str) -> None:
    """A one-shot fails; what monitors goes on, and says so. Both do their end, whatever became of the start."""
    house.subscribes(ALICE, "cam1", "guard", mode=mode)
    house.says("cam1")
    house.does(delivered=0, code="unreachable")
    assert house.phases("cam1", "guard")[1:] == (["end"] if mode == "one_shot" else [])
    house.says("cam1", active=False)
    house.does_everything()
    document = house.document("cam1", "guard")
    assert (document["reason"], document["error"]["code"]) == (ends, "unreachable")
    assert house.counts("cam1", "guard")["failed"] == 1
    assert [(each["code"], each["profile"]) for each in house.events if each["event"] == "failed"] == [
        ("unreachable", "guard")
    ]
    assert house.phases("cam1", "guard") == ["start", "end"]


def test_similar_names(database: Database) -> None:
    """`cam1` is not `cam10`, and `a-b` with `c` is not `a` with `b-c`: what ends is found by reference."""
    house = Automation(database)
    house.defines(
        {name: {"owner": "scale-1"} for name in ("cam1", "cam10", "a", "a-b")},
        {name: profile("start", "end") for name in ("c", "b-c", "1")},
    )
    pairs = [("cam1", "c"), ("cam10", "c"), ("a-b", "c"), ("a", "b-c"), ("cam1", "1"), ("a", "c")]
    for trigger, name in pairs:
        house.subscribes(ALICE, trigger, name)
    for trigger in ("cam1", "cam10", "a", "a-b"):
        house.says(trigger)
    house.does_everything()
    sessions = {house.run(*pair).id for pair in pairs}
    assert len(sessions) == len(pairs)
    for ended in ("cam1", "a-b"):
        house.says(ended, active=False)
        house.does_everything()
    assert [pair for pair in pairs if house.subscription(*pair).runs] == [("cam10", "c"), ("a", "b-c"), ("a", "c")]


def test_the_list_says_the_same_as_each_session(house: Automation) -> None:
    """At every commit, what is retained is how it stands."""
    house.subscribes(ALICE, "cam1", "guard")
    house.says("cam1")
    house.does()
    house.says("cam1", active=False)
    house.does_everything()
    (line,) = house.retained["triggers/cam1/profiles"]["profiles"]
    document = house.document("cam1", "guard")
    assert (
        (line["state"], line["session"]) == (document["state"], document["session"]) == ("terminated", line["session"])
    )


def test_events_of_a_session_come_in_order(house: Automation) -> None:
    house.subscribes(ALICE, "cam1", "guard")
    house.says("cam1")
    house.does()
    house.says("cam1", active=False)
    house.does_everything()
    assert [each["event"] for each in house.events] == [
        "subscribed", "activated", "started", "deactivated", "ended",
    ]  # fmt: skip
    assert all(one["at"] <= other["at"] for one, other in pairwise(house.events))


def test_what_could_not_be_stored_did_not_happen(house: Automation) -> None:
    """The shell is asked for nothing, and the same message begins one session later."""
    house.subscribes(ALICE, "cam1", "guard")
    said: list[Send] = house.house.receive("triggers/cam1", {"active": True})
    assert said
    house.house.fail()
    assert house.stores() == []
    assert (house.shell.taken, house.subscription("cam1", "guard").runs) == ([], ())
    assert not house.house.pool().at_work
    house.says("cam1")
    assert house.phases("cam1", "guard") == ["start"]
