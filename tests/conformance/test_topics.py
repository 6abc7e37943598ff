"""Topic names, topic filters and their wildcards (section 4.7)."""

import pytest

from tests.conformance import packets
from tests.conformance.case import Case, proves
from tests.conformance.packets import Kind, publish

COMPOSED, DECOMPOSED = "\u00e9", "e\u0301"
MARK = "\ufeff"


@proves("3.3.2-3", "4.7.1-1", "4.7.1-2", "4.7.1-3", "4.7.3-4", "3.8.3-2")
@pytest.mark.parametrize(
    ("topic_filter", "topic", "matches"),
    [
        ("sport/tennis", "sport/tennis", True),
        ("sport/tennis", "sport/tennis/", False),
        ("sport/tennis", "sport", False),
        ("sport/tennis", "Sport/tennis", False),
        ("sport/#", "sport/tennis", True),
        ("sport/#", "sport/tennis/player1/ranking", True),
        ("sport/#", "sport", True),
        ("sport/#", "sport/", True),
        ("sport/#", "sports", False),
        ("sport/tennis/#", "sport", False),
        ("sport/+", "sport/tennis", True),
        ("sport/+", "sport/", True),
        ("sport/+", "sport", False),
        ("sport/+", "sport/tennis/player1", False),
        ("sport/+/player1", "sport/tennis/player1", True),
        ("sport/+/player1", "sport//player1", True),
        ("sport/+/player1", "sport/tennis/player2", False),
        ("sport/+/#", "sport/tennis", True),
        ("sport/+/#", "sport/tennis/player1", True),
        ("sport/+/#", "sport", False),
        ("+/+", "sport/tennis", True),
        ("+/+", "sport", False),
        ("+/+/#", "sport/tennis", True),
        ("+/tennis/#", "sport/tennis", True),
        ("sport//tennis", "sport//tennis", True),
        ("sport//tennis", "sport/tennis", False),
        ("sport/", "sport/", True),
        ("sport/", "sport", False),
        ("/", "/", True),
        ("+/", "/", True),
        ("/+", "/", True),
        ("sport/$", "sport/$", True),
        ("+/$x", "sport/$x", True),
        ("two words/ ", "two words/ ", True),
        (COMPOSED, COMPOSED, True),
        (COMPOSED, DECOMPOSED, False),
        ("\u00c9", COMPOSED, False),
        ("\U0001f600/+", "\U0001f600/\U00010000", True),
        (MARK + "a", MARK + "a", True),
        (MARK + "a", "a", False),
        ("a", MARK + "a", False),
    ],
)
def test_a_filter_finds_what_it_says(case: Case, topic_filter: str, topic: str, matches: bool) -> None:
    watcher, sender = case.watch(case.topic(topic_filter), qos=1), case.connect("sender")
    sender.publish(case.topic(topic), b"live", qos=1, retain=True)
    if matches:
        message = watcher.take()
        assert (message.topic, message.payload) == (case.topic(topic), b"live")
    watcher.quiet()
    late = case.watch(case.topic(topic_filter), who="late")
    if matches:
        assert late.take().topic == case.topic(topic)
    late.quiet()
    sender.publish(case.topic(topic), retain=True)


@proves("3.3.2-3", "4.7.1-2", "4.7.1-3")
@pytest.mark.parametrize(
    ("topic_filter", "topic", "matches"),
    [
        ("+", "{}", True),
        ("+", "/{}", False),
        ("/+", "/{}", True),
        ("/+", "{}", False),
        ("+/+", "/{}", True),
        ("+/{}", "/{}", True),
        ("#", "{}", True),
        ("#", "/{}", True),
        ("#", "/", True),
        ("/#", "/{}", True),
        ("/#", "{}", False),
        ("+/#", "{}", True),
    ],
)
def test_the_first_level_is_a_level_like_any_other(case: Case, topic_filter: str, topic: str, matches: bool) -> None:
    name = topic.format(case.root)
    watcher = case.watch(topic_filter.format(case.root))
    watcher.forget()  # what others left
    case.connect("sender").publish(name, b"1", qos=1)
    if matches:
        assert watcher.take().topic == name
    watcher.quiet()


