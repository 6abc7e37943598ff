"""Sessions, kept and clean (sections 3.1.2.4, 4.1, 4.4)."""

from collections.abc import Callable

import pytest

from tests.conformance.case import Case, payloads, proves
from tests.conformance.client import Client
from tests.conformance.packets import Kind, ack, publish

GOODBYES = [Client.leave, Client.cut]
either_way = pytest.mark.parametrize("goodbye", GOODBYES, ids=["goodbye", "cut"])


def away(case: Case, topic: str, qos: int, who: str = "one") -> None:
    """Subscribe in a session that is kept, and go away."""
    client = case.connect(who, clean=False)
    assert client.subscribe((topic, qos)) == [qos]
    client.leave()


@proves("3.2.2-1", "3.2.2-2", "3.2.2-3", "3.1.2-4", "4.1.0-1")
def test_session_present_says_whether_a_session_was_kept(case: Case) -> None:
    for clean, expected in [(False, False), (False, True), (False, True), (True, False), (True, False), (False, False)]:
        client = case.connect(clean=clean)
        assert client.session_present == expected
        client.leave()


@proves("3.1.2-4", "3.1.2-5", "4.1.0-1", "4.1.0-2", "4.5.0-1")
@either_way
@pytest.mark.parametrize("qos", [1, 2])
def test_what_came_meanwhile_waits_in_order(case: Case, goodbye: Callable[[Client], None], qos: int) -> None:
    topic = case.topic("t")
    client = case.connect(clean=False)
    client.subscribe((topic, qos))
    goodbye(client)
    sender = case.connect("sender")
    sent = [b"%d" % number for number in range(50)]
    for payload in sent:
        sender.publish(topic, payload, qos=qos)
    client = case.connect(clean=False)
    assert client.session_present
    assert payloads(client, 50) == sent
    client.quiet()
    client.leave()
    case.connect(clean=False).quiet()


@proves("3.1.2-5")
def test_qos_0_need_not_wait_but_the_rest_does(case: Case) -> None:
    topic = case.topic("t")
    away(case, topic, 2)
    sender = case.connect("sender")
    for qos in (0, 1, 0, 2):
        sender.publish(topic, b"%d" % qos, qos=qos)
    client = case.connect(clean=False)
    got = [client.take(), client.take()]
    if got[0].qos == 0:  # a server may keep them too
        got = [got[1], client.take(), client.take()]
    assert [message.qos for message in got if message.qos] == [1, 2]


@proves("3.2.0-1", "3.1.4-4")
def test_the_connack_comes_before_what_waited(case: Case) -> None:
    topic = case.topic("t")
    away(case, topic, 1)
    case.connect("sender").publish(topic, b"1", qos=1)
    client = case.connect(clean=False)
    client.take()
    assert client.came == [Kind.CONNACK, Kind.PUBLISH]


@proves("3.1.2-4", "3.10.4-2")
def test_subscriptions_stay_and_what_was_unsubscribed_is_gone(case: Case) -> None:
    first, second = case.topic("1"), case.topic("2")
    client = case.connect(clean=False)
    client.subscribe((first, 0), (second, 2))
    client.unsubscribe(first)
    client.leave()
    client = case.connect(clean=False)
    sender = case.connect("sender")
    sender.publish(first, b"1", qos=1)
    sender.publish(second, b"2", qos=2)
    message = client.take()
    assert (message.topic, message.qos) == (second, 2)
    client.quiet()


@proves("3.1.2-6", "3.1.4-3")
@either_way
def test_a_clean_session_ends_with_its_connection(case: Case, goodbye: Callable[[Client], None]) -> None:
    topic = case.topic("t")
    client = case.connect(clean=True)
    client.subscribe((topic, 1))
    goodbye(client)
    case.connect("sender").publish(topic, b"1", qos=1)
    client = case.connect(clean=False)
    assert not client.session_present
    client.quiet()


