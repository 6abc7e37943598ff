"""MQTT in WebSocket frames (section 6)."""

import pytest

from tests.conformance import packets
from tests.conformance.case import Case, defect, differs, proves
from tests.conformance.links import Ended, WebSocket
from tests.conformance.packets import Kind, Will, length, text

_TEXT, _CONTINUED, _BINARY, _CLOSE, _PING = 1, 0, 2, 8, 9


@proves("6.0.0-3", "6.0.0-4")
@pytest.mark.parametrize("offered", ["mqtt", "chat, mqtt", "mqtt, chat"])
def test_the_subprotocol_is_mqtt(case: Case, offered: str) -> None:
    link = WebSocket(case.broker.ws_port, offered)
    case.connect(link=link).quiet()
    assert (link.status, link.subprotocol) == (101, "mqtt")


@proves("6.0.0-3", "6.0.0-4")
@pytest.mark.parametrize("offered", ["chat", "mqttx"])
def test_another_subprotocol_is_not_agreed_upon(case: Case, offered: str) -> None:
    try:
        link = WebSocket(case.broker.ws_port, offered)
    except Ended:
        return
    case.open(link)
    assert link.status != 101 or link.subprotocol is None


@proves("6.0.0-1")
@pytest.mark.parametrize("qos", [0, 1, 2])
def test_all_goes_through_binary_frames(case: Case, qos: int) -> None:
    topic = case.topic("t")
    watcher, sender = case.connect("watcher", ws=True), case.connect("sender", ws=True)
    assert watcher.subscribe((topic, qos)) == [qos]
    for size in (1, 100, 125, 126, 127, 1000, 4000):
        sender.publish(topic, b"x" * size, qos)
        assert watcher.take().payload == b"x" * size
    watcher.quiet()


@proves("6.0.0-1")
@pytest.mark.parametrize("size", [65_535, 65_536, 100_000])
def test_large_frames(case: Case, size: int) -> None:
    topic = case.topic("t")
    watcher, sender = case.watch(topic, qos=1), case.connect("sender", ws=True)
    sender.publish(topic, b"x" * size, qos=1)
    assert watcher.take().payload == b"x" * size


@proves("6.0.0-1")
def test_a_large_message_over_websocket(case: Case) -> None:
    topic = case.topic("t")
    watcher = case.connect("watcher", ws=True)
    watcher.subscribe((topic, 1))
    case.connect("sender").publish(topic, b"x" * 20_000, qos=1)
    assert watcher.take().payload == b"x" * 20_000


@proves("6.0.0-1")
def test_websocket_and_tcp_meet(case: Case) -> None:
    topic = case.topic("t")
    over, under = case.connect("over", ws=True), case.connect("under")
    for client in (over, under):
        client.subscribe((topic, 1))
    over.publish(topic, b"1", qos=1)
    under.publish(topic, b"2", qos=1)
    for client in (over, under):
        assert [client.take().payload, client.take().payload] == [b"1", b"2"]


@differs("mosquitto", "text frames are taken for binary ones")
@proves("6.0.0-1")
@pytest.mark.parametrize("greeted", [False, True], ids=["first", "later"])
def test_a_text_frame_closes_the_connection(case: Case, greeted: bool) -> None:
    link = WebSocket(case.broker.ws_port)
    client = case.open(link)
    right = packets.connect(case.client_id("one"), keep_alive=0)
    if greeted:
        client.connect(right)
        right = packets.publish(case.topic("t"), b"1")
    link.frame(_TEXT, right)
    client.closed()


@proves("6.0.0-2")
def test_a_packet_may_be_split_over_frames(case: Case) -> None:
    topic = case.topic("t")
    watcher, link = case.watch(topic, qos=1), WebSocket(case.broker.ws_port)
    client = case.open(link)
    sent = packets.connect(case.client_id("one")) + packets.publish(topic, b"1", 1, 1) + packets.PINGREQ
    for byte in sent:
        link.send(bytes([byte]))
    assert client.connack() == (False, 0)
    client.answer(Kind.PUBACK, 1)
    client.answer(Kind.PINGRESP)
    assert watcher.take().payload == b"1"


@proves("6.0.0-2")
def test_a_frame_may_hold_many_packets_and_a_half(case: Case) -> None:
    topic = case.topic("t")
    client = case.open(ws=True)
    half, rest = packets.publish(topic, b"3")[:5], packets.publish(topic, b"3")[5:]
    client.send(
        packets.connect(case.client_id("one")),
        packets.subscribe(1, (topic, 0)),
        packets.publish(topic, b"1"),
        packets.publish(topic, b"2"),
        half,
    )
    client.send(rest, packets.PINGREQ)
    assert client.connack() == (False, 0)
    client.answer(Kind.SUBACK, 1)
    assert [client.take().payload for _ in range(3)] == [b"1", b"2", b"3"]
    client.answer(Kind.PINGRESP)


@proves("6.0.0-2")
def test_a_frame_may_come_in_fragments_with_a_ping_between(case: Case) -> None:
    link = WebSocket(case.broker.ws_port)
    client = case.open(link)
    sent = packets.connect(case.client_id("one"))
    link.frame(_BINARY, sent[:7], final=False)
    link.frame(_PING, b"there?")
    link.frame(_CONTINUED, sent[7:12], final=False)
    link.frame(_CONTINUED, b"", final=False)
    link.frame(_CONTINUED, sent[12:])
    assert client.connack() == (False, 0)
    client.quiet()


@proves("6.0.0-2")
def test_an_empty_frame_means_nothing(case: Case) -> None:
    client = case.connect(ws=True)
    client.send(b"")
    client.quiet()


@proves("3.1.2-8", "3.14.4-3")
@pytest.mark.parametrize("ending", ["cut", "close frame", "goodbye"])
def test_a_will_is_published_unless_there_was_a_goodbye(case: Case, ending: str) -> None:
    """Closing the WebSocket properly is no DISCONNECT."""
    topic = case.topic("will")
    watcher, link = case.watch(topic), WebSocket(case.broker.ws_port)
    client = case.connect(link=link, will=Will(topic))
    if ending == "cut":
        client.cut()
    elif ending == "goodbye":
        client.leave()
        watcher.quiet()
        return
    else:
        link.frame(_CLOSE, b"\x03\xe8")
        client.closed()
        client.end()
    assert watcher.take().payload == b"gone"


@defect(11, "20")
@pytest.mark.parametrize("missing", [1, 20, 1000])
def test_half_a_packet_is_not_filled_up_with_what_came_before(case: Case, missing: int) -> None:
    topic, will = case.topic("t"), case.topic("will")
    watcher, link = case.watch(topic, will), WebSocket(case.broker.ws_port)
    client = case.connect(link=link, will=Will(will))
    half = b"half" * 10
    link.send(bytes([Kind.PUBLISH << 4]) + length(len(text(topic)) + len(half) + missing) + text(topic))
    link.send(half)
    link.frame(_CLOSE, b"\x03\xe8")
    client.closed()
    client.end()
    assert watcher.take().topic == will
    watcher.quiet()
