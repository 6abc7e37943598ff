"""CONNECT and CONNACK (sections 3.1 and 3.2)."""

import pytest

from tests.conformance import packets
from tests.conformance.case import Case, defect, only, proves
from tests.conformance.packets import CLEAN, SECRET, USER, WILL, WILL_QOS, WILL_RETAIN, Kind, raw_connect, text

NAME, RIGHT = text("alice"), text("right")
LOGIN = CLEAN | USER | SECRET
WILL_FIELDS = (text("t"), text("gone"))


@proves("3.1.0-1", "4.8.0-1")
@pytest.mark.parametrize(
    "first",
    [
        packets.PINGREQ,
        packets.DISCONNECT,
        packets.publish("t", b"1"),
        packets.publish("t", b"1", 1, 1),
        packets.subscribe(1, ("t", 0)),
        packets.unsubscribe(1, "t"),
        packets.ack(Kind.PUBREL, 1),
    ],
    ids=["ping", "disconnect", "publish", "publish-1", "subscribe", "unsubscribe", "pubrel"],
)
def test_the_first_packet_must_be_connect(case: Case, first: bytes) -> None:
    client = case.open()
    client.send(first)
    client.closed()


@proves("3.1.0-2", "4.8.0-1")
def test_a_second_connect_is_an_error(case: Case) -> None:
    client = case.connect()
    client.send(packets.connect(case.client_id("one")))
    client.closed()


@proves("3.1.2-1")
@pytest.mark.parametrize("name", ["mqtt", "MQTT ", "MQT", "", "HTTP"])
def test_another_protocol_is_not_served(case: Case, name: str) -> None:
    client = case.open()
    client.send(raw_connect(LOGIN, text(case.client_id("one")), NAME, RIGHT, name=name))
    client.refused()


@proves("3.1.2-2", "3.2.2-4", "3.2.2-5")
@pytest.mark.parametrize("level", [0, 2, 6, 127])
def test_another_level_of_the_protocol_is_refused_with_1(case: Case, level: int) -> None:
    client = case.open()
    client.send(raw_connect(LOGIN, text(case.client_id("one")), NAME, RIGHT, level=level))
    assert client.refused() == 1


@only("embedded")
@proves("3.1.2-2")
@pytest.mark.parametrize(
    "packet",
    [
        raw_connect(LOGIN, b"\0", text("five"), NAME, RIGHT, level=5),
        raw_connect(LOGIN, b"\x05\x11\0\0\0\x3c", text("five"), NAME, RIGHT, level=5),
        raw_connect(CLEAN, b"\0", text("five"), level=5),
        raw_connect(LOGIN, text("three"), NAME, RIGHT, name="MQIsdp", level=3),
    ],
    ids=["5", "5 with a session expiry", "5 without a name", "3.1"],
)
def test_a_client_of_another_version_is_told_so_that_it_can_fall_back(case: Case, packet: bytes) -> None:
    client = case.open()
    client.send(packet)
    assert client.refused() == 1


@proves("3.1.2-3", "3.1.4-1", "3.2.2-6")
def test_the_reserved_flag_must_be_zero(case: Case) -> None:
    client = case.open()
    client.send(raw_connect(LOGIN | packets.RESERVED, text(case.client_id("one")), NAME, RIGHT))
    client.closed()


@proves("3.1.4-4", "3.2.0-1", "3.2.2-1")
def test_a_client_is_let_in(case: Case) -> None:
    client = case.open()
    client.send(packets.connect(case.client_id("one")))
    assert client.connack() == (False, 0)
    client.quiet()


def test_a_client_need_not_wait_for_the_connack(case: Case) -> None:
    client, topic = case.open(), case.topic("t")
    client.send(packets.connect(case.client_id("one")), packets.subscribe(1, (topic, 0)), packets.publish(topic, b"1"))
    assert client.connack() == (False, 0)
    client.answer(Kind.SUBACK, 1)
    assert client.take().payload == b"1"
    assert client.came == [Kind.CONNACK, Kind.SUBACK, Kind.PUBLISH]


@proves("3.1.3-2", "3.1.3-3", "3.1.3-4", "3.1.3-5")
@pytest.mark.parametrize("client_id", ["0", "0123456789abcdefghijklm", "nopqrstuvwxyzABCDEFGHIJ", "KLMNOPQRSTUVWXYZ"])
def test_client_ids_of_23_letters_and_digits_are_fine(case: Case, client_id: str) -> None:
    case.open().connect(packets.connect(client_id))


