"""Data go on from the holder whom the world was told of, and from nobody else."""

import json
from collections.abc import Mapping
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.core.access import MAX_PAYLOAD
from backend.core.engine import Arrived, Send
from backend.core.facts import DirectoryChanged, FloorUsed
from backend.core.floors import rules_of
from backend.core.measures import ChannelCount
from backend.features.channels.feature import Relay, desk, relay
from tests.strategies import json_objects

NOW = 1_700_000_000.0
PER_S = 5.0


def document(holder: str | None, fence: int, channel: str = "stage") -> Send:
    """Return the session document of a channel, as far as the relay reads it."""
    body = {"state": "active" if holder else "free", "holder": holder, "holder_name": holder and holder.title()}
    return Send(f"channels/{channel}/session", json.dumps({**body, "fence": fence}).encode(), retain=True)


def stage(holder: str | None = "alice", fence: int = 3) -> Relay:
    made = Relay(lambda _channel: PER_S)
    made.learn([document(holder, fence)])
    return made


def data(who: str, body: bytes | Mapping[str, Any], channel: str = "stage", *, retained: bool = False) -> Arrived:
    payload = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Arrived(f"channels/{channel}/data/{who}", payload, retained)


def said(relay_: Relay, message: Arrived, now: float = NOW) -> dict[str, dict[str, Any]]:
    """Return what is sent at once, by topic."""
    sends = relay_.take(message, now)
    assert sends is not None
    assert not any(send.retain for send in sends)
    return {send.topic: json.loads(send.payload) for send in sends}


def reply(relay_: Relay, message: Arrived, now: float = NOW) -> dict[str, Any]:
    """Return the only thing that is sent: the answer to who sent it."""
    sent = said(relay_, message, now)
    assert list(sent) == [message.topic.replace("/data/", "/session/reply/")]
    return next(iter(sent.values()))


def is_passed(relay_: Relay, message: Arrived, now: float = NOW) -> bool:
    return "channels/stage/broadcast" in said(relay_, message, now)


# The way of the data


def test_data_of_the_holder_go_to_all_and_are_acknowledged() -> None:
    body = {"id": "d1", "fence": 3, "gps": [1, 2]}
    assert said(stage(), data("alice", body)) == {
        "channels/stage/broadcast": {
            "sender": "alice",
            "name": "Alice",
            "fence": 3,
            "seq": 1,
            "at": "2023-11-14T22:13:20.000Z",
            "data": body,
        },
        "channels/stage/session/reply/alice": {"id": "d1", "ok": True, "code": "ack", "seq": 1},
    }


def test_data_need_neither_id_nor_fence() -> None:
    sent = said(stage(), data("alice", {}))
    assert sent["channels/stage/session/reply/alice"] == {"ok": True, "code": "ack", "seq": 1}


def test_each_channel_counts_what_it_passed_on() -> None:
    both = stage()
    both.learn([document("bob", 1, "other")])
    for expected in (1, 2, 3):
        sent = said(both, data("alice", {}), NOW + expected)
        assert sent["channels/stage/broadcast"]["seq"] == expected
    assert said(both, data("bob", {}, "other"))["channels/other/broadcast"]["seq"] == 1


@given(json_objects())
def test_data_arrive_as_they_were_sent(body: dict[str, Any]) -> None:
    body.pop("fence", None)
    message = data("alice", body)
    sent = said(stage(), message)["channels/stage/broadcast"]
    assert sent["data"] == json.loads(message.payload)


def test_names_are_quoted() -> None:
    made = stage()
    body = {"state": "active", "holder": "eve", "holder_name": 'E%d"v\\e\n', "fence": 4}
    made.learn([Send("channels/stage/session", json.dumps(body).encode(), retain=True)])
    assert said(made, data("eve", {}))["channels/stage/broadcast"]["name"] == 'E%d"v\\e\n'


@pytest.mark.parametrize("topic", ["devices/scale-1/result", "channels/stage/session/request/alice", "channels/stage"])
def test_what_is_no_data_is_left_to_others(topic: str) -> None:
    assert stage().take(Arrived(topic, b"{}"), NOW) is None


