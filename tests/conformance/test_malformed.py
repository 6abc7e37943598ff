"""Packets that are none: each ends the connection, and harms nobody else (sections 1.5, 2.2, 4.8)."""

import pytest

from tests.conformance import packets
from tests.conformance.case import Case, defect, differs, proves
from tests.conformance.packets import CLEAN, SECRET, USER, WILL, Kind, ack, length, number, packet, raw_connect, text

ILL_FORMED = {
    "stray continuation": b"a\x80",
    "cut short": b"a\xc3",
    "overlong": b"a\xc0\xaf",
    "surrogate": b"a\xed\xa0\x80",
    "pair of surrogates": b"\xed\xa0\x80\xed\xb0\x80",
    "beyond the last": b"a\xf4\x90\x80\x80",
    "latin-1": b"caf\xe9",
    "never": b"a\xff",
    "null": b"a\0",
    "overlong null": b"a\xc0\x80",
}
ignored = differs("mosquitto", "flags and surplus bytes of acknowledgements and pings are ignored")
ill_formed = pytest.mark.parametrize("wrong", ILL_FORMED.values(), ids=ILL_FORMED)


def refuse(case: Case, wrong: bytes) -> None:
    """Send something as a client that was let in; it must be closed, and others served."""
    topic = case.topic("t")
    bystander, client = case.watch(topic), case.connect()
    client.send(wrong)
    client.closed()
    bystander.publish(topic, b"1", qos=1)
    assert bystander.take().payload == b"1"
    bystander.quiet()


@proves("4.8.0-1")
@pytest.mark.parametrize("kind", [0, 15])
@pytest.mark.parametrize("body", [b"", b"\0\1"], ids=["empty", "with a body"])
def test_a_reserved_type(case: Case, kind: int, body: bytes) -> None:
    refuse(case, packet(kind, body, flags=0))


@proves("4.8.0-1")
def test_a_connack_from_a_client(case: Case) -> None:
    refuse(case, packet(Kind.CONNACK, b"\0\0"))


@differs("mosquitto", "what only a server says is ignored")
@proves("4.8.0-1")
@pytest.mark.parametrize(
    "wrong",
    [packet(Kind.SUBACK, b"\0\1\0"), packet(Kind.UNSUBACK, b"\0\1"), packet(Kind.PINGRESP)],
    ids=["suback", "unsuback", "pingresp"],
)
def test_what_only_a_server_says(case: Case, wrong: bytes) -> None:
    refuse(case, wrong)


@proves("2.2.2-1", "2.2.2-2", "3.6.1-1", "3.8.1-1", "3.10.1-1", "3.14.1-1", "4.8.0-1")
@pytest.mark.parametrize("flags", [1, 2, 15])  # what is changed in the right ones
@pytest.mark.parametrize(
    "right",
    [
        pytest.param(packets.subscribe(1, ("a", 0)), id="subscribe"),
        pytest.param(packets.unsubscribe(1, "a"), id="unsubscribe"),
        pytest.param(ack(Kind.PUBREL, 1), id="pubrel"),
        pytest.param(packets.DISCONNECT, id="disconnect"),
        pytest.param(ack(Kind.PUBACK, 1), id="puback", marks=ignored),
        pytest.param(ack(Kind.PUBREC, 1), id="pubrec", marks=ignored),
        pytest.param(ack(Kind.PUBCOMP, 1), id="pubcomp", marks=ignored),
        pytest.param(packets.PINGREQ, id="ping", marks=ignored),
    ],
)
def test_flags_that_are_reserved(case: Case, right: bytes, flags: int) -> None:
    refuse(case, bytes([right[0] ^ flags]) + right[1:])


@proves("2.2.2-1", "2.2.2-2", "3.1.4-1")
@pytest.mark.parametrize("flags", [1, 2, 4, 8])
def test_flags_of_a_connect(case: Case, flags: int) -> None:
    client = case.open()
    right = packets.connect(case.client_id("one"))
    client.send(bytes([right[0] | flags]) + right[1:])
    client.closed()


@proves("4.8.0-1")
@pytest.mark.parametrize(
    "wrong",
    [
        packet(Kind.PUBACK),
        packet(Kind.PUBACK, b"\1"),
        packet(Kind.PUBREL, b"\1"),
        packet(Kind.SUBSCRIBE),
        packet(Kind.SUBSCRIBE, b"\1"),
        packet(Kind.SUBSCRIBE, number(1) + b"\0"),
        packet(Kind.SUBSCRIBE, number(1) + b"\0\5a"),
        packet(Kind.SUBSCRIBE, number(1) + text("a")),
        packet(Kind.SUBSCRIBE, number(1) + text("a") + b"\0\0\5b\0"),
        packet(Kind.UNSUBSCRIBE, number(1) + b"\0\5a"),
        packet(Kind.PUBLISH, b""),
        packet(Kind.PUBLISH, b"\0"),
        packet(Kind.PUBLISH, b"\0\5a"),
        packet(Kind.PUBLISH, text("a"), flags=2),
        packet(Kind.PUBLISH, text("a") + b"\1", flags=2),
        packet(Kind.PUBLISH, text("a") + b"\1", flags=4),
    ],
    ids=lambda wrong: wrong.hex(),
)
def test_packets_that_end_too_soon(case: Case, wrong: bytes) -> None:
    refuse(case, wrong)


