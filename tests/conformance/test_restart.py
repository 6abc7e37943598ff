"""What is kept while the broker is away (section 4.1): the standard leaves it open, both brokers promise it.

Mosquitto writes when it is told to stop; the embedded broker before it acknowledges, so that a kill loses nothing.
"""

from signal import SIGKILL, SIGTERM, Signals

import pytest

from tests.conformance.case import Case, defect, differs, payloads, proves
from tests.conformance.packets import Kind, ack, publish

either_way = pytest.mark.parametrize(
    "number",
    [
        pytest.param(SIGTERM, id="stopped"),
        pytest.param(SIGKILL, id="killed", marks=differs("mosquitto", "what it keeps, it writes when it is stopped")),
    ],
)


@defect(9, "stopped")
@either_way
def test_retained_messages_are_kept(case: Case, number: Signals) -> None:
    topics = {case.topic(f"{qos}"): qos for qos in range(3)}
    sender, cleared = case.connect("sender"), case.topic("cleared")
    for topic, qos in topics.items():
        sender.publish(topic, b"old", qos, retain=True)
        sender.publish(topic, b"new", qos, retain=True)
    sender.publish(cleared, b"1", qos=1, retain=True)
    sender.publish(cleared, b"", qos=1, retain=True)
    case.broker.restart(number)
    late = case.watch(case.topic("#"), qos=2)
    got = [late.take() for _ in topics]
    assert {message.topic: message.qos for message in got} == topics
    assert {(message.payload, message.retain) for message in got} == {(b"new", True)}
    late.quiet()


@defect(9, "stopped")
@proves("3.1.2-4")
@either_way
def test_subscriptions_are_kept(case: Case, number: Signals) -> None:
    client = case.connect(clean=False)
    client.subscribe((case.topic("a"), 2), (case.topic("b/+"), 0), (case.topic("c"), 1), (case.topic("d"), 1))
    client.subscribe((case.topic("c"), 2))
    client.unsubscribe(case.topic("d"))
    case.broker.restart(number)
    client, sender = case.connect(clean=False), case.connect("sender")
    assert client.session_present
    for topic in ("a", "b/x", "c", "d"):
        sender.publish(case.topic(topic), topic.encode(), qos=2)
    got = [client.take() for _ in range(3)]
    assert [(message.payload, message.qos) for message in got] == [(b"a", 2), (b"b/x", 0), (b"c", 2)]
    client.quiet()


@proves("3.1.2-5")
@either_way
def test_what_waited_is_kept(case: Case, number: Signals) -> None:
    topic = case.topic("t")
    client = case.connect(clean=False)
    client.subscribe((topic, 2))
    client.leave()
    sender = case.connect("sender")
    sent = [b"%d" % each for each in range(30)]
    for each, payload in enumerate(sent):
        sender.publish(topic, payload, qos=1 + each % 2)
    case.broker.restart(number)
    client = case.connect(clean=False)
    assert client.session_present
    assert payloads(client, 30) == sent
    client.quiet()
    client.leave()
    case.connect(clean=False).quiet()


@proves("4.4.0-1", "4.6.0-1")
@either_way
def test_what_was_under_way_comes_again(case: Case, number: Signals) -> None:
    topic = case.topic("t")
    client = case.connect(clean=False)
    client.subscribe((topic, 2))
    sender = case.connect("sender")
    for each in range(1, 4):
        sender.publish(topic, b"%d" % each, qos=2)
    first = [client.message() for _ in range(3)]
    released = first[0].packet_id or 0
    client.send(ack(Kind.PUBREC, released))
    client.answer(Kind.PUBREL, released)
    case.broker.restart(number)
    client = case.connect(clean=False)
    client.answer(Kind.PUBREL, released)
    client.send(ack(Kind.PUBCOMP, released))
    again = [client.take() for _ in range(2)]
    assert [(message.payload, message.packet_id, message.dup) for message in again] == [
        (message.payload, message.packet_id, True) for message in first[1:]
    ]
    client.quiet()


@proves("4.3.3-2", "4.4.0-1")
@either_way
def test_half_a_handshake_of_a_publisher_is_kept(case: Case, number: Signals) -> None:
    topic = case.topic("t")
    watcher = case.connect("watcher", clean=False)
    watcher.subscribe((topic, 2))
    sender = case.connect("sender", clean=False)
    sender.send(publish(topic, b"once", 2, 7))
    sender.answer(Kind.PUBREC, 7)
    case.broker.restart(number)
    watcher, sender = case.connect("watcher", clean=False), case.connect("sender", clean=False)
    sender.send(publish(topic, b"once", 2, 7, dup=True))
    sender.answer(Kind.PUBREC, 7)
    sender.send(ack(Kind.PUBREL, 7))
    sender.answer(Kind.PUBCOMP, 7)
    assert watcher.take().payload == b"once"
    watcher.quiet()


@proves("3.1.2-6")
def test_what_was_discarded_stays_so(case: Case) -> None:
    topic = case.topic("t")
    ended = case.connect("ended", clean=False)
    ended.subscribe((topic, 1))
    ended.leave()
    case.connect("ended", clean=True).subscribe((topic, 1))
    case.connect("clean", clean=True).subscribe((topic, 1))
    case.broker.restart(SIGTERM)
    case.connect("sender").publish(topic, b"1", qos=1)
    for who in ("ended", "clean"):
        client = case.connect(who, clean=False)
        assert not client.session_present
        client.quiet()


@either_way
def test_what_was_acknowledged_arrives_in_the_end(case: Case, number: Signals) -> None:
    topic = case.topic("t")
    client = case.connect(clean=False)
    client.subscribe((topic, 1))
    sent = [b"%d" % each for each in range(30)]
    for start in (0, 15):
        sender = case.connect("sender")
        for payload in sent[start : start + 15]:
            sender.publish(topic, payload, qos=1)
        case.broker.restart(number)
        client = case.connect(clean=False)
    assert list(dict.fromkeys(payloads(client, 30))) == sent
    client.quiet()


@proves("4.3.3-1", "4.4.0-1", "2.3.1-3")
@either_way
def test_a_message_is_kept_before_it_is_sent_on(case: Case, number: Signals) -> None:
    """Else it would come again as another message, under another packet id."""
    topic = case.topic("t")
    client = case.connect(clean=False)
    client.subscribe((topic, 2))
    case.connect("sender").send(publish(topic, b"1", 1, 7))  # and do not wait for the PUBACK
    first = client.message()
    case.broker.restart(number)
    again = case.connect(clean=False).take()
    assert (again.payload, again.packet_id, again.dup) == (b"1", first.packet_id, True)