# Who is rejected


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        (data("bob", {"id": "x"}), "not_holder"),
        (data("alice", {"id": "x", "fence": 2}), "stale_fence"),
        (data("alice", {"id": "x", "fence": True}), "stale_fence"),
        (data("alice", {"id": "x"}, "nowhere"), "unknown_channel"),
        (data("alice", {"id": "x", "pad": "x" * (MAX_PAYLOAD - 64)}), "too_large"),
        (data("alice", {"id": "x"}, retained=True), "retained"),
    ],
)
def test_others_are_told_why_not(message: Arrived, reason: str) -> None:
    made = stage()
    told = reply(made, message)
    assert (told["id"], told["ok"], told["code"], told["reason"]) == ("x", False, "rejected", reason)
    assert told["message"]
    assert made.rejected == {reason: 1}
    assert is_passed(made, data("alice", {}))


@pytest.mark.parametrize("payload", [b"", b"nonsense", b"[]", b'"x"', b"{\xff}", b'{"x":NaN}', b'{"x":1e999}'])
def test_what_is_no_json_object_is_rejected_without_an_id(payload: bytes) -> None:
    told = reply(stage(), data("alice", payload))
    assert "id" not in told
    assert told["reason"] == "bad_json"


def test_a_payload_over_the_limit_is_too_large() -> None:
    assert reply(stage(), data("alice", b"{" + b" " * MAX_PAYLOAD + b"}"))["reason"] == "too_large"


def test_what_is_passed_on_fits_into_a_message() -> None:
    for size in range(MAX_PAYLOAD - 300, MAX_PAYLOAD, 25):
        sends = stage().take(data("alice", b'{"x":"' + b"x" * size + b'"}'), NOW)
        assert sends is not None
        assert all(len(send.payload) <= MAX_PAYLOAD for send in sends)


@pytest.mark.parametrize("topic", ["channels/Stage/data/alice", "channels/stage/data/Alice"])
def test_who_has_no_valid_name_is_not_answered(topic: str) -> None:
    assert stage().take(Arrived(topic, b"{}"), NOW) == []


def test_nobody_may_send_where_nobody_holds_the_floor() -> None:
    assert reply(stage(holder=None), data("alice", {}))["reason"] == "not_holder"


# Whose the floor is


def test_the_floor_goes_from_one_to_the_next() -> None:
    made = stage()
    assert is_passed(made, data("alice", {"fence": 3}))
    made.learn([document("bob", 4)])
    assert reply(made, data("alice", {"fence": 3}))["reason"] == "not_holder"
    sent = said(made, data("bob", {"fence": 4}))["channels/stage/broadcast"]
    assert (sent["sender"], sent["fence"], sent["seq"]) == ("bob", 4, 2), "the sequence is the channel's"


def test_who_gets_the_floor_again_has_another_fence() -> None:
    made = stage()
    made.learn([document("alice", 4)])
    assert reply(made, data("alice", {"fence": 3}))["reason"] == "stale_fence"
    assert is_passed(made, data("alice", {"fence": 4}))


def test_a_channel_that_is_removed_is_unknown() -> None:
    made = stage()
    made.take(data("alice", {}), NOW)
    made.learn([Send("channels/stage/session", b"", retain=True)])
    assert reply(made, data("alice", {}))["reason"] == "unknown_channel"
    assert made.tell(NOW + 1) == []


def test_only_retained_documents_of_channels_count() -> None:
    made = stage()
    made.learn([Send("channels/stage/session", document("bob", 9).payload)])
    made.learn([Send("devices/stage/session", document("bob", 9).payload, retain=True)])
    made.learn([Send("channels/stage/session/event", b"{}", retain=True)])
    assert is_passed(made, data("alice", {"fence": 3}))


# How fast


def test_a_sender_has_a_pace() -> None:
    made = stage()
    passed = [is_passed(made, data("alice", {}), NOW + number / 100) for number in range(100)]
    assert passed[:5] == [True] * 5, "one second's worth at once"
    assert sum(passed) == 9
    told = reply(made, data("alice", {"id": "x"}), NOW + 0.995)
    assert told["reason"] == "rate_limited"
    assert is_passed(made, data("alice", {}), NOW + 0.995 + told["retry_in_s"])


@given(st.lists(st.floats(0, 3), max_size=60))
def test_never_more_goes_on_than_the_pace_allows(pauses: list[float]) -> None:
    made, now, passed = stage(), NOW, list[float]()
    for pause in pauses:
        now += pause
        passed += [now] if is_passed(made, data("alice", {}), now) else []
    for number, first in enumerate(passed):
        for count, last in enumerate(passed[number:], 1):
            assert count <= PER_S * (last - first + 1) + 1e-3


