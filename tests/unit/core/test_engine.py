"""Messages in, messages out: whatever arrives is answered or counted, and nothing half-happens."""

import json
from functools import cache
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine as Database

from backend.app.table import TABLE
from backend.core.engine import Arrived, Engine, Send, asked_by, not_stored
from backend.core.facts import DeviceHeard, Fact, PublishRefused
from backend.core.messages import Message
from backend.core.refusals import Code
from backend.core.routing import Party, Route, RouteTable
from backend.core.topics import Topic
from backend.features.directory.feature import DirectoryLoaded, Listing, desk
from tests.house import House, answer_to, memory_database
from tests.people import ALICE, BOB, BOT, EARS, EVERYBODY, PRINTER, ROOT, SCALE
from tests.strategies import json_objects

REQUEST = "devices/scale-1/session/request/alice"
REPLY = "devices/scale-1/session/reply/alice"
STATUS = "devices/scale-1/status"
CLAIM = {"id": "c1", "action": "claim", "wait": True}


@pytest.fixture
def house(database: Database) -> House:
    """A house in which the scale is online."""
    made = House(database)
    made.receive(STATUS, {"state": "online", "boot": 1})
    made.commit()
    return made


def body_of(send: Send) -> dict[str, Any]:
    return dict(json.loads(send.payload))


def refused(house: House) -> dict[str, int]:
    """Return what was counted as refused."""
    (stats,) = (send for send in house.engine.projection(house.now) if send.topic == "backend/stats")
    return dict(body_of(stats)["refused"])


def only_answer(sends: list[Send]) -> dict[str, Any]:
    """Return the one reply to Alice, where nothing else may be sent."""
    (send,) = sends
    assert (send.topic, send.retain) == (REPLY, False)
    return body_of(send)


@cache
def shared_house() -> House:
    """Return a house for examples that change nothing."""
    return House(memory_database())


# What is refused


@pytest.mark.parametrize(
    ("payload", "code"),
    [
        (b"", "bad_json"),
        (b"nonsense", "bad_json"),
        (b"\xff\xfe", "bad_json"),
        (b"[]", "bad_json"),
        (b'{"id":"c1","action":"claim","input":{"x":NaN}}', "bad_json"),
        (b'{"id":"c1","action":"claim","input":{"x":1e999}}', "bad_json"),
        (b'{"id":"c1","action":"claim","input":' + b'{"a":' * 500 + b"1" + b"}" * 501, "bad_json"),
        (b'{"id":"c1","action":"claim","input":{"x":"' + b"y" * 256 * 1024 + b'"}}', "too_large"),
        (b'{"id":"c1","action":"claim","input":{"x":"' + b"y" * 65 * 1024 + b'"}}', "too_large"),
        (b'{"id":"c1"}', "unknown_action"),
        (b'{"id":"c1","action":"fly"}', "unknown_action"),
        (b'{"id":"c1","action":["claim"]}', "unknown_action"),
        (b'{"id":"c1","action":"claim","lease_s":"long"}', "bad_message"),
        (b'{"id":"c1","action":"claim","input":[]}', "bad_message"),
        (b'{"id":"c1","action":"update"}', "bad_message"),
        (b'{"id":"c1","action":"claim","for":"bob"}', "not_yourself"),
    ],
)
def test_a_bad_request_is_answered_counted_and_changes_nothing(house: House, payload: bytes, code: str) -> None:
    before = house.everything()["sessions"], house.everything()["presence"]
    reply = only_answer(house.receive(REQUEST, payload))
    assert (reply["ok"], reply["code"]) == (False, code)
    assert reply["message"]
    assert (house.everything()["sessions"], house.everything()["presence"]) == before
    assert refused(house) == {code: 1}


def test_a_key_that_there_is_not_is_ignored_and_the_answer_says_so(house: House) -> None:
    request = {"id": "c1", "action": "claim", "leas_s": 5, "type": "x"}
    reply = answer_to(house.receive(REQUEST, request), "scale-1", ALICE)
    assert (reply["code"], reply["ignored"]) == ("granted", ["leas_s: did you mean lease_s?"])
    assert only_answer(house.receive(REQUEST, request)) == reply
    refused = only_answer(house.receive(REQUEST, {"action": "leave", "nonsense": 1}))
    assert (refused["code"], refused["ignored"]) == ("not_waiting", ["nonsense"])
    assert "ignored" not in only_answer(house.receive(REQUEST, {"action": "leave"}))


