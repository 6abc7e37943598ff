"""Errands use devices as their owner would: in turn, with the fence, and nothing is left behind."""

import asyncio
import json
from collections.abc import Coroutine
from typing import Any

import pytest

from backend.core.facts import UserLost
from backend.features.sessions.policy import Limits, Policy
from backend.features.triggers.definitions import profile_definition
from backend.features.triggers.state import CallOff, Errand
from tests.integration.automation.town import PRINTER, SCALE, Town, command, context
from tests.people import ALICE, BOB, EVERYBODY, ROOT

SESSION = {"do": "session", "device": SCALE, "input": {"who": "{{ data.who }}"}}


def run(story: Coroutine[Any, Any, None]) -> None:
    asyncio.run(asyncio.wait_for(story, 60))


def test_a_command_claims_sends_and_gives_back() -> None:
    async def story() -> None:
        async with Town().alive() as town:
            done = await town.does(command(body={"grams": "{{ data.grams }}"}))
            assert (done.delivered, done.failed, done.code) == (1, 0, None)
            assert (done.trigger, done.profile, done.session, done.phase) == ("pir", "greeter", "run-1", "start")
            assert done.delivered_at == town.house.now
            assert town.commands() == [{"grams": 5, "fence": 1}]
            await town.free(SCALE)
            events = [json.loads(send.payload) for send in town.sent if send.topic == f"devices/{SCALE}/session/event"]
            assert [(event["event"], event["user"], event["type"]) for event in events] == [
                ("granted", "alice", "Greeter"),
                ("ended", "alice", "Greeter"),
            ]

    run(story())


def test_who_holds_a_device_is_waited_for() -> None:
    async def story() -> None:
        async with Town().alive() as town:
            town.asks(BOB, SCALE, "claim")
            town.begin(command())
            await town.waits("alice", SCALE)
            assert town.commands() == []
            town.asks(BOB, SCALE, "release")
            assert (await town.outcome()).code is None
            assert town.commands() == [{"fence": 2}]
            await town.free(SCALE)

    run(story())


def test_runs_of_others_are_served_in_the_order_of_the_queue() -> None:
    async def story() -> None:
        async with Town().alive() as town:
            town.asks(ROOT, SCALE, "claim")
            for owner in ("bob", "alice", "carol"):
                town.begin(command(body={"for": owner}), run=f"run-{owner}", owner=owner)
                await town.waits(owner, SCALE)
            town.asks(ROOT, SCALE, "release")
            await town.until(lambda: len(town.told) == 3)
            assert [each["for"] for each in town.commands()] == ["bob", "alice", "carol"]

    run(story())


def test_runs_of_one_owner_take_turns() -> None:
    async def story() -> None:
        async with Town().alive() as town:
            town.begin(command("one", result_s=60), run="run-1")
            await town.until(town.commands)
            town.begin(command("two"), run="run-2")
            town.begin(command("three"), run="run-3")
            town.says(f"devices/{SCALE}/result", {"fence": 1, "complete": True})
            await town.until(lambda: len(town.told) == 3)
            assert [send.topic.rpartition("/")[2] for send in town.published] == ["one", "two", "three"]
            assert [each["fence"] for each in town.commands()] == [1, 2, 3], "each has a session of its own"

    run(story())


def test_nobody_waits_for_ever() -> None:
    async def story() -> None:
        async with Town().alive() as town:
            town.asks(BOB, SCALE, "claim")
            done = await town.does(command(wait_s=0.1))
            assert (done.code, done.delivered, done.failed) == ("busy", 0, 1)
            assert done.message == "start.0.command: scale-1 was in use by Bob for 0.1 s"
            assert town.house.session(SCALE).queue == ()
            assert town.house.session(SCALE).holder == "bob"

    run(story())


def test_a_device_that_is_away_is_waited_for_and_then_not() -> None:
    async def story() -> None:
        async with Town().alive() as town:
            town.says(f"devices/{SCALE}/status", {"state": "disconnected", "boot": 1})
            assert (await town.does(command(wait_s=0.1))).code == "device_offline"
            town.begin(command())
            await town.waits("alice", SCALE)
            town.says(f"devices/{SCALE}/status", {"state": "online", "boot": 2})
            assert (await town.outcome()).code is None

    run(story())


