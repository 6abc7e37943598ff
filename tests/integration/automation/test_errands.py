"""What is published, said and called; and what is told of an errand."""

import asyncio
import json
from collections.abc import Coroutine
from dataclasses import replace
from typing import Any

import pytest

from backend.core.access import Rulebook
from tests.integration.automation.town import PRINTER, SCALE, Town, command
from tests.integration.automation.web_server import Answer, web_server
from tests.people import ALICE, BOB, EVERYBODY
from tests.rig import WITHIN_S

CHANNEL_DATA = "channels/lab/data/{{ owner }}"
PUBLISH = {"do": "publish", "topic": CHANNEL_DATA, "body": {"hello": "{{ data.who }}"}}
SPEAK = {"do": "speak", "device": SCALE, "text": "Hello {{ data.who }}."}
BROKEN = {"do": "webhook", "url": "{{ data.url }}", "retries": 0}


def run(story: Coroutine[Any, Any, None]) -> None:
    asyncio.run(asyncio.wait_for(story, 60))


def test_a_message_is_published_as_its_owner_could() -> None:
    async def story() -> None:
        async with Town().alive() as town:
            done = await town.does(PUBLISH, {**PUBLISH, "body": "{{ trigger_name }} at {{ started_at|date }}"})
            assert (done.delivered, done.code) == (2, None)
            first, second = town.published
            assert (first.topic, first.payload, first.retain) == ("channels/lab/data/alice", b'{"hello":"Bob"}', False)
            assert second.payload == b"The PIR at 1970-01-12"

    run(story())


@pytest.mark.parametrize(
    ("topic", "retain", "owner", "code"),
    [
        ("devices/scale-1/command/tare", False, "alice", "forbidden"),
        ("devices/scale-1/command/tare", False, "root", "forbidden"),
        ("devices/scale-1/session", True, "alice", "forbidden"),
        ("devices/scale-1/session/request/bob", False, "alice", "forbidden"),
        ("channels/lab/data/alice", True, "alice", "retained"),
        ("channels/lab/data/{{ '+' }}", False, "alice", "unknown_topic"),
        ("$SYS/x", False, "root", "unknown_topic"),
        ("devices/Scale/telemetry", False, "root", "bad_id"),
    ],
)
def test_and_nothing_else(topic: str, retain: bool, owner: str, code: str) -> None:
    async def story() -> None:
        async with Town().alive() as town:
            action = {"do": "publish", "topic": topic, "body": {"fence": 1}, "retain": retain}
            done = await town.does(action, owner=owner)
            assert (done.code, done.failed, town.published) == (code, 1, [])

    run(story())


@pytest.mark.parametrize("prefix", ["", "lab1/"])
def test_outside_of_the_tree_its_owner_has_topics_of_its_own(prefix: str) -> None:
    async def story() -> None:
        async with Town(prefix=prefix).alive() as town:
            town.house.knows({**EVERYBODY, "alice": replace(ALICE, topics=("zigbee2mqtt/+/set",))})
            lamp = {"do": "publish", "topic": "zigbee2mqtt/lamp/set", "body": {"state": "ON"}, "retain": True}
            assert (await town.does(lamp, PUBLISH)).delivered == 2
            assert [(send.topic, send.retain) for send in town.published] == [
                ("zigbee2mqtt/lamp/set", True),
                ("channels/lab/data/alice", False),
            ]
            assert (await town.does({**lamp, "topic": "zigbee2mqtt/lamp/get"})).code == "unknown_topic"
            assert (await town.does(lamp, owner="bob")).code == "unknown_topic"
            assert (await town.does(lamp, owner="root")).code is None

    run(story())


def test_too_much_is_not_published() -> None:
    async def story() -> None:
        async with Town().alive() as town:
            body = ["{{ data.text }}"] * 10
            assert (await town.does({**PUBLISH, "body": body}, data={"text": "x" * 60_000})).code == "bad_template"
            assert town.published == []

    run(story())


def test_a_broker_that_is_away_is_waited_for() -> None:
    async def story() -> None:
        async with Town().alive() as town:
            town.away = 1
            assert (await town.does(PUBLISH)).delivered == 1
            assert len(town.published) == 1, "what was counted as delivered was"

    run(story())


def test_what_fails_stops_the_phase_unless_it_is_optional() -> None:
    async def story() -> None:
        async with Town().alive() as town:
            wrong = {"do": "publish", "topic": "nowhere"}
            done = await town.does({**wrong, "optional": True}, PUBLISH, wrong, PUBLISH)
            assert (done.delivered, done.failed, done.code) == (1, 2, "unknown_topic")
            why = "alice may not publish this to nowhere: unknown_topic; see `talkstick user topics alice`"
            assert done.message == f"start.0.publish: {why}"
            assert (await town.does()).code is None
            assert (await town.does({"do": "wait", "seconds": 0.001})).delivered == 0, "that delivers nothing"

    run(story())


def test_a_template_that_cannot_be_filled_is_told() -> None:
    async def story() -> None:
        async with Town().alive() as town:
            for action in (
                PUBLISH,
                {**PUBLISH, "topic": "{{ data.who }}"},
                {**SPEAK, "text": "{{ data.who }}"},
                command(body={"a": [{"b": "{{ data.who }}"}]}),
                command("{{ data.who }}"),
                {"do": "session", "device": SCALE, "input": {"who": "{{ data.who }}"}},
                {"do": "webhook", "url": "http://127.0.0.1:1", "headers": {"X": "{{ data.who }}"}},
            ):
                done = await town.does(action, data={})
                assert (done.code, done.message) == ("bad_template", f"start.0.{action['do']}: data.who is not there")
            assert town.house.session(SCALE).fence == 0, "nothing was claimed for it"

    run(story())


