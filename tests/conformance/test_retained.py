"""Retained messages (section 3.3.1.3)."""

import pytest

from tests.conformance.case import Case, defect, proves
from tests.conformance.rules import FORBIDDEN, WARDEN

each_qos = pytest.mark.parametrize("qos", [0, 1, 2])


@proves("3.3.1-5", "3.3.1-6", "3.3.1-8", "3.3.1-7", "3.8.4-6")
@each_qos
@pytest.mark.parametrize("asked", [0, 1, 2])
def test_a_retained_message_waits_for_new_subscriptions(case: Case, qos: int, asked: int) -> None:
    topic = case.topic("t")
    case.connect("sender").publish(topic, b"1", qos, retain=True)
    message = case.watch(topic, qos=asked).take()
    assert (message.payload, message.qos, message.retain, message.dup) == (b"1", min(qos, asked), True, False)


@proves("3.3.1-9")
@each_qos
def test_to_who_has_subscribed_before_it_is_a_message_like_any_other(case: Case, qos: int) -> None:
    topic = case.topic("t")
    watcher = case.watch(topic, qos=qos)
    case.connect("sender").publish(topic, b"1", qos, retain=True)
    assert not watcher.take().retain
    watcher.quiet()


@proves("3.3.1-9")
def test_a_message_that_waited_for_a_client_is_not_marked_as_retained(case: Case) -> None:
    topic = case.topic("t")
    client = case.connect(clean=False)
    client.subscribe((topic, 1))
    client.leave()
    case.connect("sender").publish(topic, b"1", qos=1, retain=True)
    client = case.connect(clean=False)
    assert not client.take().retain
    client.quiet()


@proves("3.3.1-5", "3.3.1-7")
@each_qos
def test_the_last_one_counts(case: Case, qos: int) -> None:
    topic, sender = case.topic("t"), case.connect("sender")
    sender.publish(topic, b"1", 2, retain=True)
    sender.publish(topic, b"2", qos, retain=True)
    late = case.watch(topic, qos=2)
    message = late.take()
    assert (message.payload, message.qos) == (b"2", qos)
    late.quiet()


@proves("3.3.1-12")
def test_a_message_that_is_not_retained_changes_nothing(case: Case) -> None:
    topic, other, sender = case.topic("t"), case.topic("other"), case.connect("sender")
    sender.publish(topic, b"1", retain=True)
    sender.publish(topic, b"2")
    sender.publish(topic, b"")
    sender.publish(other, b"3")
    late = case.watch(topic, other)
    assert late.take().payload == b"1"
    late.quiet()


@proves("3.3.1-10", "3.3.1-11")
@each_qos
def test_an_empty_one_clears_and_is_passed_on(case: Case, qos: int) -> None:
    topic, sender = case.topic("t"), case.connect("sender")
    sender.publish(topic, b"1", retain=True)
    watcher = case.watch(topic, qos=qos)
    assert watcher.take().retain
    sender.publish(topic, b"", qos, retain=True)
    message = watcher.take()
    assert (message.payload, message.retain, message.qos) == (b"", False, qos)
    case.watch(topic, who="late").quiet()


@proves("3.3.1-11")
def test_an_empty_one_is_not_kept_where_there_was_none(case: Case) -> None:
    topic = case.topic("t")
    case.connect("sender").publish(topic, b"", qos=1, retain=True)
    case.watch(topic).quiet()


@proves("3.8.4-3", "3.3.1-6")
def test_who_subscribes_again_gets_them_again(case: Case) -> None:
    topic = case.topic("t")
    case.connect("sender").publish(topic, b"1", retain=True)
    watcher = case.watch(topic)
    assert watcher.take().retain
    watcher.subscribe((topic, 0))
    assert watcher.take().retain
    watcher.quiet()


@proves("3.3.1-6")
def test_a_session_that_is_resumed_gets_them_not_again(case: Case) -> None:
    topic = case.topic("t")
    case.connect("sender").publish(topic, b"1", qos=1, retain=True)
    client = case.connect(clean=False)
    client.subscribe((topic, 1))
    client.take()
    client.leave()
    case.connect(clean=False).quiet()


@proves("3.3.1-6")
def test_a_wildcard_finds_all_of_them(case: Case) -> None:
    sender = case.connect("sender")
    kept = {case.topic("a"), case.topic("a/b"), case.topic("a/b/c"), case.topic("b/a")}
    for topic in kept:
        sender.publish(topic, topic.encode(), retain=True)
    for topic_filter, expected in [("#", kept), ("a/#", {each for each in kept if "/a" in each and "b/a" not in each})]:
        late = case.watch(case.topic(topic_filter), who=f"late{len(expected)}")
        assert {late.take().topic for _ in expected} == expected
        late.quiet()
    late = case.watch(case.topic("+/+"), who="plus")
    assert {late.take().topic, late.take().topic} == {case.topic("a/b"), case.topic("b/a")}
    late.quiet()


@proves("3.3.1-6")
def test_more_of_them_than_may_be_under_way_all_arrive(case: Case) -> None:
    sender, topics = case.connect("sender"), {case.topic(f"{number}") for number in range(100)}
    for topic in topics:
        sender.publish(topic, b"1", qos=1, retain=True)
    late = case.watch(case.topic("+"), qos=1)
    assert {late.take().topic for _ in topics} == topics
    late.quiet()


@defect(1)
def test_a_client_that_subscribed_to_nothing_gets_nothing(case: Case) -> None:
    topic = case.topic("t")
    case.connect("sender").publish(topic, b"1", retain=True)
    assert case.watch(topic).take().payload == b"1"
    case.connect("bystander").quiet()
    case.connect("kept", clean=False).leave()
    case.connect("kept", clean=False).quiet()


@defect(1)
def test_nobody_gets_what_only_others_may_see(case: Case) -> None:
    topic = f"{FORBIDDEN}{case.root}"
    warden = case.connect("warden", user=WARDEN)
    warden.subscribe((topic, 0))
    warden.publish(topic, b"1", retain=True)
    assert warden.take().payload == b"1"
    case.connect("bystander").quiet()
    late = case.connect("late")
    late.subscribe((topic, 0), ("+/" + case.root, 0))
    late.quiet()