@pytest.mark.parametrize("bad_id", [None, 1, 1.5, True, [], {}, "", "x" * 65])
def test_a_bad_id_is_not_echoed(house: House, bad_id: object) -> None:
    reply = only_answer(house.receive(REQUEST, {"id": bad_id, "action": "fly"}))
    assert "id" not in reply


@pytest.mark.parametrize("good_id", ["x" * 64, "\0", "é", " ", '"', "日本"])
def test_any_id_of_1_to_64_characters_is_echoed_and_remembered(house: House, good_id: str) -> None:
    reply = only_answer(house.receive(REQUEST, {"id": good_id, "action": "leave"}))
    assert (reply["id"], reply["code"]) == (good_id, "not_waiting")
    house.commit()
    house.restart()
    assert only_answer(house.receive(REQUEST, {"id": good_id, "action": "claim"})) == reply


def test_a_request_without_an_id_is_answered_each_time_anew(house: House) -> None:
    assert house.asks(ALICE, "scale-1", "claim")["code"] == "granted"
    assert house.asks(ALICE, "scale-1", "release")["code"] == "released"
    assert house.asks(ALICE, "scale-1", "release")["code"] == "not_holder"
    assert house.asks(ALICE, "scale-1", "claim")["fence"] == 2


@pytest.mark.parametrize(
    ("topic", "code"),
    [
        ("devices/nobody/session/request/alice", "unknown_device"),
        ("devices/alice/session/request/alice", "unknown_device"),
        ("devices/scale-1/session/request/nobody", "unknown_principal"),
        ("devices/scale-1/session/request/ears", "forbidden"),
        ("devices/scale-1/session/request/printer-1", "forbidden"),
        ("devices/Scale-1/session/request/alice", "bad_id"),
        (f"devices/{'x' * 64}/session/request/alice", "bad_id"),
        ("devices/scale-1/session/request/Alice", "bad_id"),
        (f"devices/scale-1/session/request/{'x' * 900}", "bad_id"),
    ],
)
def test_who_and_what_is_unknown_is_refused_under_the_id_that_asked(house: House, topic: str, code: str) -> None:
    before = house.everything()["sessions"]
    (send,) = house.receive(topic, CLAIM)
    assert send.topic == topic.replace("/request/", "/reply/")
    assert (body_of(send)["id"], body_of(send)["code"]) == ("c1", code)
    assert len(send.payload) < 500
    assert house.everything()["sessions"] == before


def test_a_retained_request_is_refused_for_it_would_be_repeated_at_every_start(house: House) -> None:
    reply = only_answer(house.receive(REQUEST, CLAIM, retained=True))
    assert (reply["id"], reply["code"]) == ("c1", "retained")
    assert house.session("scale-1").holder is None


@pytest.mark.parametrize(
    ("topic", "payload", "code"),
    [
        (STATUS, b"{}", "bad_message"),
        (STATUS, b'{"state":"flying","boot":1}', "bad_message"),
        (STATUS, b'{"state":"online","boot":-1}', "bad_message"),
        (STATUS, b'{"state":"online","boot":"1"}', "bad_message"),
        (STATUS, b'{"state":"online","boot":1.0}', "bad_message"),
        (STATUS, b'{"state":"online","boot":4294967296}', "bad_message"),
        (STATUS, b'{"state":"sleeping","boot":1,"wake_in_s":0}', "bad_message"),
        (STATUS, b"online", "bad_json"),
        ("devices/scale-1/heartbeat", b"", "bad_json"),
        ("devices/scale-1/result", b'{"output":{}}', "bad_message"),
        ("devices/scale-1/result", b'{"fence":0,"output":1}', "bad_message"),
        ("devices/scale-1/result", b'{"fence":0}', "stale_fence"),
        ("devices/scale-1/command/tare", b'{"fence":0}', "stale_fence"),
        ("devices/scale-1/command/tare", b"{}", "bad_message"),
        ("devices/nobody/status", b'{"state":"online","boot":1}', "unknown_device"),
        ("devices/alice/telemetry", b"{}", "unknown_device"),
        ("devices/UPPER/telemetry", b"{}", "bad_id"),
        ("devices/scale-1/nonsense", b"{}", "unknown_topic"),
        ("devices/scale-1/session", b'{"holder":"alice"}', "unknown_topic"),
        ("", b"{}", "unknown_topic"),
    ],
)
def test_what_no_one_asked_is_only_counted(house: House, topic: str, payload: bytes, code: str) -> None:
    before = house.everything()["sessions"], house.presence("scale-1")
    assert house.receive(topic, payload) == []
    assert (house.everything()["sessions"], house.presence("scale-1")) == before
    assert refused(house) == {code: 1}


