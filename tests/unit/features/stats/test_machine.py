"""What happens is counted, and published whenever something was measured."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.core.automation import RunsCounted
from backend.core.desk import Desk, Effect
from backend.core.effects import Answer, Asked, Publish
from backend.core.facts import (
    BrokerCounted,
    ChannelAddressed,
    DirectoryChanged,
    FloorChanged,
    FloorOrdered,
    MessageRefused,
    PublishRefused,
    Resumed,
    SessionEnded,
    UserLost,
    UserOnline,
)
from backend.core.measures import ChannelCount, Measured, RequestCount, TriggerCount, VoiceCount, WorkerCount
from backend.core.principals import Principal
from backend.core.refusals import Code
from backend.features.stats.feature import desk
from backend.features.stats.machine import AdminAsked
from backend.features.stats.routes import ROUTES
from backend.features.stats.state import Stats
from tests.people import ALICE, EARS, ROOT

NOW = 1_700_000_000.0
NOTHING = Measured({}, {}, {})
HEARD_AND_SAID = VoiceCount(
    languages=["en", "es"],
    talking=3,
    waiting=1,
    final=RequestCount(9, 4, 0.0123, 0.05, 0.07),
    first_audio=RequestCount(8, 3, 0.15, 0.2, None),
    failed={"no_speech": 2},
)
DIRECTORY = DirectoryChanged(frozenset({"scale-1"}), frozenset(), frozenset({"stage", "idle"}))
ASKED = Asked("backend/request/root", "backend/reply/root", "r1")
(REQUEST,) = (route for route in ROUTES if route.reply is not None)


@pytest.fixture
def stats() -> Desk[Stats]:
    made = desk()
    made.handle(Resumed(), NOW)
    made.handle(DIRECTORY, NOW)
    return made


def shown(stats: Desk[Stats], now: float = NOW) -> dict[str, Any]:
    """Return the retained document as it would be published now."""
    (said,) = stats.projection(now)
    assert said.topic == "backend/stats"
    assert said.retain
    assert said.body is not None
    return dict(json.loads(said.body.payload()))


def asks(stats: Desk[Stats], who: Principal, **body: object) -> list[Effect]:
    return stats.handle(AdminAsked(who, ASKED, REQUEST.validate(body)), NOW)


def answered(said: list[Effect]) -> dict[str, Any]:
    """Return the only answer."""
    (answer,) = [each for each in said if isinstance(each, Answer)]
    assert answer.asked == ASKED
    return dict(json.loads(answer.body.payload()))


# Counting


def test_at_first_there_is_nothing() -> None:
    assert shown(desk()) == {
        "uptime_s": 0.0,
        "users": None,
        "listeners": None,
        "devices": None,
        "apps": 0,
        "sessions": {"active": 0, "waiting": 0, "granted": 0, "ended": {}},
        "channels": {},
        "requests": {},
        "voice": None,
        "triggers": None,
        "workers": None,
        "broker": None,
        "refused": {},
    }


def test_it_is_published_when_something_was_measured_and_only_then(stats: Desk[Stats]) -> None:
    assert stats.deadline() is None
    assert stats.handle(MessageRefused(Code.BAD_JSON, "t"), NOW) == []
    (said,) = stats.handle(NOTHING, NOW + 2.5)
    assert isinstance(said, Publish)
    assert json.loads(said.body.payload() if said.body else b"") == shown(stats, NOW + 2.5)


def test_the_uptime_goes_on_when_the_broker_comes_back(stats: Desk[Stats]) -> None:
    stats.handle(Resumed(), NOW + 50)
    assert shown(stats, NOW + 60)["uptime_s"] == 60.0


def test_refusals_are_counted_by_code_wherever_they_were_noticed(stats: Desk[Stats]) -> None:
    stats.handle(MessageRefused(Code.BAD_JSON, "devices/x/result"), NOW)
    stats.handle(PublishRefused(Code.FORBIDDEN, "devices/x/session", "alice"), NOW)
    stats.handle(MessageRefused(Code.BAD_JSON, "devices/x/result"), NOW)
    stats.handle(Measured({}, {}, {"not_holder": 3, "bad_json": 1}), NOW)
    assert shown(stats)["refused"] == {"bad_json": 3, "forbidden": 1, "not_holder": 3}


def test_triggers_are_as_they_stand_and_their_runs_as_they_were_counted(stats: Desk[Stats]) -> None:
    stats.handle(RunsCounted(started=3, dropped=2), NOW)
    stats.handle(RunsCounted(started=1, ended=2, failed=1, coalesced=4), NOW)
    stats.handle(Measured({}, {}, {}, triggers=TriggerCount(5, 2, 7, running=2, waiting=6)), NOW)
    assert shown(stats)["triggers"] == {
        "triggers": 5,
        "active": 2,
        "subscriptions": 7,
        "running": 2,
        "waiting": 6,
        "started": 4,
        "ended": 2,
        "failed": 1,
        "dropped": 2,
        "coalesced": 4,
    }


def test_who_waits_for_a_worker_is_seen(stats: Desk[Stats]) -> None:
    stats.handle(Measured({}, {}, {}, workers=WorkerCount(64, 64, 3, 1.2345, 900, 40)), NOW)
    assert shown(stats)["workers"] == {
        "slots": 64,
        "busy": 64,
        "waiting": 3,
        "longest_wait_s": 1.2,
        "admitted": 900,
        "waited": 40,
    }


@given(st.lists(st.sampled_from(list(Code)), max_size=30))
def test_no_refusal_is_forgotten(history: list[Code]) -> None:
    stats = desk()
    for code in history:
        stats.handle(MessageRefused(code, "t"), NOW)
    assert shown(stats)["refused"] == {str(code): history.count(code) for code in sorted(set(history))}


def test_sessions_are_counted_on_all_floors(stats: Desk[Stats]) -> None:
    for fact in (
        FloorChanged("devices/scale-1", "alice", 0),
        FloorChanged("channels/stage", "bob", 2),
        FloorChanged("devices/scale-1", "alice", 1),
        SessionEnded("devices/scale-1", "released", 3.0),
        FloorChanged("devices/scale-1", "carol", 0),
        SessionEnded("devices/scale-1", "expired", 3.0),
        FloorChanged("devices/scale-1", None, 0),
    ):
        stats.handle(fact, NOW)
    assert shown(stats)["sessions"] == {
        "active": 1,
        "waiting": 2,
        "granted": 3,
        "ended": {"expired": 1, "released": 1},
    }
    assert set(stats.states[""].floors) == {"channels/stage"}, "idle devices cost nothing"


def test_each_channel_on_which_something_happened_is_shown(stats: Desk[Stats]) -> None:
    stats.handle(FloorChanged("channels/stage", "bob", 2), NOW)
    counts = {"stage": ChannelCount(7, 3, {"not_holder": 2}), "removed": ChannelCount(1, 1, {})}
    stats.handle(Measured({}, counts, {}), NOW)
    assert shown(stats)["channels"] == {
        "stage": {"sender": "bob", "waiting": 2, "messages": 7, "per_minute": 3, "rejected": {"not_holder": 2}}
    }


def test_requests_are_shown_in_milliseconds(stats: Desk[Stats]) -> None:
    stats.handle(Measured({"claim": RequestCount(9, 4, 0.00123, 0.002, None)}, {}, {}), NOW)
    assert shown(stats)["requests"] == {
        "claim": {"count": 9, "per_minute": 4, "p50_ms": 1.23, "p95_ms": 2.0, "p99_ms": None}
    }


def test_who_is_there_is_told_by_the_broker_and_by_the_apps(stats: Desk[Stats]) -> None:
    stats.handle(BrokerCounted(9, 8, 7, 6, users=3, listeners=2, devices=1), NOW)
    for fact in (UserOnline("alice"), UserOnline("bob"), UserOnline("alice"), UserLost("bob"), UserLost("carol")):
        stats.handle(fact, NOW)
    document = shown(stats)
    assert (document["users"], document["listeners"], document["devices"], document["apps"]) == (3, 2, 1, 1)
    assert document["broker"] == {"connections": 9, "sessions": 8, "retained": 7, "dropped": 6}


# What admins ask


@pytest.mark.parametrize("who", [ALICE, EARS])
@pytest.mark.parametrize(
    "body",
    [
        {"action": "stats"},
        {"action": "broadcast", "message": "x"},
        {"action": "kick", "floor": "devices/scale-1"},
    ],
)
def test_only_admins_are_answered(stats: Desk[Stats], who: Principal, body: dict[str, object]) -> None:
    said = asks(stats, who, **body)
    assert len(said) == 1
    assert answered(said)["code"] == "forbidden"


def test_the_counters_are_answered_as_they_are_published(stats: Desk[Stats]) -> None:
    stats.handle(FloorChanged("channels/stage", "bob", 2), NOW)
    stats.handle(Measured({}, {}, {}, HEARD_AND_SAID), NOW)
    reply = answered(asks(stats, ROOT, action="stats", id="r1"))
    assert (reply["id"], reply["ok"], reply["code"]) == ("r1", True, "stats")
    assert reply["stats"] == shown(stats)


def test_an_admin_speaks_to_everybody(stats: Desk[Stats]) -> None:
    said = asks(stats, ROOT, action="broadcast", message="Lunch!", kind="food")
    (published,) = [each for each in said if isinstance(each, Publish)]
    assert (published.topic, published.retain) == ("backend/broadcast", False)
    assert json.loads(published.body.payload() if published.body else b"") == {
        "kind": "food",
        "message": "Lunch!",
        "from": "root",
        "at": "2023-11-14T22:13:20.000Z",
    }
    assert answered(said)["code"] == "broadcast"


def test_an_admin_speaks_to_a_channel(stats: Desk[Stats]) -> None:
    said = asks(stats, ROOT, action="broadcast", message="Quiet, please", channel="stage")
    assert ChannelAddressed("stage", ROOT, "notice", "Quiet, please") in said
    assert answered(said)["ok"]
    said = asks(stats, ROOT, action="broadcast", message="Quiet, please", channel="nowhere")
    assert len(said) == 1
    assert answered(said)["code"] == "unknown_channel"


@pytest.mark.parametrize(
    ("body", "action", "user"),
    [
        ({"action": "kick", "floor": "channels/stage"}, "kick", None),
        ({"action": "kick", "floor": "channels/stage", "user": "bob"}, "kick", "bob"),
        ({"action": "promote", "floor": "channels/stage", "user": "bob"}, "promote", "bob"),
        ({"action": "demote", "floor": "channels/stage"}, "demote", None),
    ],
)
def test_an_order_on_a_floor_is_passed_on(
    stats: Desk[Stats], body: dict[str, object], action: Any, user: str | None
) -> None:
    assert asks(stats, ROOT, **body) == [FloorOrdered("channels/stage", ROOT, ASKED, action, user)]


@pytest.mark.parametrize(
    ("floor", "code"),
    [
        ("channels/scale-1", "unknown_channel"),
        ("devices/stage", "unknown_device"),
    ],
)
def test_an_order_on_a_floor_that_there_is_not_is_refused(stats: Desk[Stats], floor: str, code: str) -> None:
    assert answered(asks(stats, ROOT, action="demote", floor=floor))["code"] == code


def test_what_is_heard_and_said_is_shown_in_milliseconds(stats: Desk[Stats]) -> None:
    stats.handle(Measured({}, {}, {}, HEARD_AND_SAID), NOW)
    assert shown(stats)["voice"] == {
        "languages": ["en", "es"],
        "talking": 3,
        "waiting": 1,
        "final": {"count": 9, "per_minute": 4, "p50_ms": 12.3, "p95_ms": 50.0, "p99_ms": 70.0},
        "first_audio": {"count": 8, "per_minute": 3, "p50_ms": 150.0, "p95_ms": 200.0, "p99_ms": None},
        "failed": {"no_speech": 2},
    }
