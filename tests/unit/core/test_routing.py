"""The route table: what is read, what is refused, and what no two routes share."""

import json
import re
from itertools import combinations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from backend.app.table import TABLE
from backend.core.refusals import Code, Refused
from backend.core.routing import Party, Retain, Route, parse_object
from backend.core.topics import is_filter, overlaps
from tests.strategies import json_objects


def code_of(payload: bytes) -> Code:
    with pytest.raises(Refused) as refused:
        parse_object(payload)
    return refused.value.code


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b" ",
        b"null",
        b"[]",
        b"1",
        b'"a"',
        b"true",
        b"{",
        b"{}{}",
        b'{"a":}',
        b"{'a':1}",
        b'{"a":NaN}',
        b'{"a":Infinity}',
        b'{"a":-Infinity}',
        b'{"a":"\xff"}',
        b'{"a":"\\ud800"}',
        b"\xef\xbb\xbf{}",
        '{"a":1}'.encode("utf-16"),
        b'{"a":' * 1000 + b"1" + b"}" * 1000,
        b'{"a":' + b"[" * 100_000,
        b'{"a":' + b"9" * 10_000 + b"}",
    ],
)
def test_what_is_no_json_object_is_refused(payload: bytes) -> None:
    assert code_of(payload) is Code.BAD_JSON


@pytest.mark.parametrize("number", [b"1e999", b"-1e999", b"1" + b"0" * 400 + b".0"])
def test_a_number_too_large_to_be_one_is_refused_as_infinity_is(number: bytes) -> None:
    assert code_of(b'{"a":{"b":[' + number + b"]}}") is Code.BAD_JSON


@given(st.binary(max_size=40))
@example(b'{"a":1}')
def test_any_bytes_are_an_object_or_refused(payload: bytes) -> None:
    try:
        expected = json.loads(payload.decode())
    except ValueError:
        expected = None
    if isinstance(expected, dict) and b"\\ud" not in payload:
        assert parse_object(payload) == expected
    else:
        assert code_of(payload) is Code.BAD_JSON


@given(json_objects())
def test_what_was_said_is_read(body: dict[str, object]) -> None:
    assert parse_object(json.dumps(body).encode()) == body


def test_no_topic_belongs_to_two_routes() -> None:
    shared = [
        (one.topic.template, other.topic.template)
        for one, other in combinations(TABLE.routes, 2)
        if overlaps(one.topic.filter, other.topic.filter)
    ]
    assert shared == []


@pytest.mark.parametrize("route", TABLE.routes, ids=lambda route: route.topic.template)
def test_every_route_is_found_described_and_well_formed(route: Route) -> None:
    levels = dict.fromkeys(route.topic.names, "x1")
    topic = route.topic.at(**levels)
    assert TABLE.find(topic) == (route, levels)
    assert is_filter(route.topic.filter)
    assert not topic.startswith("$")
    assert route.summary.endswith((".", "?"))
    assert route.readers


@pytest.mark.parametrize("route", TABLE.routes, ids=lambda route: route.topic.template)
def test_requests_say_where_the_answer_goes_and_commands_who_guards_them(route: Route) -> None:
    is_request = "/request/" in route.topic.template
    assert (route.reply is not None) is is_request
    assert (route.guard is not None) is (route.writer is Party.HOLDER)
    if route.reply is not None:
        assert route.reply.template == route.topic.template.replace("/request/", "/reply/")
        assert route.reply in [other.topic for other in TABLE.routes]
    if route.guard is not None:
        (guarding,) = (other for other in TABLE.routes if other.topic == route.guard)
        assert guarding.retain is Retain.ALWAYS
        assert guarding.writer is Party.BACKEND


def test_what_others_write_is_read_and_what_the_backend_writes_is_not() -> None:
    read = {topic_filter for topic_filter, _ in TABLE.subscriptions()}
    assert read == {route.topic.filter for route in TABLE.routes if route.writer is not Party.BACKEND}


def test_lossy_topics_are_read_at_qos_0_and_all_others_at_qos_1() -> None:
    assert {route.topic.template for route in TABLE.routes if route.handler is not None and route.qos == 0} == {
        "devices/{device}/audio/{turn}",
        "devices/{device}/telemetry",
        "devices/{device}/heartbeat",
    }


@pytest.mark.parametrize(
    "topic", ["", "devices", "devices/x", "devices/x/nonsense", "$SYS/broker", "x/devices/y/status"]
)
def test_unknown_topics_are_not_found(topic: str) -> None:
    assert TABLE.find(topic) is None


def asking(body: dict[str, object]) -> Refused:
    found = TABLE.find("devices/x/session/request/p")
    assert found is not None
    with pytest.raises(Refused) as refused:
        found[0].validate(body)
    return refused.value


@pytest.mark.parametrize("action", ["", "Claim", "fly", None, 1, [], {}, True])
def test_unknown_actions_are_refused_with_a_code(action: object) -> None:
    assert asking({"action": action}).code is Code.UNKNOWN_ACTION
    assert asking({}).code is Code.UNKNOWN_ACTION


def test_who_asks_for_something_unknown_is_told_what_there_is() -> None:
    assert asking({}).message == "the key action is missing"
    assert asking({"action": "clam"}).message.startswith("there is no action 'clam', only 'claim', ")


@pytest.mark.parametrize(
    ("body", "where"),
    [
        ({"action": "claim", "lease_s": "60"}, "lease_s"),
        ({"action": "claim", "lease_s": True}, "lease_s"),
        ({"action": "claim", "lease_s": 0}, "lease_s"),
        ({"action": "claim", "lease_s": -1}, "lease_s"),
        ({"action": "claim", "wait": 1}, "wait"),
        ({"action": "claim", "wait": "true"}, "wait"),
        ({"action": "claim", "input": []}, "input"),
        ({"action": "claim", "input": None}, "input"),
        ({"action": "claim", "type": ""}, "type"),
        ({"action": "claim", "type": "x" * 65}, "type"),
        ({"action": "claim", "id": 1}, "id"),
        ({"action": "claim", "id": ""}, "id"),
        ({"action": "claim", "id": "x" * 65}, "id"),
        ({"action": "update"}, "input"),
        ({"action": "update", "input": {}, "fence": -1}, "fence"),
        ({"action": "renew", "fence": 1.0}, "fence"),
        ({"action": "release", "fence": True}, "fence"),
        ({"action": "release", "fence": "1"}, "fence"),
        ({"action": "kick", "user": 1}, "user"),
    ],
)
def test_wrong_types_and_values_are_refused_and_the_key_is_named(body: dict[str, object], where: str) -> None:
    refused = asking(body)
    assert refused.code is Code.BAD_MESSAGE
    assert re.search(rf"\b{where}\b", refused.message)


def test_unknown_keys_are_ignored() -> None:
    found = TABLE.find("devices/x/session/request/p")
    assert found is not None
    assert found[0].validate({"action": "leave", "x": 1}) == found[0].validate({"action": "leave"})