@pytest.mark.parametrize(("device", "code"), [("scale-9", "unknown_device"), ("scale-1/#", "bad_id"), ("", "bad_id")])
def test_there_must_be_such_a_device(device: str, code: str) -> None:
    async def story() -> None:
        async with Town().alive() as town:
            for action in (command(device="{{ data.device }}"), {**SESSION, "device": "{{ data.device }}"}):
                done = await town.does(action, data={"device": device, "who": "x"})
                assert done.code == code

    run(story())


def test_what_the_owner_holds_is_used_and_stays_its_own() -> None:
    async def story() -> None:
        async with Town().alive() as town:
            fence = town.asks(ALICE, SCALE, "claim", type="by hand", input={"a": 1})["fence"]
            assert (await town.does(SESSION, command())).delivered == 2
            assert town.commands() == [{"fence": fence}]
            town.over()
            running = town.house.session(SCALE).running
            assert running is not None
            assert (running.holder, running.fence, running.input) == ("alice", fence, {"a": 1})

    run(story())


def test_what_the_owner_asked_for_meanwhile_is_not_given_back() -> None:
    async def story() -> None:
        async with Town().alive() as town:
            assert (await town.does(SESSION)).delivered == 1
            fence = town.asks(ALICE, SCALE, "claim", id="of-the-app")["fence"]
            assert (await town.does(command(), phase="end")).delivered == 1
            town.over()
            await town.shop.end()
            running = town.house.session(SCALE).running
            assert running is not None, "Alice was told that she has it"
            assert (running.holder, running.fence) == ("alice", fence)

    run(story())


def test_what_a_run_held_before_the_server_started_anew_is_given_back() -> None:
    async def story() -> None:
        async with Town().alive() as town:
            town.asks(ALICE, SCALE, "claim", id="of-the-server-before", client="run-1")
            assert (await town.does(command())).delivered == 1
            await town.free(SCALE)

    run(story())


def test_the_place_in_the_queue_of_an_app_is_not_taken_from_it() -> None:
    async def story() -> None:
        async with Town().alive() as town:
            town.asks(BOB, SCALE, "claim")
            place = town.asks(ALICE, SCALE, "claim", wait=True, id="of-the-app")
            assert place["code"] == "queued"
            town.begin(command())
            town.begin(command(device=PRINTER), run="run-2")
            assert (await town.outcome("run-2")).code is None, "by now the other one had its chance, too"
            town.asks(BOB, SCALE, "release")
            assert (await town.outcome()).code is None
            running = town.house.session(SCALE).running
            assert running is not None
            assert running.claim.asked.id == "of-the-app"
            assert town.commands() == [{"fence": 2}], "the app has it, and goes on"

    run(story())


def test_a_claim_that_is_taken_over_by_an_app_waits_behind_it() -> None:
    async def story() -> None:
        async with Town().alive() as town:
            town.asks(BOB, SCALE, "claim")
            town.begin(command())
            await town.waits("alice", SCALE)
            town.asks(ALICE, SCALE, "claim", wait=True, id="of-the-app")
            town.asks(BOB, SCALE, "release")
            await town.holds("alice", SCALE)
            assert (await town.outcome()).code is None
            running = town.house.session(SCALE).running
            assert running is not None
            assert running.claim.asked.id == "of-the-app"

    run(story())


def test_a_session_is_held_until_the_run_is_over() -> None:
    async def story() -> None:
        async with Town().alive() as town:
            assert (await town.does({**SESSION, "type": "watching"})).delivered == 1
            running = town.house.session(SCALE).running
            assert running is not None
            assert (running.claim.type, running.claim.client, running.input) == ("watching", "run-1", {"who": "Bob"})
            await town.does(command(), SESSION, command("again"), phase="repeat")
            assert town.commands() == [{"fence": 1}, {"fence": 1}]
            done = await town.does(command("bye"), phase="end")
            assert done.phase == "end"
            assert town.commands()[-1] == {"fence": 1}
            assert town.house.session(SCALE).running is None, "given back before it is told"

    run(story())