@pytest.mark.parametrize("route", TABLE.routes, ids=lambda route: route.topic.template)
def test_a_cleared_retained_topic_means_nothing(house: House, route: Any) -> None:
    topic = route.topic.at(**dict.fromkeys(route.topic.names, "scale-1"))
    before = house.everything()
    sends = house.receive(topic, b"")
    if route.retain.value != "no":
        assert sends == []
        assert house.everything() == before
    else:
        assert sum(refused(house).values()) == 1


@settings(max_examples=40)
@given(st.binary(max_size=60) | json_objects().map(lambda body: json.dumps(body).encode()), st.booleans())
def test_no_payload_on_any_topic_raises_or_grants(payload: bytes, retained: bool) -> None:
    house = shared_house()
    for route in TABLE.routes:
        for name in ("scale-1", "alice", "nobody"):
            topic = route.topic.at(**dict.fromkeys(route.topic.names, name))
            assert all(isinstance(send, Send) for send in house.receive(topic, payload, retained=retained))
    assert house.session("scale-1").fence == 0
    house.fail()


@given(st.text(max_size=40), st.binary(max_size=10))
def test_no_topic_raises(topic: str, payload: bytes) -> None:
    engine = shared_house().engine
    for text in (topic, f"devices/{topic}/session/request/alice", f"devices/scale-1/session/request/{topic}"):
        assert isinstance(engine.receive(Arrived(text, payload), 0.0), list)


# Repetition


def test_the_same_request_twice_gets_the_same_reply_and_has_no_second_effect(house: House) -> None:
    first = house.receive(REQUEST, CLAIM)
    before = house.everything()
    again = house.receive(REQUEST, CLAIM)
    assert again == [send for send in first if send.topic == REPLY]
    assert house.everything() == before


def test_the_id_counts_whatever_else_the_request_says(house: House) -> None:
    house.receive(REQUEST, CLAIM)
    assert only_answer(house.receive(REQUEST, {"id": "c1", "action": "release"}))["code"] == "granted"
    assert house.session("scale-1").holder == "alice"


def test_the_same_id_of_somebody_else_or_for_another_device_is_another_request(house: House) -> None:
    house.receive(REQUEST, CLAIM)
    bob = answer_to(house.receive("devices/scale-1/session/request/bob", CLAIM), "scale-1", BOB)
    assert (bob["code"], bob["position"]) == ("queued", 1)
    other = answer_to(house.receive("devices/printer-1/session/request/alice", CLAIM), "printer-1", ALICE)
    assert other["code"] == "queued"


def test_who_was_queued_and_granted_later_gets_the_later_answer_again(house: House) -> None:
    house.asks(BOB, "scale-1", "claim")
    assert only_answer([house.receive(REQUEST, CLAIM)[1]])["code"] == "queued"
    house.asks(BOB, "scale-1", "release")
    assert only_answer(house.receive(REQUEST, CLAIM))["code"] == "granted"


def test_a_repeated_request_after_a_restart_gets_the_same_reply(house: House) -> None:
    first = house.receive(REQUEST, CLAIM)
    house.commit()
    house.restart()
    before = house.everything()
    assert house.receive(REQUEST, CLAIM) == [send for send in first if send.topic == REPLY]
    assert house.everything() == before


def test_a_refusal_is_remembered_as_well_but_not_of_what_could_not_be_read(house: House) -> None:
    house.asks(BOB, "scale-1", "claim")
    busy = house.asks(ALICE, "scale-1", "claim", id="c1")
    assert busy["code"] == "busy"
    house.asks(BOB, "scale-1", "release")
    assert house.asks(ALICE, "scale-1", "claim", id="c1") == busy
    assert house.asks(ALICE, "scale-1", "fly", id="c2")["code"] == "unknown_action"
    assert house.asks(ALICE, "scale-1", "claim", id="c2")["code"] == "granted"