@proves("4.8.0-1")
@pytest.mark.parametrize(
    "wrong",
    [
        pytest.param(packet(Kind.SUBSCRIBE, number(1) + text("a") + b"\0\0"), id="subscribe"),
        pytest.param(packet(Kind.UNSUBSCRIBE, number(1) + text("a") + b"\0"), id="unsubscribe"),
        pytest.param(packet(Kind.DISCONNECT, b"\0"), id="disconnect"),
        pytest.param(packet(Kind.PUBACK, b"\0\1\0"), id="puback", marks=ignored),
        pytest.param(packet(Kind.PUBREC, b"\0\1\0"), id="pubrec", marks=ignored),
        pytest.param(packet(Kind.PUBREL, b"\0\1\0"), id="pubrel", marks=ignored),
        pytest.param(packet(Kind.PUBCOMP, b"\0\1\0"), id="pubcomp", marks=ignored),
        pytest.param(packet(Kind.PINGREQ, b"\0"), id="ping", marks=ignored),
    ],
)
def test_packets_with_something_behind(case: Case, wrong: bytes) -> None:
    refuse(case, wrong)


@proves("4.8.0-1")
@pytest.mark.parametrize("first", [0x30, 0xC0, 0x82])
def test_a_remaining_length_of_five_bytes(case: Case, first: int) -> None:
    refuse(case, bytes([first]) + b"\x80\x80\x80\x80\x01" + text("a"))


def test_a_remaining_length_may_be_longer_than_it_must(case: Case) -> None:
    """The standard does not demand the shortest form: closed, or understood."""
    client, bystander = case.connect(), case.connect("other")
    client.send(b"\xc0\x80\x00")
    client.is_served()
    bystander.quiet()


@defect(13, "latin-1")
@proves("1.5.3-1", "1.5.3-2", "3.3.2-1")
@ill_formed
def test_the_topic_of_a_publish(case: Case, wrong: bytes) -> None:
    watcher = case.watch("#")
    watcher.forget()
    client = case.connect()
    client.send(packets.publish(wrong, b"1", retain=True))
    client.closed()
    watcher.quiet()


@proves("1.5.3-1", "1.5.3-2", "3.8.3-1")
@ill_formed
def test_the_filter_of_a_subscribe(case: Case, wrong: bytes) -> None:
    refuse(case, packets.subscribe(1, (wrong, 0)))


@proves("1.5.3-1", "1.5.3-2", "3.10.3-1")
@ill_formed
def test_the_filter_of_an_unsubscribe(case: Case, wrong: bytes) -> None:
    refuse(case, packets.unsubscribe(1, wrong))


@proves("1.5.3-1", "1.5.3-2", "3.1.3-4", "3.1.3-10", "3.1.3-11", "3.1.4-1")
@ill_formed
@pytest.mark.parametrize("field", ["client id", "will topic", "user name"])
def test_the_strings_of_a_connect(case: Case, field: str, wrong: bytes) -> None:
    """A server may say why it refuses, or just close the connection."""
    given = {"client id": case.client_id("one").encode(), "will topic": b"t", "user name": b"alice"} | {field: wrong}
    strings = [
        text(given["client id"]),
        text(given["will topic"]),
        text("gone"),
        text(given["user name"]),
        text("right"),
    ]
    client = case.open()
    client.send(raw_connect(CLEAN | WILL | USER | SECRET, *strings))
    client.refused()


@proves("1.5.3-3")
def test_a_byte_order_mark_is_a_letter(case: Case) -> None:
    marked, unmarked = case.topic("\ufefft"), case.topic("t")
    watcher = case.watch(marked)
    sender = case.connect("sender")
    sender.publish(unmarked, b"1")
    sender.publish(marked, b"2")
    message = watcher.take()
    assert (message.topic, message.payload) == (marked, b"2")
    watcher.quiet()


@proves("4.8.0-1")
def test_a_web_page_is_no_mqtt(case: Case) -> None:
    client = case.open()
    client.send(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
    client.closed()


def test_a_packet_in_pieces_is_a_packet(case: Case) -> None:
    topic = case.topic("t")
    watcher, client = case.watch(topic), case.connect()
    for byte in packets.publish(topic, b"1") + packets.PINGREQ:
        client.send(bytes([byte]))
    client.answer(Kind.PINGRESP)
    assert watcher.take().payload == b"1"


def test_half_a_packet_is_none(case: Case) -> None:
    topic, will = case.topic("t"), case.topic("will")
    watcher = case.watch(topic, will)
    client = case.connect(will=packets.Will(will))
    client.send(b"\x30" + length(100) + text(topic) + b"half")
    client.end()
    assert watcher.take().topic == will
    watcher.quiet()