def test_a_run_that_goes_on_after_a_restart_holds_again_what_it_held() -> None:
    profile = profile_definition({"start": [command("hello"), SESSION], "repeat": [command("tick", body={"n": 1})]})

    async def story() -> None:
        async with Town().alive() as town:
            again = Errand("repeat", profile, context("run-1", town.house.now))
            town.asks(BOB, SCALE, "claim")
            town.shop.perform(again)
            await town.waits("alice", SCALE)
            town.call_off()
            assert (await town.outcome()).delivered == 0
            town.shop.perform(again)
            await town.waits("alice", SCALE)
            town.asks(BOB, SCALE, "release")
            assert (await town.outcome()).code is None
            town.shop.perform(again)
            assert (await town.outcome()).code is None
            fence = await town.holds("alice", SCALE)
            assert town.commands() == [{"n": 1, "fence": fence}] * 2

    run(story())


def test_what_a_run_claimed_before_the_server_was_killed_is_its_own() -> None:
    async def story() -> None:
        async with Town().alive() as town:
            fence = town.asks(ALICE, SCALE, "claim", client="run-1", id="before")["fence"]
            assert (await town.does(SESSION, command())).code is None
            town.asks(BOB, PRINTER, "claim")
            town.asks(ALICE, PRINTER, "claim", client="run-1", wait=True, id="killed")
            town.begin(command(device=PRINTER))
            await town.until(
                lambda: (waiter := town.house.session(PRINTER).waiter("alice")) and waiter.asked.id != "killed", "it"
            )
            town.asks(BOB, PRINTER, "release")
            assert (await town.outcome()).code is None
            await town.free(PRINTER)
            assert [each["fence"] for each in town.commands()] == [fence]
            town.over()
            await town.free(SCALE)

    run(story())


def test_a_run_that_is_over_gives_back_what_it_holds() -> None:
    async def story() -> None:
        async with Town().alive() as town:
            await town.does(SESSION)
            done = await town.does(command(wait_s=0.05), run="run-3")
            assert (done.code, done.message) == (
                "busy",
                "start.0.command: scale-1 was in use by another run of alice for 0.05 s",
            )
            town.begin(command(), run="run-2")
            town.over()
            assert (await town.outcome("run-2")).code is None, "another run of the same owner had waited for it"
            assert [each["fence"] for each in town.commands()] == [2]
            await town.free(SCALE)

    run(story())


def test_what_is_lost_is_not_used_nor_taken_from_who_has_it_now() -> None:
    async def story() -> None:
        async with Town().alive() as town:
            await town.does(SESSION)
            town.asks(ROOT, SCALE, "kick")
            fence = town.asks(BOB, SCALE, "claim")["fence"]
            done = await town.does(command(), phase="repeat")
            assert (done.code, town.commands()) == ("not_holder", [])
            town.over()
            await town.does(command(device=PRINTER), run="run-2")
            running = town.house.session(SCALE).running
            assert running is not None
            assert (running.holder, running.fence) == ("bob", fence)

    run(story())


def test_who_loses_it_to_an_admin_does_not_get_it_back_unused() -> None:
    async def story() -> None:
        async with Town().alive() as town:
            await town.does(SESSION)
            assert town.asks(ROOT, SCALE, "preempt", requeue=True)["code"] == "granted"
            await town.until(lambda: not town.house.session(SCALE).queue, "the run waits no longer")
            assert town.house.session(SCALE).holder == "root"

    run(story())


