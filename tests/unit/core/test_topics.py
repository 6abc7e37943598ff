"""The only topic matcher of the project, against a naive reading of MQTT 3.1.1, section 4.7."""

from functools import cache
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.core.topics import Topic, Tree, apart, is_filter, overlaps

NAMES = ("", "a", "b", "$s")
MOST = 3  # levels of the enumerated filters; topics have one more


# The empty topic is no topic [MQTT-4.7.3-1], but counting it as one does no harm: nobody can publish to it.
TOPICS = [levels for length in range(1, MOST + 2) for levels in product(NAMES, repeat=length)]
FILTERS = [
    "/".join(levels)
    for length in range(1, MOST + 1)
    for levels in product((*NAMES, "+", "#"), repeat=length)
    if levels != ("",) and "#" not in levels[:-1]
]


def covers(wild: tuple[str, ...], topic: tuple[str, ...]) -> bool:
    """The naive oracle: read one level of the filter after the other."""
    if topic[0].startswith("$") and wild[0] in ("+", "#"):
        return False  # [MQTT-4.7.2-1]
    return covers_rest(wild, topic)


def covers_rest(wild: tuple[str, ...], topic: tuple[str, ...]) -> bool:
    if wild == ("#",):
        return True  # any number of levels, none included: the parent is covered
    if not wild or not topic:
        return not wild and not topic
    return wild[0] in ("+", topic[0]) and covers_rest(wild[1:], topic[1:])


@cache
def covered(wild: str) -> int:
    """Return which of the enumerated topics a filter covers, as bits."""
    levels = tuple(wild.split("/"))
    return sum(1 << number for number, topic in enumerate(TOPICS) if covers(levels, topic))


def test_overlaps_agrees_with_enumeration_for_every_pair_of_small_filters() -> None:
    wrong = [
        (one, other)
        for one in FILTERS
        for other in FILTERS
        if overlaps(one, other) is not bool(covered(one) & covered(other))
    ]
    assert wrong == []


@pytest.mark.parametrize(
    ("wild", "topic", "expected"),
    [
        ("sport/tennis/player1/#", "sport/tennis/player1", True),
        ("sport/tennis/player1/#", "sport/tennis/player1/ranking", True),
        ("sport/#", "sport", True),
        ("#", "sport/tennis", True),
        ("sport/tennis/+", "sport/tennis/player1", True),
        ("sport/tennis/+", "sport/tennis/player1/ranking", False),
        ("sport/+", "sport", False),
        ("sport/+", "sport/", True),
        ("+/+", "/finance", True),
        ("/+", "/finance", True),
        ("+", "/finance", False),
        ("#", "$SYS/broker", False),
        ("+/broker", "$SYS/broker", False),
        ("$SYS/#", "$SYS/broker", True),
        ("$SYS/#", "$SYS", True),
        ("a/$b", "a/$b", True),
        ("a/+", "a/$b", True),
        ("Sport", "sport", False),
    ],
)
def test_examples_of_the_standard(wild: str, topic: str, expected: bool) -> None:
    assert overlaps(wild, topic) is expected
    assert overlaps(topic, wild) is expected


levels = st.sampled_from(["a", "b", "", "$s", "c"])
topics = st.lists(levels, min_size=1, max_size=7).map("/".join).filter(bool)
filters = st.builds(
    lambda start, end: "/".join([*start, *end]),
    st.lists(st.one_of(levels, st.just("+")), min_size=1, max_size=6),
    st.sampled_from([[], ["#"]]),
).filter(bool)


@given(filters, topics)
def test_overlaps_of_a_filter_and_a_longer_topic_agrees_with_the_oracle(wild: str, topic: str) -> None:
    assert overlaps(wild, topic) is covers(tuple(wild.split("/")), tuple(topic.split("/")))


@given(filters, filters)
def test_overlaps_is_symmetric_and_everything_overlaps_itself(one: str, other: str) -> None:
    assert overlaps(one, other) is overlaps(other, one)
    assert overlaps(one, one)


def naive_is_filter(text: str) -> bool:
    parts = text.split("/")
    fine = all(part in ("+", "#") or not set("+#") & set(part) for part in parts)
    return text != "" and "\0" not in text and fine and "#" not in parts[:-1]


@given(st.text(st.sampled_from("ab/+#$\0\n"), max_size=8))
def test_is_filter_agrees_with_the_oracle(text: str) -> None:
    assert is_filter(text) is naive_is_filter(text)


@pytest.mark.parametrize("text", ["a", "/", "//", "+", "#", "a/+/b", "+/#", "/#", "$share/g/a"])
def test_well_formed_filters(text: str) -> None:
    assert is_filter(text)


@pytest.mark.parametrize("text", ["", "a#", "#/a", "a+", "+a/b", "##", "++", "a/#/b", "a/b#", "\0", "a/\0"])
def test_ill_formed_filters(text: str) -> None:
    assert not is_filter(text)


