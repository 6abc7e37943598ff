"""What a publisher sends, and what it is answered (sections 3.3 to 3.7, 4.3, 4.6)."""

import pytest

from tests.conformance import packets
from tests.conformance.case import Case, defect, differs, payloads, proves
from tests.conformance.packets import Kind, ack, packet, publish, text
from tests.conformance.rules import FORBIDDEN, INFLIGHT, PACKET_BYTES, WARDEN

each_qos = pytest.mark.parametrize("qos", [0, 1, 2])


@proves("2.3.1-6", "3.3.4-1", "4.3.2-2", "4.3.3-2")
@pytest.mark.parametrize("packet_id", [1, 0x0100, 0x7FFF, 0xFFFF])
def test_each_qos_is_answered_in_its_own_way_with_the_same_packet_id(case: Case, packet_id: int) -> None:
    topic = case.topic("t")
    sender = case.connect("sender")
    sender.send(publish(topic, b"0"))
    sender.quiet()
    sender.send(publish(topic, b"1", 1, packet_id))
    sender.answer(Kind.PUBACK, packet_id)
    sender.send(publish(topic, b"2", 2, packet_id))
    sender.answer(Kind.PUBREC, packet_id)
    sender.quiet()
    sender.send(ack(Kind.PUBREL, packet_id))
    sender.answer(Kind.PUBCOMP, packet_id)
    sender.quiet()


@proves("4.3.3-2", "3.3.1-3")
def test_a_qos_2_message_sent_twice_is_delivered_once(case: Case) -> None:
    topic = case.topic("t")
    watcher, sender = case.watch(topic, qos=2), case.connect("sender")
    for dup in (False, True):
        sender.send(publish(topic, b"once", 2, 5, dup=dup))
        sender.answer(Kind.PUBREC, 5)
    sender.send(ack(Kind.PUBREL, 5))
    sender.answer(Kind.PUBCOMP, 5)
    assert watcher.take().payload == b"once"
    watcher.quiet()


@differs("mosquitto", "the third copy of a QoS 2 message closes the connection")
@proves("4.3.3-2")
def test_a_qos_2_message_may_be_sent_many_times(case: Case) -> None:
    topic = case.topic("t")
    watcher, sender = case.watch(topic, qos=2), case.connect("sender")
    for number in range(10):
        sender.send(publish(topic, b"once", 2, 5, dup=number > 0))
        sender.answer(Kind.PUBREC, 5)
    sender.send(ack(Kind.PUBREL, 5))
    sender.answer(Kind.PUBCOMP, 5)
    assert watcher.take().payload == b"once"
    watcher.quiet()


@proves("4.3.3-2")
def test_after_pubcomp_a_packet_id_is_another_message(case: Case) -> None:
    topic = case.topic("t")
    watcher, sender = case.watch(topic, qos=2), case.connect("sender")
    for payload in (b"1", b"2"):
        sender.send(publish(topic, payload, 2, 5))
        sender.answer(Kind.PUBREC, 5)
        sender.send(ack(Kind.PUBREL, 5))
        sender.answer(Kind.PUBCOMP, 5)
    assert payloads(watcher, 2) == [b"1", b"2"]
    watcher.quiet()


@proves("4.3.3-2")
def test_a_pubrel_sent_twice_is_answered_twice(case: Case) -> None:
    sender = case.connect("sender")
    sender.publish(case.topic("t"), b"1", qos=2)
    sender.send(ack(Kind.PUBREL, 1))
    sender.answer(Kind.PUBCOMP, 1)
    sender.quiet()


@proves("4.3.2-2", "3.3.1-3")
def test_after_puback_a_packet_id_is_another_message_whatever_dup_says(case: Case) -> None:
    topic = case.topic("t")
    watcher, sender = case.watch(topic, qos=1), case.connect("sender")
    for dup in (False, True):
        sender.send(publish(topic, b"again", 1, 5, dup=dup))
        sender.answer(Kind.PUBACK, 5)
    assert [watcher.take().dup for _ in range(2)] == [False, False]
    watcher.quiet()