def test_a_session_outlives_its_lease_and_the_apps_of_its_owner() -> None:
    policy = Policy(lease_s=0.3, grace_s=10.0)

    async def story() -> None:
        async with Town(policy).alive() as town:
            await town.does(SESSION)
            for _ in range(5):
                renewed = len([send for send in town.sent if send.topic.endswith("/session/reply/alice")])
                await town.until(
                    lambda: len([send for send in town.sent if send.topic.endswith("/session/reply/alice")]) > renewed,  # noqa: B023
                    "a renewal",
                )
                town.passes(0.2)
            town.inbox.add(UserLost("alice"))
            await town.until(lambda: any(b'"event":"lost"' in send.payload for send in town.sent), "alice is lost")
            await town.until(lambda: any(b'"event":"returned"' in send.payload for send in town.sent), "she is back")
            assert town.house.session(SCALE).state == "active"

    run(story())


def test_who_waits_though_its_apps_are_gone_goes_on_waiting() -> None:
    async def story() -> None:
        async with Town().alive() as town:
            town.asks(BOB, SCALE, "claim")
            town.begin(command())
            first = (await town.until(lambda: town.house.session(SCALE).waiter("alice"))).asked.id
            town.inbox.add(UserLost("alice"))
            await town.until(
                lambda: (waiter := town.house.session(SCALE).waiter("alice")) and waiter.asked.id != first, "another"
            )
            town.asks(BOB, SCALE, "release")
            assert (await town.outcome()).code is None

    run(story())


def test_a_result_is_waited_for() -> None:
    async def story() -> None:
        async with Town().alive() as town:
            town.begin(command(result_s=60))
            await town.until(town.commands)
            town.says(f"devices/{SCALE}/result", {"fence": 1, "output": {"kg": 7}})
            assert (await town.does(command(device=PRINTER), run="run-2")).code is None
            assert town.told == [], "by now the first one had its chance, too"
            town.says(f"devices/{SCALE}/result", {"fence": 1, "complete": True})
            assert (await town.outcome()).code is None
            await town.free(SCALE)
            done = await town.does(command(result_s=0.1))
            assert (done.code, done.delivered) == ("timed_out", 0)
            await town.free(SCALE)

    run(story())


def test_a_result_does_not_come_after_the_device_is_lost() -> None:
    async def story() -> None:
        async with Town().alive() as town:
            town.begin(command(result_s=60))
            await town.until(town.commands)
            town.asks(ROOT, SCALE, "kick")
            assert (await town.outcome()).code == "not_holder"

    run(story())


def test_in_one_session_each_command_has_a_result_of_its_own() -> None:
    async def story() -> None:
        async with Town().alive() as town:
            await town.does(SESSION)
            for number in (1, 2):
                town.begin(command(result_s=60))
                await town.until(lambda: len(town.commands()) == number)  # noqa: B023
                job = town.house.session(SCALE).running
                assert job is not None
                assert not job.complete
                assert (await town.does(command(device=PRINTER), run="run-2")).code is None
                assert town.told == [], "the result of before is not its own"
                town.says(f"devices/{SCALE}/result", {"fence": 1, "complete": True})
                assert (await town.outcome()).code is None

    run(story())


def test_a_session_whose_work_is_done_is_over_and_the_next_command_claims_anew() -> None:
    async def story() -> None:
        async with Town().alive() as town:
            await town.does(SESSION)
            town.says(f"devices/{SCALE}/result", {"fence": 1, "complete": True})
            town.passes(11)
            assert town.house.session(SCALE).running is None
            assert (await town.does(command())).code is None
            assert town.commands() == [{"fence": 2}]
            await town.free(SCALE)

    run(story())


def test_who_asks_too_much_is_only_slower() -> None:
    async def story() -> None:
        async with Town(quotas=Limits(claims_per_minute=120)).alive() as town:
            while town.asks(ALICE, PRINTER, "claim")["ok"]:
                pass
            town.begin(command())
            await town.until(lambda: sum(b'"rate_limited"' in send.payload for send in town.sent) >= 2, "a refusal")
            assert town.told == []
            town.passes(60)
            assert (await town.outcome()).code is None

    run(story())