def test_what_fails_is_in_the_log_of_the_server(caplog: pytest.LogCaptureFixture) -> None:
    async def story() -> None:
        async with Town().alive() as town:
            await town.does(PUBLISH, data={})
            await town.does(PUBLISH, data={"who": "Ada"})

    with caplog.at_level("INFO"):
        run(story())
    failed = [each.getMessage() for each in caplog.records if each.name.endswith("errands")]
    assert len(failed) == 1
    assert failed[0].endswith("bad_template: start.0.publish: data.who is not there")


def test_a_bug_is_ours_and_fails_the_action_only(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def judge(*_: object, **__: object) -> None:
        raise ZeroDivisionError

    async def story() -> None:
        async with Town().alive() as town:
            with monkeypatch.context() as patched:
                patched.setattr(Rulebook, "publish", judge)
                done = await town.does(PUBLISH)
            assert (done.code, done.message) == ("action_failed", "start.0.publish: an action of the profile failed")
            assert (await town.does(PUBLISH)).code is None

    run(story())
    assert "this is a bug in Talkstick" in caplog.text
    assert "ZeroDivisionError" in caplog.text


# Speech


def test_a_device_speaks_as_soon_as_it_can() -> None:
    async def story() -> None:
        async with Town().alive() as town:
            town.speaks = False
            town.begin({**SPEAK, "language": "en"})
            await town.until(lambda: town.house.talker(SCALE).announcing)
            assert town.told == []
            (asked,) = town.house.talker(SCALE).announcing
            town.announced(asked, SCALE)
            assert (await town.outcome()).delivered == 1
            town.speaks = True
            assert (await town.does(SPEAK, SPEAK)).delivered == 2

    run(story())


def test_a_device_that_cannot_speak_now_is_told_of() -> None:
    async def story() -> None:
        async with Town().alive() as town:
            town.speaks = False
            done = await town.does({**SPEAK, "wait_s": 0.1})
            assert (done.code, done.message) == (
                "timed_out",
                "start.0.speak: scale-1 did not begin to speak within 0.1 s",
            )
            for device, code in (("scale-9", "unknown_device"), ("{{ 'no such' }}", "bad_id")):
                assert (await town.does({**SPEAK, "device": device})).code == code
            town.begin(SPEAK, run="run-2")
            await town.until(lambda: len(town.house.talker(SCALE).announcing) == 2)
            town.call_off("run-2")
            assert (await town.outcome("run-2")).code is None

    run(story())


# The network


def test_a_webhook_is_called() -> None:
    async def story() -> None:
        async with web_server() as site, Town().alive() as town:
            data = {"page": "hook", "key": "k-1", "level": 7}
            hook = {"do": "webhook", "url": f"{site.url}/{{{{ data.page }}}}", "headers": {"X-Key": "{{ data.key }}"}}
            done = await town.does(
                {**hook, "body": {"level": "{{ data.level }}"}},
                {**hook, "body": "level {{ data.level }}", "method": "PUT"},
                {**hook, "method": "GET"},
                {**hook, "body": [1], "headers": {"content-type": "text/x"}},
                data=data,
            )
            assert done.delivered == 4
            assert [(each.method, each.body) for each in site.asked] == [
                ("POST", b'{"level":7}'),
                ("PUT", b"level 7"),
                ("GET", b""),
                ("POST", b"[1]"),
            ]
            assert [each.headers.get("content-type") for each in site.asked] == [
                "application/json",
                None,
                None,
                "text/x",
            ]
            assert site.asked[0].headers["x-key"] == "k-1"

    run(story())


def test_one_that_fails_is_told_and_one_that_hangs_is_called_off() -> None:
    async def story() -> None:
        async with web_server() as site, web_server() as other, Town().alive() as town:
            data = {"url": f"{site.url}/secret"}
            site.will(Answer(404), Answer(hangs=True))
            done = await town.does(BROKEN, data=data)
            assert (done.code, done.message) == ("unreachable", f"start.0.webhook: {site.url} answered 404")
            assert (await town.does({**BROKEN, "timeout_s": 0.05}, data=data)).code == "timed_out"
            other.will(Answer(hangs=True))
            town.begin(PUBLISH, BROKEN, PUBLISH, data={"url": other.url, "who": "Bob"})
            await asyncio.wait_for(other.arrived.wait(), WITHIN_S)
            town.call_off()
            assert (await town.outcome()).delivered == 1
            await asyncio.wait_for(other.gone.wait(), WITHIN_S)
            assert len(town.published) == 1, "what comes after it is not done"

    run(story())


# What is told


def test_each_errand_is_told_of_once() -> None:
    async def story() -> None:
        async with Town().alive() as town:
            town.asks(BOB, SCALE, "claim")
            town.begin(command())
            town.call_off()
            town.call_off()
            town.over()
            town.over()
            town.call_off("never-begun")
            town.over("never-begun")
            town.begin(PUBLISH, run="run-2")
            await town.outcome("run-2")
            assert [done.session for done in town.told] == ["run-1"]
            await town.until(lambda: not town.house.session(SCALE).queue)

    run(story())


def test_errands_that_are_over_leave_nothing_behind() -> None:
    async def story() -> None:
        async with Town().alive() as town:
            for number in range(50):
                town.begin(PUBLISH, command(device=(SCALE, PRINTER)[number % 2]), run=f"run-{number}")
            town.call_off("run-7")
            await town.until(lambda: len(town.told) == 50)
            town.asks(ALICE, SCALE, "claim")
            for number in range(50):
                town.over(f"run-{number}")
            await town.at_rest()
            assert town.deeds._asked == {}
            assert json.loads(town.published[0].payload) == {"hello": "Bob"}

    run(story())
