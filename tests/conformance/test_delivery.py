"""What a subscriber gets, and what it has to answer (sections 3.3, 4.3, 4.4)."""

import pytest

from tests.conformance.case import Case, defect, payloads, proves
from tests.conformance.links import Tcp
from tests.conformance.packets import Kind, Will, ack, publish
from tests.conformance.rules import BACKLOG_BYTES, INFLIGHT

SIZE = 20_000
PAUSE_S = 3.0  # of a broker that sends on
each_qos = pytest.mark.parametrize("qos", [0, 1, 2])


@proves("3.8.4-6", "4.3.1-1", "2.3.1-5", "3.3.1-2")
@each_qos
@pytest.mark.parametrize("asked", [0, 1, 2])
def test_a_message_has_the_lower_qos_of_publisher_and_subscriber(case: Case, qos: int, asked: int) -> None:
    topic = case.topic("t")
    watcher = case.watch(topic, qos=asked)
    case.connect("sender").publish(topic, b"1", qos)
    message = watcher.take()
    assert (message.qos, message.payload, message.dup) == (min(qos, asked), b"1", False)
    watcher.quiet()


@defect(4, "0-1")
@proves("3.8.4-6")
@pytest.mark.parametrize(("qos", "asked"), [(0, 1), (0, 2), (1, 2)])
def test_qos_is_not_raised_to_that_of_the_subscriber(case: Case, qos: int, asked: int) -> None:
    topic = case.topic("t")
    watcher = case.watch(topic, qos=asked)
    case.connect("sender").publish(topic, b"1", qos)
    assert watcher.message().qos == qos


@proves("2.3.1-1", "2.3.1-2", "2.3.1-4", "4.3.2-1", "4.3.3-1")
@pytest.mark.parametrize("qos", [1, 2])
def test_packet_ids_are_not_zero_and_not_used_twice_at_a_time(case: Case, qos: int) -> None:
    topic = case.topic("t")
    watcher, sender = case.watch(topic, qos=qos), case.connect("sender")
    under_way = set[int]()
    for number in range(60):
        sender.publish(topic, b"%d" % number, qos)
        message = watcher.message()
        assert message.packet_id not in (0, None)
        assert message.packet_id not in under_way
        under_way.add(message.packet_id or 0)
        if len(under_way) == 10:
            done = under_way.pop()
            watcher.send(ack(Kind.PUBACK if qos == 1 else Kind.PUBREC, done))
            if qos == 2:
                watcher.answer(Kind.PUBREL, done)
                watcher.send(ack(Kind.PUBCOMP, done))
    watcher.quiet()


@pytest.mark.parametrize("qos", [1, 2])
def test_no_more_than_some_are_under_way(case: Case, qos: int) -> None:
    topic = case.topic("t")
    watcher, sender = case.watch(topic, qos=qos), case.connect("sender")
    for number in range(INFLIGHT + 5):
        sender.publish(topic, b"%d" % number, qos=2)
    held = [watcher.message() for _ in range(INFLIGHT)]
    watcher.quiet()
    watcher.send(ack(Kind.PUBACK if qos == 1 else Kind.PUBREC, held[0].packet_id or 0))
    if qos == 2:
        watcher.answer(Kind.PUBREL, held[0].packet_id)
        watcher.quiet()
        watcher.send(ack(Kind.PUBCOMP, held[0].packet_id or 0))
    assert watcher.message().payload == b"%d" % INFLIGHT


@proves("4.3.2-1", "4.3.3-1", "4.4.0-1")
@pytest.mark.parametrize("qos", [1, 2])
def test_out_of_order_acknowledgements_are_taken_as_they_come(case: Case, qos: int) -> None:
    topic = case.topic("t")
    watcher = case.connect("watcher", clean=False)
    watcher.subscribe((topic, qos))
    sender = case.connect("sender")
    for number in range(4):
        sender.publish(topic, b"%d" % number, qos)
    ids = [watcher.message().packet_id or 0 for _ in range(4)]
    for packet_id in (ids[2], ids[0]):
        watcher.send(ack(Kind.PUBACK if qos == 1 else Kind.PUBREC, packet_id))
        if qos == 2:
            watcher.answer(Kind.PUBREL, packet_id)
            watcher.send(ack(Kind.PUBCOMP, packet_id))
    watcher.leave()
    watcher = case.connect("watcher", clean=False)
    assert payloads(watcher, 2) == [b"1", b"3"]
    watcher.quiet()


@proves("4.3.3-1", "2.3.1-6", "4.6.0-4")
def test_pubrels_come_in_the_order_of_the_pubrecs(case: Case) -> None:
    topic = case.topic("t")
    watcher, sender = case.watch(topic, qos=2), case.connect("sender")
    for number in range(5):
        sender.publish(topic, b"%d" % number, qos=2)
    ids = [watcher.message().packet_id or 0 for _ in range(5)]
    order = [ids[3], ids[0], ids[4], ids[1], ids[2]]
    watcher.send(*(ack(Kind.PUBREC, packet_id) for packet_id in order))
    for packet_id in order:
        watcher.answer(Kind.PUBREL, packet_id)
    watcher.send(*(ack(Kind.PUBCOMP, packet_id) for packet_id in order))
    watcher.quiet()