def test_after_ten_minutes_it_is_a_new_request(house: House) -> None:
    house.receive(REQUEST, CLAIM)
    house.passes(599)
    assert only_answer(house.receive(REQUEST, CLAIM))["fence"] == 1
    house.passes(1)
    assert answer_to(house.receive(REQUEST, CLAIM), "scale-1", ALICE)["code"] in ("granted", "queued")
    assert len(house.receive(REQUEST, {**CLAIM, "id": "c2"})) > 0


# Facts, requests of all kinds of principals


@pytest.mark.parametrize("who", [ALICE, ROOT, BOT, SCALE])
def test_people_integrations_admins_and_the_device_itself_may_ask(house: House, who: Any) -> None:
    assert house.asks(who, "scale-1", "claim")["code"] == "granted"


@pytest.mark.parametrize("who", [EARS, PRINTER])
def test_listeners_and_other_devices_may_not(house: House, who: Any) -> None:
    assert house.asks(who, "scale-1", "claim")["code"] == "forbidden"


def test_what_the_broker_refused_is_counted_and_told(house: House) -> None:
    (send,) = house.engine.hear(PublishRefused(Code.NOT_HOLDER, "devices/scale-1/command/x", "alice"), house.now)
    assert (send.topic, body_of(send)["code"]) == (REPLY, "not_holder")
    assert house.engine.hear(PublishRefused(Code.FORBIDDEN, "devices/nobody/command/x", "alice"), house.now) == []
    assert house.engine.hear(PublishRefused(Code.UNKNOWN_TOPIC, "x/y", "alice"), house.now) == []
    assert refused(house) == {"not_holder": 1, "forbidden": 1, "unknown_topic": 1}


def test_a_fact_nobody_waits_for_is_fine_and_an_unknown_event_is_a_bug() -> None:
    engine = Engine(RouteTable([]), [], Listing(desk()))
    assert engine.hear(DeviceHeard("x"), 0.0) == []
    assert engine.hear(Fact(), 0.0) == []
    with pytest.raises(LookupError):
        engine.hear("nonsense", 0.0)


@pytest.mark.parametrize(
    ("kind", "directory"),
    [
        ("channel", DirectoryLoaded(EVERYBODY, frozenset({"stage"}))),
        ("trigger", DirectoryLoaded(EVERYBODY, triggers={"stage": {}})),
    ],
)
def test_what_concerns_an_unknown_place_is_refused_and_told(kind: str, directory: DirectoryLoaded) -> None:
    topic, reply = Topic(f"places/{{{kind}}}/hand/{{principal}}"), Topic(f"places/{{{kind}}}/told/{{principal}}")
    route = Route(topic, Message, Party.THE_PRINCIPAL, (), "", handler=lambda _incoming: [Fact()], reply=reply)
    accounts = desk()
    engine = Engine(RouteTable([route]), [accounts], Listing(accounts))
    engine.hear(directory, 0.0)
    assert engine.receive(Arrived("places/stage/hand/alice", b"{}"), 0.0) == []
    for place in ("nowhere", "scale-1"):  # a device is neither
        (send,) = engine.receive(Arrived(f"places/{place}/hand/alice", b'{"id":"1"}'), 0.0)
        assert (send.topic, body_of(send)["code"]) == (f"places/{place}/told/alice", f"unknown_{kind}")


def test_what_could_not_be_stored_is_answered_if_it_was_asked() -> None:
    send = not_stored(TABLE, Arrived(REQUEST, b'{"id":"c1","action":"claim"}'))
    assert send is not None
    assert only_answer([send])["code"] == "not_stored"
    assert not_stored(TABLE, Arrived(STATUS, b'{"state":"online","boot":1}')) is None
    assert not_stored(TABLE, Arrived("nonsense", b"{}")) is None
    broken = not_stored(TABLE, Arrived(REQUEST, b"{"))
    assert broken is not None
    assert "id" not in body_of(broken)


def test_what_is_asked_is_known_by_its_topic() -> None:
    found = TABLE.find(REQUEST)
    assert found is not None
    asked = asked_by(*found, Arrived(REQUEST, b'{"id":"c1"}'))
    assert asked is not None
    assert (asked.topic, asked.reply_topic, asked.id) == (REQUEST, REPLY, "c1")