@proves("3.1.2-6", "3.1.4-3")
def test_a_clean_session_discards_the_kept_one_and_what_waited(case: Case) -> None:
    topic = case.topic("t")
    away(case, topic, 1)
    sender = case.connect("sender")
    sender.publish(topic, b"1", qos=1)
    client = case.connect(clean=True)
    assert not client.session_present
    sender.publish(topic, b"2", qos=1)
    client.quiet()
    client.leave()
    client = case.connect(clean=False)
    assert not client.session_present
    client.quiet()


@proves("3.1.2-7")
def test_retained_messages_are_no_part_of_a_session(case: Case) -> None:
    topic = case.topic("t")
    client = case.connect(clean=True)
    client.publish(topic, b"1", retain=True)
    client.leave()
    case.connect(clean=True).leave()
    assert case.watch(topic).take().payload == b"1"


@proves("4.4.0-1", "2.3.1-3", "2.3.1-4", "3.3.1-1", "4.3.2-1", "4.6.0-1")
@either_way
@pytest.mark.parametrize("qos", [1, 2])
def test_what_was_not_acknowledged_comes_again(case: Case, goodbye: Callable[[Client], None], qos: int) -> None:
    topic = case.topic("t")
    client = case.connect(clean=False)
    client.subscribe((topic, qos))
    sender = case.connect("sender")
    for number in range(5):
        sender.publish(topic, b"%d" % number, qos=qos)
    first = [client.message() for _ in range(5)]
    assert not any(message.dup for message in first)
    goodbye(client)
    client = case.connect(clean=False)
    again = [client.take() for _ in range(5)]
    assert [(message.payload, message.packet_id) for message in again] == [
        (message.payload, message.packet_id) for message in first
    ]
    assert all(message.dup for message in again)
    client.quiet()


@proves("4.4.0-1", "4.6.0-1", "3.3.1-1")
def test_what_was_sent_before_comes_before_what_waited(case: Case) -> None:
    topic = case.topic("t")
    client = case.connect(clean=False)
    client.subscribe((topic, 1))
    sender = case.connect("sender")
    for payload in (b"1", b"2", b"3"):
        sender.publish(topic, payload, qos=1)
    client.take()
    client.message()
    client.cut()
    for payload in (b"4", b"5"):
        sender.publish(topic, payload, qos=1)
    case.connect(clean=False).cut()
    client = case.connect(clean=False)
    got = [client.take() for _ in range(4)]
    assert [message.payload for message in got] == [b"2", b"3", b"4", b"5"]
    assert got[0].dup
    assert len({message.packet_id for message in got}) == 4
    client.quiet()


@proves("4.4.0-1", "4.3.3-1", "2.3.1-6")
def test_a_pubrel_comes_again_and_the_message_does_not(case: Case) -> None:
    topic = case.topic("t")
    client = case.connect(clean=False)
    client.subscribe((topic, 2))
    case.connect("sender").publish(topic, b"1", qos=2)
    packet_id = client.message().packet_id
    assert packet_id is not None
    client.send(ack(Kind.PUBREC, packet_id))
    client.answer(Kind.PUBREL, packet_id)
    client.cut()
    client = case.connect(clean=False)
    client.answer(Kind.PUBREL, packet_id)
    client.send(ack(Kind.PUBCOMP, packet_id))
    client.quiet()
    client.leave()
    case.connect(clean=False).quiet()


@proves("4.3.3-2", "4.4.0-1", "4.1.0-1")
def test_half_a_handshake_of_a_publisher_is_remembered(case: Case) -> None:
    topic = case.topic("t")
    watcher = case.watch(topic, qos=2)
    sender = case.connect("sender", clean=False)
    sender.send(publish(topic, b"once", 2, 7))
    sender.answer(Kind.PUBREC, 7)
    sender.cut()
    sender = case.connect("sender", clean=False)
    sender.send(publish(topic, b"once", 2, 7, dup=True))
    sender.answer(Kind.PUBREC, 7)
    sender.send(ack(Kind.PUBREL, 7))
    sender.answer(Kind.PUBCOMP, 7)
    assert watcher.take().payload == b"once"
    watcher.quiet()