def test_a_listener_and_somebody_who_is_gone_do_nothing() -> None:
    async def story() -> None:
        async with Town().alive() as town:
            for owner, code in (("ears", "forbidden"), ("nobody", "unknown_principal"), (SCALE, "forbidden")):
                done = await town.does(command(), {"do": "publish", "topic": "x"}, owner=owner)
                assert (done.code, done.failed, done.delivered) == (code, 1, 0)
            town.asks(BOB, SCALE, "claim")
            town.begin(command())
            await town.waits("alice", SCALE)
            town.house.knows({name: who for name, who in EVERYBODY.items() if name != "alice"})
            town._act(town.house.commit())
            assert (await town.outcome()).code is not None, "it waits no longer"

    run(story())


# Called off


def test_who_waits_in_the_queue_leaves_it() -> None:
    async def story() -> None:
        async with Town().alive() as town:
            town.asks(BOB, SCALE, "claim")
            town.begin(command())
            await town.waits("alice", SCALE)
            town.call_off()
            done = town.told or [await town.outcome()]
            assert (done[0].code, done[0].delivered) == (None, 0)
            await town.until(lambda: not town.house.session(SCALE).queue)

    run(story())


def test_a_claim_that_is_granted_in_that_very_moment_is_given_back() -> None:
    async def story() -> None:
        async with Town().alive() as town:
            town.asks(BOB, SCALE, "claim")
            town.begin(command())
            await town.waits("alice", SCALE)
            town.house.asks(BOB, SCALE, "release")  # alice has it, and nobody has told her yet
            town.call_off()
            town._act(town.house.commit())
            assert (await town.outcome()).code is None
            await town.free(SCALE)
            assert town.commands() == []

    run(story())


def test_a_claim_that_is_under_way_is_given_back() -> None:
    async def story() -> None:
        async with Town().alive() as town:
            town.begin(command())
            await asyncio.sleep(0)  # it has asked, and nobody has read that
            town.call_off()
            assert (await town.outcome()).code is None
            await town.until(lambda: town.house.session(SCALE).fence == 1, "the claim")
            await town.free(SCALE)
            assert town.commands() == []

    run(story())


def test_whose_turn_it_is_not_waits_no_longer() -> None:
    async def story() -> None:
        async with Town().alive() as town:
            await town.does(SESSION)
            town.begin(command(), run="run-2")
            town.begin(command(), run="run-3")
            await asyncio.sleep(0)
            town.call_off("run-2")
            assert (await town.outcome("run-2")).delivered == 0
            town.over()
            assert (await town.outcome("run-3")).code is None
            assert town.commands() == [{"fence": 2}]

    run(story())


def test_who_waits_for_a_result_gives_the_device_back() -> None:
    async def story() -> None:
        async with Town().alive() as town:
            town.begin(command(), command("next", result_s=60), command("never"))
            await town.until(lambda: len(town.commands()) == 2)
            town.call_off()
            done = await town.outcome()
            assert (done.code, done.delivered) == (None, 1)
            await town.free(SCALE)
            assert len(town.commands()) == 2

    run(story())


def test_what_follows_a_call_off_comes_after_it_is_undone() -> None:
    async def story() -> None:
        async with Town().alive() as town:
            await town.does(SESSION)
            town.begin(command(result_s=60), phase="repeat")
            await town.until(town.commands)
            town.shop.perform(CallOff("run-1"))
            town.begin(command("bye"), phase="end")
            ended = await town.until(lambda: town.told[1:] and town.told)
            assert [(done.phase, done.code) for done in ended] == [("repeat", None), ("end", None)]
            assert [each["fence"] for each in town.commands()] == [1, 1]
            assert town.house.session(SCALE).running is None

    run(story())


def test_the_server_stops_and_nobody_keeps_anything() -> None:
    async def story() -> None:
        town = Town()
        async with town.alive():
            town.asks(BOB, PRINTER, "claim")
            await town.does(SESSION)
            town.begin(command(device=PRINTER), run="run-2")
            await town.waits("alice", PRINTER)
        assert town.house.session(SCALE).running is None
        assert town.house.session(PRINTER).queue == ()
        assert town.told == [], "nobody knows how it would have ended"
        town.begin(command(), run="run-3")
        assert town.told == []

    run(story())