@proves("4.6.0-2", "4.6.0-3", "4.6.0-4")
@pytest.mark.parametrize(("qos", "kind"), [(1, Kind.PUBACK), (2, Kind.PUBREC)], ids=["puback", "pubrec"])
def test_answers_come_in_the_order_of_the_messages(case: Case, qos: int, kind: Kind) -> None:
    topic, ids = case.topic("t"), [9, 3, 7, 1, 8, 2, 6, 4, 5]
    sender = case.connect("sender")
    sender.send(*(publish(topic, b"%d" % packet_id, qos, packet_id) for packet_id in ids))
    for packet_id in ids:
        sender.answer(kind, packet_id)
    if qos == 2:
        sender.send(*(ack(Kind.PUBREL, packet_id) for packet_id in reversed(ids)))
        for packet_id in reversed(ids):
            sender.answer(Kind.PUBCOMP, packet_id)


@proves("4.6.0-5", "4.6.0-6", "4.5.0-1")
@each_qos
@pytest.mark.parametrize("asked", [0, 1, 2])
def test_messages_arrive_in_order(case: Case, qos: int, asked: int) -> None:
    topic = case.topic("t")
    watcher, sender = case.watch(topic, qos=asked), case.connect("sender")
    sent = [b"%d" % number for number in range(60)]
    for payload in sent:
        sender.publish(topic, payload, qos)
    assert payloads(watcher, 60) == sent
    watcher.quiet()


@proves("4.6.0-5", "4.6.0-6")
@each_qos
def test_messages_sent_at_once_arrive_in_order(case: Case, qos: int) -> None:
    topic = case.topic("t")
    watcher, sender = case.watch(topic, qos=qos), case.connect("sender")
    for start in range(0, 100, INFLIGHT):  # at QoS 2 a server need not take more at a time
        numbers = range(start + 1, start + INFLIGHT + 1)
        sender.send(*(publish(topic, b"%d" % number, qos, number if qos else None) for number in numbers))
        if qos == 2:
            for number in numbers:
                sender.answer(Kind.PUBREC, number)
            sender.send(*(ack(Kind.PUBREL, number) for number in numbers))
            for number in numbers:
                sender.answer(Kind.PUBCOMP, number)
    assert payloads(watcher, 100) == [b"%d" % number for number in range(1, 101)]


@defect(5, "-0")
@pytest.mark.parametrize("qos", [0, 1])
def test_messages_right_before_the_goodbye_arrive(case: Case, qos: int) -> None:
    topic, numbers = case.topic("t"), range(1, 11)
    watcher = case.watch(topic, qos=qos)
    for _ in range(10):
        sender = case.connect("sender")
        messages = [publish(topic, b"%d" % number, qos, number if qos else None) for number in numbers]
        sender.send(*messages, packets.DISCONNECT)
        assert payloads(watcher, 10) == [b"%d" % number for number in numbers]


@proves("3.3.1-4", "4.8.0-1")
@pytest.mark.parametrize("dup", [0, 8])
def test_there_is_no_qos_3(case: Case, dup: int) -> None:
    topic = case.topic("t")
    watcher, sender = case.watch(topic), case.connect("sender")
    sender.send(packet(Kind.PUBLISH, text(topic) + b"\0\1x", dup | 6))
    sender.closed()
    watcher.quiet()


@proves("3.3.1-2", "4.3.1-1")
def test_dup_means_nothing_at_qos_0(case: Case) -> None:
    """Whoever says so is closed, or served as if it had not: but DUP is passed on to nobody."""
    topic = case.topic("t")
    watcher, sender = case.watch(topic), case.connect("sender")
    sender.send(publish(topic, b"1", dup=True))
    if sender.is_served():
        assert not watcher.take().dup
    watcher.quiet()


