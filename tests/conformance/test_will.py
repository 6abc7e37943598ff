"""Last wills (section 3.1.2.5)."""

from collections.abc import Callable

import pytest

from tests.conformance import packets
from tests.conformance.case import Case, defect, differs, proves
from tests.conformance.client import Client
from tests.conformance.packets import Will
from tests.conformance.rules import FORBIDDEN, WARDEN


def tear(client: Client) -> None:
    client.cut()


def say_nothing(client: Client) -> None:
    client.end()


def connect_again(client: Client) -> None:
    client.send(packets.connect("again"))
    client.closed()


def send_nonsense(client: Client) -> None:
    client.send(b"\xff" * 6)
    client.closed()


ENDINGS = [
    tear,
    say_nothing,
    send_nonsense,
    pytest.param(connect_again, marks=differs("mosquitto", "a second CONNECT costs the last will")),
]


@proves("3.1.2-8", "3.1.2-16", "4.8.0-1")
@pytest.mark.parametrize("ending", ENDINGS)
@pytest.mark.parametrize("clean", [True, False], ids=["clean", "kept"])
def test_a_will_is_published_when_the_connection_ends_without_a_goodbye(
    case: Case, clean: bool, ending: Callable[[Client], None]
) -> None:
    topic = case.topic("will")
    watcher = case.watch(topic)
    ending(case.connect(clean=clean, will=Will(topic, b"\0gone\xff")))
    message = watcher.take()
    assert (message.payload, message.retain) == (b"\0gone\xff", False)
    case.connect("late").subscribe((topic, 0))
    case.watch(topic, who="late").quiet()


@proves("3.1.2-10", "3.14.4-3")
def test_a_goodbye_discards_the_will(case: Case) -> None:
    topic = case.topic("will")
    watcher = case.watch(topic)
    case.connect(clean=False, will=Will(topic)).leave()
    watcher.quiet()
    case.connect(clean=False).cut()
    case.connect(clean=False).leave()
    watcher.quiet()


@proves("3.14.4-3")
def test_after_a_goodbye_nothing_is_heard(case: Case) -> None:
    topic = case.topic("t")
    watcher, client = case.watch(topic), case.connect(will=Will(topic))
    client.send(packets.DISCONNECT, packets.publish(topic, b"1"), packets.PINGREQ)
    client.closed()
    watcher.quiet()


@proves("3.1.2-10")
def test_a_will_is_published_once(case: Case) -> None:
    topic = case.topic("will")
    watcher = case.watch(topic)
    case.connect(clean=False, will=Will(topic)).cut()
    watcher.take()
    case.connect(clean=False).cut()
    case.connect(clean=False).leave()
    watcher.quiet()


@proves("3.1.2-12")
def test_without_a_will_nothing_is_published(case: Case) -> None:
    watcher = case.watch(case.topic("#"))
    case.connect().cut()
    case.connect().leave()  # takes over: the first is over by now
    watcher.quiet()


@proves("3.1.2-9", "3.8.4-6")
@pytest.mark.parametrize("qos", [0, 1, 2])
@pytest.mark.parametrize("asked", [0, 1, 2])
def test_a_will_has_its_own_qos(case: Case, qos: int, asked: int) -> None:
    topic = case.topic("will")
    watcher = case.watch(topic, qos=asked)
    case.connect(will=Will(topic, qos=qos)).cut()
    assert watcher.take().qos == min(qos, asked)


@proves("3.1.2-9")
def test_a_will_waits_for_those_who_are_away(case: Case) -> None:
    topic = case.topic("will")
    away = case.connect("away", clean=False)
    away.subscribe((topic, 1))
    away.leave()
    watcher = case.watch(topic)
    case.connect(will=Will(topic, qos=1)).cut()
    watcher.take()
    assert case.connect("away", clean=False).take().payload == b"gone"


@proves("3.1.2-17")
def test_a_will_may_be_retained(case: Case) -> None:
    topic = case.topic("will")
    watcher = case.watch(topic)
    case.connect(will=Will(topic, retain=True)).cut()
    assert not watcher.take().retain
    late = case.watch(topic, who="late").take()
    assert (late.payload, late.retain) == (b"gone", True)


@proves("3.1.2-17", "3.3.1-10", "3.3.1-11")
def test_an_empty_retained_will_clears_the_topic(case: Case) -> None:
    topic = case.topic("will")
    case.connect("sender").publish(topic, b"here", retain=True)
    watcher = case.watch(topic)
    watcher.take()
    case.connect(will=Will(topic, b"", retain=True)).cut()
    assert watcher.take().payload == b""
    case.watch(topic, who="late").quiet()


@defect(2, "retained")
@pytest.mark.parametrize("retain", [False, True], ids=["passing", "retained"])
def test_a_will_is_bound_by_the_access_rules(case: Case, retain: bool) -> None:
    topic, allowed = f"{FORBIDDEN}{case.root}", case.topic("t")
    warden = case.connect("warden", user=WARDEN)
    assert warden.subscribe((topic, 0), (allowed, 0)) == [0, 0]
    client = case.open()
    if client.is_let_in(packets.connect(case.client_id("one"), will=Will(topic, retain=retain))):
        client.cut()
        case.connect(will=Will(allowed)).cut()
        assert warden.take().topic == allowed
    warden.quiet()


@proves("3.1.3-10", "3.3.2-2")
@pytest.mark.parametrize("topic", ["a/+", "#", "", "a\0b"], ids=["plus", "hash", "empty", "null"])
def test_the_topic_of_a_will_must_be_a_topic(case: Case, topic: str) -> None:
    client = case.open()
    client.send(packets.connect(case.client_id("one"), will=Will(topic)))
    client.refused()