@proves("3.1.3-6")
def test_a_client_without_an_id_gets_one_of_its_own(case: Case) -> None:
    first, second = case.open(), case.open()
    first.connect(packets.connect(""))
    second.connect(packets.connect(""))
    first.quiet()
    second.quiet()


@proves("3.1.3-7", "3.1.3-8", "3.1.3-9", "3.2.2-4", "3.2.2-5")
def test_a_session_to_be_kept_needs_a_client_id(case: Case) -> None:
    client = case.open()
    client.send(packets.connect("", clean=False))
    assert client.refused() == 2


@proves("3.1.2-18", "3.1.2-19", "3.1.2-20", "3.1.2-21", "3.1.2-22", "3.1.3-1", "3.1.4-1", "3.2.2-6")
@pytest.mark.parametrize(
    ("flags", "fields"),
    [
        (CLEAN | SECRET, (RIGHT,)),
        (CLEAN | USER, ()),
        (LOGIN, ()),
        (LOGIN, (NAME,)),
        (CLEAN, (NAME,)),
        (CLEAN | USER, (NAME, RIGHT)),
        (LOGIN, (NAME, RIGHT, b"\0")),
        (LOGIN, (NAME, b"\0\x06right")),
    ],
    ids=[
        "password without user name",
        "no user name",
        "neither",
        "no password",
        "user name without flag",
        "password without flag",
        "something behind",
        "longer than it is",
    ],
)
def test_user_name_and_password_must_be_as_their_flags_say(case: Case, flags: int, fields: tuple[bytes, ...]) -> None:
    client = case.open()
    client.send(raw_connect(flags, text(case.client_id("one")), *fields))
    client.closed()


@proves("3.1.2-9", "3.1.2-11", "3.1.2-13", "3.1.2-14", "3.1.2-15", "3.1.3-1", "3.1.4-1")
@pytest.mark.parametrize(
    ("flags", "fields"),
    [
        (0x08, ()),
        (0x10, ()),
        (WILL_RETAIN, ()),
        (WILL | WILL_QOS, WILL_FIELDS),
        (WILL, ()),
        (0, WILL_FIELDS),
    ],
    ids=["QoS 1, no will", "QoS 2, no will", "retain, no will", "QoS 3", "no topic", "no flag"],
)
def test_a_will_must_be_as_its_flags_say(case: Case, flags: int, fields: tuple[bytes, ...]) -> None:
    client = case.open()
    client.send(raw_connect(LOGIN | flags, text(case.client_id("one")), *fields, NAME, RIGHT))
    client.closed()


@proves("3.1.2-9", "3.1.4-1")
@pytest.mark.parametrize("rest", [(), (text("t"),), (text("t"), b"\0\x09gone")], ids=["nothing", "topic", "cut short"])
def test_a_will_must_be_there_where_its_flag_is(case: Case, rest: tuple[bytes, ...]) -> None:
    client = case.open()
    client.send(raw_connect(LOGIN | WILL, text(case.client_id("one")), *rest))
    client.closed()


@proves("3.2.2-4", "3.2.2-5")
@pytest.mark.parametrize(
    ("user", "secret"), [("alice", "wrong"), ("alice", ""), ("alice", None), ("", "right"), (None, None)]
)
def test_a_stranger_is_refused(case: Case, user: str | None, secret: str | None) -> None:
    client = case.open()
    client.send(packets.connect(case.client_id("one"), user=user, secret=secret))
    assert client.refused() in (4, 5)


@proves("3.1.4-5")
def test_what_follows_a_refused_connect_is_not_handled(case: Case) -> None:
    topic = case.topic("t")
    watcher, stranger = case.watch(topic), case.open()
    stranger.send(packets.connect(case.client_id("one"), secret="wrong"), packets.publish(topic, b"1"))
    stranger.refused()
    watcher.quiet()


@defect(10)
def test_a_stranger_who_knows_a_client_id_changes_nothing(case: Case) -> None:
    topic, other = case.topic("t"), case.topic("will")
    watcher = case.watch(case.topic("#"))
    known = case.connect("known", clean=False, will=packets.Will(other, b"of the owner"))
    assert known.subscribe((topic, 1)) == [1]
    stranger = case.open()
    will = packets.Will(other, b"of a stranger")
    stranger.send(packets.connect(case.client_id("known"), user="bob", secret="wrong", clean=True, will=will))
    stranger.refused()
    known.quiet()
    case.connect("sender").publish(topic, b"1", qos=1)
    assert known.take().payload == watcher.take().payload == b"1"
    known.cut()
    assert watcher.take().payload == b"of the owner"