def test_a_channel_may_have_a_pace_of_its_own() -> None:
    channels = desk()
    rules = {"channels/stage": rules_of({"data_per_s": 1, "idle_s": 5}), "devices/stage": rules_of({"data_per_s": 9})}
    channels.handle(DirectoryChanged(frozenset(), frozenset(), frozenset({"stage", "other"}), rules), NOW)
    made = relay(channels, PER_S)
    made.learn([document("alice", 3)])
    made.learn([document("alice", 1, "other")])
    assert is_passed(made, data("alice", {}))
    assert not is_passed(made, data("alice", {}))
    for _ in range(5):
        assert len(said(made, data("alice", {}, "other"))) == 2


# What comes twice


def test_the_same_id_is_acknowledged_again_and_not_passed_on_again() -> None:
    made = stage()
    first = said(made, data("alice", {"id": "d1"}))["channels/stage/session/reply/alice"]
    assert reply(made, data("alice", {"id": "d1"})) == first
    assert said(made, data("alice", {"id": "d2"}))["channels/stage/broadcast"]["seq"] == 2


def test_ids_are_remembered_for_a_while_and_for_one_session() -> None:
    made = stage()
    for number in range(101):
        assert is_passed(made, data("alice", {"id": f"d{number}"}), NOW + number)
    assert not is_passed(made, data("alice", {"id": "d100"}), NOW + 200)
    assert is_passed(made, data("alice", {"id": "d0"}), NOW + 200)
    made.learn([document("alice", 4)])
    assert is_passed(made, data("alice", {"id": "d100"}), NOW + 200)


# What the floor hears of it


def test_use_is_told_at_once_then_once_a_second_and_the_last_one_is_not_forgotten() -> None:
    made = stage()
    assert made.due() is None
    for late, told in ((0.0, True), (0.4, False), (0.8, False), (1.0, True)):
        assert is_passed(made, data("alice", {}), NOW + late)
        assert made.tell(NOW + late) == ([FloorUsed("channels/stage", 3)] if told else [])
    assert made.due() is None
    assert is_passed(made, data("alice", {}), NOW + 1.2)
    assert made.due() == NOW + 2.0
    assert made.tell(NOW + 1.9) == []
    assert made.tell(NOW + 2.0) == [FloorUsed("channels/stage", 3)]
    assert made.due() is None


def test_what_was_rejected_is_no_use() -> None:
    made = stage()
    reply(made, data("bob", {}))
    assert made.due() is None


def test_the_use_of_a_session_that_is_over_is_told_no_more() -> None:
    made = stage()
    assert is_passed(made, data("alice", {}))
    made.learn([document("bob", 4)])
    assert made.due() is None
    assert is_passed(made, data("bob", {}))
    assert made.tell(NOW) == [FloorUsed("channels/stage", 4)]


def test_an_update_of_the_document_changes_nothing() -> None:
    made = stage()
    assert is_passed(made, data("alice", {"id": "d1"}))
    made.learn([document("alice", 3)])
    assert made.due() == NOW
    assert not is_passed(made, data("alice", {"id": "d1"}))


@given(st.lists(st.floats(0, 2), max_size=40))
def test_no_use_waits_longer_than_a_second(pauses: list[float]) -> None:
    made, now, told = stage(), NOW, list[float]()
    for pause in pauses:
        until = now + pause
        while (due := made.due()) is not None and due <= until:
            now = max(now, due)
            told += [now for _ in made.tell(now)]
        now = until
        if is_passed(made, data("alice", {}), now):
            due = made.due()
            assert due is not None
            assert due <= now + 1.0
    assert all(later - earlier >= 0.999 for earlier, later in pairwise(told))


# What is counted


def test_each_channel_is_counted_and_each_reason() -> None:
    made = stage()
    for message in (data("alice", {}), data("alice", {}), data("bob", {}), data("bob", b"x"), data("bob", {}, "gone")):
        made.take(message, NOW)
    assert made.counts(NOW) == {"stage": ChannelCount(2, 2, {"not_holder": 1, "bad_json": 1})}
    assert made.counts(NOW + 100)["stage"].per_minute == 0
    assert made.rejected == {"not_holder": 1, "bad_json": 1, "unknown_channel": 1}
