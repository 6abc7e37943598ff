"""SUBSCRIBE and UNSUBSCRIBE (sections 3.8 to 3.11)."""

import pytest

from tests.conformance import packets
from tests.conformance.case import Case, differs, payloads, proves
from tests.conformance.packets import Kind, ack, packet
from tests.conformance.rules import FORBIDDEN

first_found = differs("mosquitto", "of overlapping filters the one found first gives its QoS, not the highest")


@proves("3.8.4-1", "3.8.4-2", "3.8.4-4", "3.8.4-5", "3.9.3-1", "3.9.3-2", "2.3.1-7")
@pytest.mark.parametrize("packet_id", [1, 0x0100, 0xFFFF])
def test_each_filter_is_answered_in_its_place(case: Case, packet_id: int) -> None:
    client = case.connect()
    asked = [
        (case.topic("a"), 2),
        (f"{FORBIDDEN}x", 1),
        (case.topic("b"), 0),
        (f"{FORBIDDEN}#", 0),
        (case.topic("c"), 1),
    ]
    client.send(packets.subscribe(packet_id, *asked))
    assert list(client.answer(Kind.SUBACK, packet_id).body[2:]) == [2, 0x80, 0, 0x80, 1]
    sender = case.connect("sender")
    for name in "abc":
        sender.publish(case.topic(name), name.encode(), qos=2)
    assert [(message.payload, message.qos) for message in (client.take() for _ in range(3))] == [
        (b"a", 2),
        (b"b", 0),
        (b"c", 1),
    ]


@proves("3.8.4-1", "3.8.4-5")
def test_a_hundred_filters_at_once(case: Case) -> None:
    asked = [(case.topic(f"{number}"), number % 3) for number in range(100)]
    assert case.connect().subscribe(*asked) == [qos for _, qos in asked]


@proves("3.8.4-3")
@pytest.mark.parametrize(("first", "second"), [(0, 2), (2, 0), (1, 2), (2, 1)])
def test_the_same_filter_again_replaces_the_subscription(case: Case, first: int, second: int) -> None:
    topic = case.topic("t")
    client = case.connect()
    assert client.subscribe((topic, first)) == [first]
    assert client.subscribe((topic, second)) == [second]
    case.connect("sender").publish(topic, b"1", qos=2)
    assert client.take().qos == second
    client.quiet()


@proves("3.8.4-3", "3.8.4-4")
def test_a_filter_twice_in_one_packet_is_one_subscription(case: Case) -> None:
    topic = case.topic("t")
    client = case.connect()
    assert client.subscribe((topic, 2), (topic, 0)) == [2, 0]
    case.connect("sender").publish(topic, b"1", qos=2)
    assert client.take().qos == 0
    client.quiet()


@proves("3.8.4-3")
def test_replacing_a_subscription_interrupts_nothing(case: Case) -> None:
    topic = case.topic("t")
    client, sender = case.watch(topic, qos=1), case.connect("sender")
    for number in range(30):
        sender.publish(topic, b"%d" % number, qos=1)
        if number % 10 == 5:
            client.subscribe((topic, 1))
    assert payloads(client, 30) == [b"%d" % number for number in range(30)]
    client.quiet()


@proves("3.3.5-1", "3.8.4-6")
@pytest.mark.parametrize(
    "asked",
    [
        pytest.param(((0, "#"), (1, "+/b"), (2, "a/b")), id="exact"),
        pytest.param(((2, "#"), (1, "+/b"), (0, "a/b")), id="rest", marks=first_found),
        pytest.param(((1, "a/+"), (2, "+/+"), (0, "a/#")), id="middle", marks=first_found),
    ],
)
def test_overlapping_filters_deliver_once_with_the_highest_qos(case: Case, asked: tuple[tuple[int, str], ...]) -> None:
    """The standard allows one copy for each filter; both brokers send one, and an app need not remember."""
    client = case.connect()
    client.subscribe(*((case.topic(each), qos) for qos, each in asked))
    case.connect("sender").publish(case.topic("a/b"), b"1", qos=2)
    assert client.take().qos == 2
    client.quiet()


@proves("3.10.4-1", "3.10.4-2", "3.10.4-4", "3.10.4-5", "3.10.4-6", "2.3.1-7")
def test_unsubscribing_stops_the_messages_of_that_filter_alone(case: Case) -> None:
    client = case.connect()
    client.subscribe((case.topic("a"), 1), (case.topic("b"), 1), (case.topic("+/c"), 1))
    client.send(packets.unsubscribe(0x0102, case.topic("a"), case.topic("x/c"), case.topic("never")))
    assert client.answer(Kind.UNSUBACK, 0x0102).body == b"\1\2"
    sender = case.connect("sender")
    for topic in ("a", "x/c", "b"):
        sender.publish(case.topic(topic), topic.encode(), qos=1)
    assert payloads(client, 2) == [b"x/c", b"b"]
    client.quiet()
    client.unsubscribe(case.topic("+/c"), case.topic("b"))
    for topic in ("a", "x/c", "b"):
        sender.publish(case.topic(topic), topic.encode(), qos=1)
    client.quiet()


@proves("3.10.4-4", "3.10.4-5")
def test_unsubscribing_from_nothing_is_answered(case: Case) -> None:
    client = case.connect()
    client.unsubscribe(case.topic("never"))
    client.unsubscribe(case.topic("#"), case.topic("+"))
    client.quiet()


@proves("3.10.4-3")
def test_a_delivery_that_began_is_finished_after_unsubscribing(case: Case) -> None:
    topic = case.topic("t")
    client = case.watch(topic, qos=2)
    case.connect("sender").publish(topic, b"1", qos=2)
    packet_id = client.message().packet_id or 0
    client.unsubscribe(topic)
    client.send(ack(Kind.PUBREC, packet_id))
    client.answer(Kind.PUBREL, packet_id)
    client.send(ack(Kind.PUBCOMP, packet_id))
    client.quiet()


@proves("3.10.4-2")
def test_an_overlapping_filter_stays(case: Case) -> None:
    topic = case.topic("t")
    client = case.connect()
    client.subscribe((topic, 2), (case.topic("+"), 1))
    client.unsubscribe(topic)
    case.connect("sender").publish(topic, b"1", qos=2)
    assert client.take().qos == 1


@proves("3.8.3-3", "3.10.3-2", "4.8.0-1")
@pytest.mark.parametrize("kind", [Kind.SUBSCRIBE, Kind.UNSUBSCRIBE])
def test_a_list_without_filters_is_an_error(case: Case, kind: Kind) -> None:
    client = case.connect()
    client.send(packet(kind, b"\0\1"))
    client.closed()


@proves("3.8.3-4", "4.8.0-1")
@pytest.mark.parametrize("qos", [3, 4, 0x40, 0x80, 0xFF])
def test_a_qos_that_does_not_exist_is_an_error(case: Case, qos: int) -> None:
    client = case.connect()
    client.send(packets.subscribe(1, (case.topic("a"), 0), (case.topic("b"), qos)))
    client.closed()