@proves("4.3.3-2", "4.4.0-1")
def test_a_publisher_may_finish_its_handshake_after_a_pause(case: Case) -> None:
    topic = case.topic("t")
    watcher = case.watch(topic, qos=2)
    sender = case.connect("sender", clean=False)
    sender.send(publish(topic, b"once", 2, 7))
    sender.answer(Kind.PUBREC, 7)
    sender.cut()
    sender = case.connect("sender", clean=False)
    sender.send(ack(Kind.PUBREL, 7))
    sender.answer(Kind.PUBCOMP, 7)
    assert watcher.take().payload == b"once"
    sender.send(publish(topic, b"twice", 2, 7))
    sender.answer(Kind.PUBREC, 7)
    sender.send(ack(Kind.PUBREL, 7))
    sender.answer(Kind.PUBCOMP, 7)
    assert watcher.take().payload == b"twice"
    watcher.quiet()


@proves("3.1.2-6")
def test_a_clean_session_forgets_half_a_handshake(case: Case) -> None:
    topic = case.topic("t")
    watcher = case.watch(topic, qos=2)
    sender = case.connect("sender", clean=False)
    sender.send(publish(topic, b"1", 2, 7))
    sender.answer(Kind.PUBREC, 7)
    sender.cut()
    sender = case.connect("sender", clean=True)
    sender.send(publish(topic, b"2", 2, 7))
    sender.answer(Kind.PUBREC, 7)
    sender.send(ack(Kind.PUBREL, 7))
    sender.answer(Kind.PUBCOMP, 7)
    got = watcher.take().payload
    if got == b"1":  # a server may pass it on before the PUBREL
        got = watcher.take().payload
    assert got == b"2"
    watcher.quiet()


@proves("3.1.2-5", "4.3.2-1", "4.4.0-1", "4.5.0-1", "4.6.0-6")
def test_qos_1_loses_nothing_where_the_client_comes_and_goes(case: Case) -> None:
    topic, sender = case.topic("t"), case.connect("sender")
    client = case.connect(clean=False)
    client.subscribe((topic, 1))
    got, number = list[bytes](), 0
    for turn in range(30):
        for _ in range(turn % 4):
            sender.publish(topic, b"%d" % number, qos=1)
            number += 1
        got += [client.take().payload for _ in range(turn % 3) if len(set(got)) < number]
        if turn % 2:
            client.cut()
            client = case.connect(clean=False)
    while len(set(got)) < number:
        got.append(client.take().payload)
    assert list(dict.fromkeys(got)) == [b"%d" % each for each in range(number)]


@proves("4.3.3-1", "4.4.0-1", "4.5.0-1")
def test_qos_2_delivers_once_where_the_client_comes_and_goes(case: Case) -> None:
    """The client is cut after each step of the handshake in turn, and does what the standard tells receivers to do."""
    topic, sender = case.topic("t"), case.connect("sender")
    client = case.connect(clean=False)
    client.subscribe((topic, 2))
    got = list[bytes]()
    for number in range(9):
        sender.publish(topic, b"%d" % number, qos=2)
        message = client.message()
        got.append(message.payload)
        packet_id = message.packet_id or 0
        if number % 3 == 0:
            client.cut()
            client = case.connect(clean=False)
            assert client.message().packet_id == packet_id  # it is known: not delivered again
        client.send(ack(Kind.PUBREC, packet_id))
        client.answer(Kind.PUBREL, packet_id)
        if number % 3 == 1:
            client.cut()
            client = case.connect(clean=False)
            client.answer(Kind.PUBREL, packet_id)
        client.send(ack(Kind.PUBCOMP, packet_id))
        if number % 3 == 2:
            client.quiet()
            client.cut()
            client = case.connect(clean=False)
    assert got == [b"%d" % number for number in range(9)]
    client.quiet()
