"""Two connections with one client id (section 3.1.4)."""

import pytest

from tests.conformance import packets
from tests.conformance.case import Case, defect, differs, only, proves
from tests.conformance.packets import Will

kept_or_not = pytest.mark.parametrize("clean", [True, False], ids=["clean", "kept"])


@defect(3)
@proves("3.1.4-2")
@kept_or_not
def test_the_new_connection_wins(case: Case, clean: bool) -> None:
    topic = case.topic("t")
    old = case.connect(clean=clean)
    new = case.connect(clean=clean)
    old.closed()
    new.subscribe((topic, 1))
    case.connect("sender").publish(topic, b"1", qos=1)
    assert new.take().payload == b"1"
    new.quiet()


@proves("3.1.4-2", "3.1.2-8")
@pytest.mark.parametrize(
    "clean",
    [
        pytest.param(True, id="clean"),
        pytest.param(
            False, id="kept", marks=differs("mosquitto", "a kept session that is taken over loses its last will")
        ),
    ],
)
def test_the_will_of_the_old_is_published_and_that_of_the_new_is_not(case: Case, clean: bool) -> None:
    topic = case.topic("will")
    watcher = case.watch(topic)
    case.connect(clean=clean, will=Will(topic, b"old"))
    new = case.connect(clean=clean, will=Will(topic, b"new"))
    assert watcher.take().payload == b"old"
    new.quiet()
    watcher.quiet()
    new.cut()
    assert watcher.take().payload == b"new"


@defect(3)
@proves("3.1.4-2")
def test_a_birth_after_the_take_over_is_not_overwritten(case: Case) -> None:
    topic = case.topic("status")
    old = case.connect(will=Will(topic, b"lost", retain=True))
    new = case.connect(will=Will(topic, b"lost", retain=True))
    new.publish(topic, b"online", qos=1, retain=True)
    old.cut()
    case.connect("old").leave()  # time for the old one's will, had it still one
    assert case.watch(topic).take().payload == b"online"


@proves("3.1.4-2", "3.1.2-4", "3.2.2-2")
def test_a_session_goes_over_to_the_new_connection(case: Case) -> None:
    topic = case.topic("t")
    old = case.connect(clean=False)
    old.subscribe((topic, 1))
    sender = case.connect("sender")
    sender.publish(topic, b"1", qos=1)
    first = old.message()
    new = case.connect(clean=False)
    assert new.session_present
    again = new.take()
    assert (again.payload, again.packet_id, again.dup) == (b"1", first.packet_id, True)
    sender.publish(topic, b"2", qos=1)
    assert new.take().payload == b"2"
    new.quiet()


@proves("3.1.4-2", "3.1.4-3", "3.1.2-6")
def test_a_clean_connection_ends_a_kept_session(case: Case) -> None:
    topic = case.topic("t")
    case.connect(clean=False).subscribe((topic, 1))
    new = case.connect(clean=True)
    assert not new.session_present
    case.connect("sender").publish(topic, b"1", qos=1)
    new.quiet()
    new.leave()
    assert not case.connect(clean=False).session_present


@proves("3.1.4-2")
def test_of_many_the_last_is_served(case: Case) -> None:
    topic = case.topic("t")
    clients = [case.open() for _ in range(20)]
    for client in clients:
        client.send(packets.connect(case.client_id("one"), clean=False))
    for client in clients:
        client.connack()
    alive = [client for client in clients if client.is_served()]
    assert len(alive) == 1
    alive[0].subscribe((topic, 1))
    case.connect("sender").publish(topic, b"1", qos=1)
    assert alive[0].take().payload == b"1"


@only("embedded")
@kept_or_not
def test_a_client_id_belongs_to_its_account(case: Case, clean: bool) -> None:
    topic = case.topic("t")
    alice, bob = case.connect(user="alice", clean=clean), case.connect(user="bob", clean=clean)
    assert not bob.session_present
    for client in (alice, bob):
        client.subscribe((topic, 1))
    case.connect("sender").publish(topic, b"1", qos=1)
    assert alice.take().payload == bob.take().payload == b"1"