SESSION = Topic("devices/{device}/session")
REQUEST = Topic("devices/{device}/session/request/{principal}")
PLAIN = Topic("backend/status")


def test_a_template_names_formats_subscribes_and_matches() -> None:
    assert REQUEST.names == ("device", "principal")
    assert REQUEST.filter == "devices/+/session/request/+"
    assert REQUEST.at(device="d", principal="p") == "devices/d/session/request/p"
    assert REQUEST.bound(principal="p") == "devices/+/session/request/p"
    assert REQUEST.match("devices/d/session/request/p") == {"device": "d", "principal": "p"}
    assert PLAIN.match("backend/status") == {}
    assert PLAIN.filter == PLAIN.at() == PLAIN.bound(device="d") == "backend/status"


def test_a_topic_with_a_level_missing_is_not_made() -> None:
    with pytest.raises(KeyError):
        REQUEST.at(device="d")


@pytest.mark.parametrize(
    "topic",
    [
        "devices/d/sessions",
        "devices//session",
        "devices/d/session/",
        "/devices/d/session",
        "devices/d/e/session",
        "devices/+/session",
        "devices/#",
        "devices/d#/session",
        "xdevices/d/session",
        "devices/d/session\n",
        "devices/d",
        "",
    ],
)
def test_what_is_not_of_the_template_does_not_match(topic: str) -> None:
    assert SESSION.match(topic) is None


def test_characters_that_mean_something_to_a_regular_expression_mean_themselves() -> None:
    dotted = Topic("a.c/{x}/(y)*")
    assert dotted.match("a.c/1/(y)*") == {"x": "1"}
    assert dotted.match("abc/1/(y)*") is None
    assert dotted.match("a.c/1/y") is None


templates = st.lists(st.sampled_from(["a", "b", "{x}", "$s"]), min_size=1, max_size=4).map(
    lambda parts: "/".join(part.replace("x", f"x{'abcd'[index]}") for index, part in enumerate(parts))
)


@given(templates, st.text(st.sampled_from("ab/+#\n$s"), max_size=9))
def test_match_agrees_with_the_oracle(template: str, topic: str) -> None:
    wanted, given_levels = template.split("/"), topic.split("/")
    matches = len(wanted) == len(given_levels) and all(
        bool(level) and not set("+#") & set(level) if part.startswith("{") else part == level
        for part, level in zip(wanted, given_levels, strict=True)
    )
    assert (Topic(template).match(topic) is not None) is matches


@given(templates, st.lists(st.text(st.characters(exclude_characters="/+#\0"), min_size=1), min_size=4, max_size=4))
def test_what_a_template_makes_it_matches_and_its_filters_cover(template: str, values: list[str]) -> None:
    topic = Topic(template)
    levels = dict(zip(topic.names, values, strict=False))
    made = topic.at(**levels)
    assert topic.match(made) == levels
    assert is_filter(topic.filter)
    for name in topic.names:
        assert topic.bound(**{name: levels[name]}).count("+") == len(topic.names) - 1
    if not made.startswith("$") or template.startswith("$"):
        assert covers(tuple(topic.filter.split("/")), tuple(made.split("/")))
    assert topic.bound(**levels) == made


@given(st.lists(st.sampled_from(FILTERS), max_size=5))
def test_filters_that_are_apart_cover_all_and_nothing_twice(filters: list[str]) -> None:
    found = apart(filters)
    assert all(is_filter(each) for each in found)
    assert all(not overlaps(one, other) for one in found for other in found if one != other)
    wanted = got = 0
    for each in filters:
        wanted |= covered(each)
    for each in found:
        got |= covered(each)
    assert wanted & ~got == 0


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        (["a/b", "a/b", "c"], {"a/b", "c"}),
        (["a/+", "a/b"], {"a/+"}),
        (["a/#", "a/b/c", "a", "b"], {"a/#", "b"}),
        (["a/+/c", "a/b/+"], {"a/+/+"}),
        (["a/+", "a/b/#"], {"a/+/#"}),
        (["a/+/c", "a/b/+", "a/+/d/e"], {"a/+/+", "a/+/d/e"}),
        (["a/+/c/d", "a/b/#", "x/+"], {"a/+/#", "x/+"}),
    ],
)
def test_how_filters_are_set_apart(filters: list[str], expected: set[str]) -> None:
    assert apart(filters) == expected


@pytest.mark.parametrize(
    ("topic", "wire"),
    [
        ("devices/a/status", "lab/devices/a/status"),
        ("devices/+/status", "lab/devices/+/status"),
        ("zigbee2mqtt/pir", "zigbee2mqtt/pir"),
        ("lab/other", "lab/other"),
        ("lab", "lab"),
    ],
)
def test_the_tree_alone_has_the_prefix(topic: str, wire: str) -> None:
    tree = Tree("lab/", frozenset({"devices", "triggers"}))
    assert tree.on_wire(topic) == wire
    assert tree.off_wire(wire) == topic
    assert Tree().on_wire(topic) == Tree().off_wire(topic) == topic