@proves("4.3.2-1", "4.3.3-1")
@pytest.mark.parametrize(("qos", "wrong"), [(1, Kind.PUBCOMP), (2, Kind.PUBACK), (2, Kind.PUBCOMP)])
def test_an_acknowledgement_of_another_qos_is_none(case: Case, qos: int, wrong: Kind) -> None:
    topic = case.topic("t")
    watcher = case.connect("watcher", clean=False)
    watcher.subscribe((topic, qos))
    case.connect("sender").publish(topic, b"1", qos)
    packet_id = watcher.message().packet_id or 0
    watcher.send(ack(wrong, packet_id))
    watcher.is_served()
    watcher.cut()
    again = case.connect("watcher", clean=False).take()
    assert (again.payload, again.packet_id, again.dup) == (b"1", packet_id, True)


@proves("2.3.1-4")
@pytest.mark.parametrize("qos", [1, 2])
def test_both_sides_count_their_packet_ids_on_their_own(case: Case, qos: int) -> None:
    topic, other = case.topic("t"), case.topic("other")
    client, watcher = case.watch(topic, qos=qos), case.watch(other, who="other")
    case.connect("sender").publish(topic, b"1", qos)
    packet_id = client.message().packet_id or 0
    client.send(publish(other, b"2", qos, packet_id))
    client.answer(Kind.PUBACK if qos == 1 else Kind.PUBREC, packet_id)
    client.send(ack(Kind.PUBACK if qos == 1 else Kind.PUBREC, packet_id))
    if qos == 2:
        client.answer(Kind.PUBREL, packet_id)
        client.send(ack(Kind.PUBCOMP, packet_id), ack(Kind.PUBREL, packet_id))
        client.answer(Kind.PUBCOMP, packet_id)
    client.quiet()
    assert watcher.take().payload == b"2"


@proves("3.3.1-6")
def test_qos_0_does_not_wait_for_what_is_under_way(case: Case) -> None:
    topic, live, kept = case.topic("t"), case.topic("live"), case.topic("kept")
    sender = case.connect("sender")
    sender.publish(kept, b"kept", retain=True)
    client = case.watch(topic, live, qos=1)
    for number in range(INFLIGHT + 5):
        sender.publish(topic, b"%d" % number, qos=1)
    for _ in range(INFLIGHT):
        client.message()
    sender.publish(live, b"live")
    assert client.message().payload == b"live"
    client.subscribe((kept, 0))
    assert client.message().payload == b"kept"


@proves("4.5.0-2")
@pytest.mark.parametrize("kind", [Kind.PUBACK, Kind.PUBCOMP])
def test_an_acknowledgement_of_nothing_troubles_nobody(case: Case, kind: Kind) -> None:
    topic = case.topic("t")
    client = case.watch(topic, qos=1)
    client.send(ack(kind, 77))
    if client.is_served():
        case.connect("sender").publish(topic, b"1", qos=1)
        assert client.take().payload == b"1"


@defect(12)
def test_a_client_that_acknowledges_nothing_is_served_on(case: Case) -> None:
    topic, will, other = case.topic("t"), case.topic("will"), case.topic("other")
    case.connect("sender").publish(topic, b"1", qos=1, retain=True)
    watcher = case.watch(will, other)
    client = case.connect(will=Will(will))
    assert client.subscribe((topic, 1)) == [1]
    assert client.message().payload == b"1"
    client.send(publish(other, b"2"))
    assert watcher.take().payload == b"2"
    client.cut()
    assert watcher.take().topic == will


@proves("3.3.2-3", "4.5.0-1")
def test_a_publisher_gets_its_own_message_too(case: Case) -> None:
    topic = case.topic("t")
    client = case.watch(topic, qos=1)
    client.publish(topic, b"1", qos=1)
    message = client.take()
    assert (message.topic, message.payload) == (topic, b"1")


@proves("4.5.0-1")
@each_qos
def test_everybody_who_subscribed_gets_it(case: Case, qos: int) -> None:
    topic = case.topic("t")
    watchers = [case.watch(topic, qos=qos, who=f"watcher{number}") for number in range(20)]
    case.connect("sender").publish(topic, b"1", qos)
    for watcher in watchers:
        assert watcher.take().payload == b"1"
        watcher.quiet()


@defect(6)
def test_a_client_that_stops_to_read_costs_the_broker_no_more_than_some(case: Case) -> None:
    """It is closed, or loses messages; others are served meanwhile."""
    topic, sent = case.topic("t"), 12 * BACKLOG_BYTES // SIZE
    stuck = case.connect("stuck", link=Tcp(case.broker.port, room=4096))
    stuck.subscribe((topic, 0))
    watcher, sender = case.watch(topic), case.connect("sender")
    for number in range(sent):
        sender.publish(topic, b"%d " % number + bytes(SIZE))
        assert watcher.take().payload.startswith(b"%d " % number)
    got = 0
    while got < sent and (message := stuck.message_within(PAUSE_S)) is not None:
        assert len(message.payload) > SIZE
        got += 1
    assert got < sent