@proves("3.3.1-3", "3.3.1-1")
def test_dup_is_not_passed_on(case: Case) -> None:
    topic = case.topic("t")
    watcher, sender = case.watch(topic, qos=2), case.connect("sender")
    sender.send(publish(topic, b"1", 1, 1, dup=True))
    sender.answer(Kind.PUBACK, 1)
    assert not watcher.take().dup


@proves("2.3.1-1", "4.8.0-1")
@pytest.mark.parametrize(
    "wrong",
    [
        publish("t", b"1", 1, 0),
        publish("t", b"1", 2, 0),
        packets.subscribe(0, ("t", 0)),
        packets.unsubscribe(0, "t"),
    ],
    ids=["publish-1", "publish-2", "subscribe", "unsubscribe"],
)
def test_there_is_no_packet_id_0(case: Case, wrong: bytes) -> None:
    sender = case.connect("sender")
    sender.send(wrong)
    sender.closed()


@proves("3.3.5-2")
@each_qos
def test_a_forbidden_message_is_acknowledged_or_the_connection_closed(case: Case, qos: int) -> None:
    topic, allowed = f"{FORBIDDEN}{case.root}", case.topic("t")
    warden = case.connect("warden", user=WARDEN)
    assert warden.subscribe((topic, 0), (allowed, 0)) == [0, 0]
    sender = case.connect("sender")
    if sender.may_publish(topic, b"1", qos):
        sender.publish(allowed, b"2", qos=1)
        assert warden.take().payload == b"2"
    warden.quiet()


@proves("3.3.5-2", "3.3.1-5")
def test_a_forbidden_message_is_not_retained(case: Case) -> None:
    topic = f"{FORBIDDEN}{case.root}"
    case.connect("warden", user=WARDEN).publish(topic, b"of the warden", retain=True)
    sender = case.connect("sender")
    sender.send(publish(topic, b"of a guest", retain=True), publish(topic, b"", retain=True))
    sender.is_served()
    late = case.connect("late", user=WARDEN)
    late.subscribe((topic, 0))
    assert late.take().payload == b"of the warden"


@each_qos
def test_a_payload_may_be_anything(case: Case, qos: int) -> None:
    topic, sent = case.topic("t"), [b"", b"\0", bytes(range(256)), b"\xff" * 1000]
    watcher, sender = case.watch(topic, qos=qos), case.connect("sender")
    for payload in sent:
        sender.publish(topic, payload, qos)
    assert payloads(watcher, 4) == sent


@pytest.mark.parametrize("size", [120, 121, 122, 123, 127, 128, 16_370, 16_383, 16_384, 100_000])
def test_all_sizes_are_framed_right(case: Case, size: int) -> None:
    topic = case.topic("t")
    watcher, sender = case.watch(topic, qos=1), case.connect("sender")
    sender.publish(topic, b"x" * size, qos=1)
    assert watcher.take().payload == b"x" * size
    watcher.quiet()


@defect(6)
def test_a_packet_that_is_too_large_is_not_read(case: Case) -> None:
    topic = case.topic("t")
    watcher, sender = case.watch(topic), case.connect("sender")
    sender.send(packet(Kind.PUBLISH, text(topic) + bytes(PACKET_BYTES + 1))[:1000])
    sender.closed()
    watcher.quiet()


@defect(7, "$thing")
@pytest.mark.parametrize("topic", ["$thing/x", "$SYS/x", "$"])
def test_a_publish_to_the_brokers_own_topics_leaves_no_zombie(case: Case, topic: str) -> None:
    """The client is closed, or served as before: its messages and its last will arrive."""
    normal, will = case.topic("t"), case.topic("will")
    watcher = case.watch(normal, will)
    sender = case.connect("sender", will=packets.Will(will))
    sender.send(publish(topic, b"1"))
    if sender.is_served():
        sender.send(publish(normal, b"2"))
        assert watcher.take().payload == b"2"
        sender.cut()
    assert watcher.take().topic == will