@proves("4.7.2-1")
@pytest.mark.parametrize("retain", [False, True], ids=["live", "retained"])
@pytest.mark.parametrize("topic_filter", ["#", "+/#", "+/{}", "+/+"])
def test_a_leading_wildcard_finds_no_topic_that_begins_with_a_dollar(
    case: Case, topic_filter: str, retain: bool
) -> None:
    watcher = case.watch(topic_filter.format(case.root))
    watcher.forget()
    case.connect("sender").may_publish(f"$thing/{case.root}", b"1", retain=retain)
    watcher.quiet()
    late = case.watch(topic_filter.format(case.root), who="late")
    case.connect("other").publish(f"thing/{case.root}", b"2")
    while (message := late.take()).payload != b"2":
        assert not message.topic.startswith("$")


@proves("4.7.1-2", "4.7.1-3", "4.7.3-1", "4.7.3-2", "1.5.3-2", "4.8.0-1")
@pytest.mark.parametrize("kind", [Kind.SUBSCRIBE, Kind.UNSUBSCRIBE])
@pytest.mark.parametrize(
    "wrong",
    ["", "a#", "#/a", "a/#/b", "a/b#", "##", "a+", "+a", "a/+b/c", "a/b+", "++", "+#", "#+", "a\0b", "\0"],
)
def test_a_filter_that_is_none_is_an_error(case: Case, kind: Kind, wrong: str) -> None:
    client = case.connect()
    client.send(packets.subscribe(1, (wrong, 0)) if kind is Kind.SUBSCRIBE else packets.unsubscribe(1, wrong))
    client.closed()


@proves("3.3.2-2", "4.7.1-1", "4.7.3-1", "4.7.3-2", "1.5.3-2", "4.8.0-1")
@pytest.mark.parametrize("qos", [0, 1, 2])
@pytest.mark.parametrize("wrong", ["", "#", "+", "a/#", "a/+/b", "a+", "a#b", "a\0b", "\0"])
def test_a_topic_that_is_none_is_an_error(case: Case, wrong: str, qos: int) -> None:
    watcher, sender = case.watch(case.topic("#")), case.connect("sender")
    sender.send(publish(case.topic(wrong) if wrong else "", b"1", qos, 1 if qos else None))
    sender.closed()
    watcher.quiet()


@proves("4.7.3-3", "4.7.3-1")
@pytest.mark.parametrize("size", [1, 1000, 65_535])
def test_a_topic_may_be_as_long_as_its_length_can_say(case: Case, size: int) -> None:
    topic = ("x" if size == 1 else case.topic("")).ljust(size, "x")
    watcher = case.watch(topic, qos=1)
    case.connect("sender").publish(topic, b"1", qos=1)
    assert watcher.take().topic == topic


@pytest.mark.parametrize("levels", [2, 20, 30])
def test_a_topic_may_have_many_levels(case: Case, levels: int) -> None:
    topic = case.topic("/".join("x" * levels))
    watchers = [case.watch(topic), case.watch(case.topic("#"), who="rest")]
    case.connect("sender").publish(topic, b"1", qos=1)
    for watcher in watchers:
        assert watcher.take().topic == topic


def test_a_topic_of_ten_thousand_levels_harms_nobody(case: Case) -> None:
    """A broker may refuse it; whoever sent it, others are served on."""
    deep = case.topic("/" * 10_000)
    watcher, other = case.watch(case.topic("#")), case.connect("other")
    client = case.connect()
    client.send(packets.subscribe(1, (deep, 0)), packets.publish(deep, b"1", retain=True))
    client.send(packets.publish(deep, b"", retain=True))
    other.publish(case.topic("t"), b"2")
    while watcher.take().payload != b"2":
        pass
