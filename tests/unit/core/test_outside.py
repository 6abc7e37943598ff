"""Topics outside of the tree, and triggers: who is given them, and that every way to ask gives the same answer."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.app.table import TABLE
from backend.core.access import MAX_PAYLOAD, Rulebook
from backend.core.outside import MAX_FILTER, Outside
from backend.core.principals import Principal, Role
from backend.core.refusals import Code
from backend.core.routing import MAX_TOPIC
from backend.core.topics import is_filter, overlaps
from tests.people import ALICE, BACKEND, BOB, BOT, EARS, ROOT, SCALE

ZIGBEE = replace(BOT, name="zigbee2mqtt", topics=("zigbee2mqtt/#", "homeassistant/+/+/config"))
WALL = replace(EARS, topics=("zigbee2mqtt/#",))
PLUG = replace(SCALE, name="plug-1", topics=("tele/plug-1/+",))
ALL = (ALICE, BOB, ROOT, ZIGBEE, WALL, PLUG, BACKEND)
RULES = Rulebook(TABLE)
LAB = Rulebook(TABLE, "lab/")


def writers(topic: str, rules: Rulebook = RULES, *people: Principal) -> str:
    """Return who may publish to a topic, retained or not."""
    may = {retain: names(rules, topic, *people, retain=retain) for retain in (False, True)}
    assert may[False] == may[True]
    return may[True]


def names(rules: Rulebook, topic: str, *people: Principal, retain: bool) -> str:
    judged = ((who, rules.publish(who, topic, retain=retain, size=MAX_PAYLOAD)) for who in people or ALL)
    return " ".join(who.name for who, verdict in judged if verdict.code is verdict.guard is None)


def readers(topic: str, rules: Rulebook = RULES) -> str:
    """Return who may receive a topic."""
    return " ".join(who.name for who in ALL if rules.receive(who, topic))


@pytest.mark.parametrize(
    ("topic", "publishing", "receiving"),
    [
        ("zigbee2mqtt/bridge/state", "root zigbee2mqtt backend", "root zigbee2mqtt ears backend"),
        ("zigbee2mqtt", "root zigbee2mqtt backend", "root zigbee2mqtt ears backend"),
        ("zigbee2mqttx", "root backend", "root backend"),
        ("homeassistant/switch/plug/config", "root zigbee2mqtt backend", "root zigbee2mqtt backend"),
        ("homeassistant/switch/config", "root backend", "root backend"),
        ("tele/plug-1/STATE", "root plug-1 backend", "root plug-1 backend"),
        ("tele/plug-2/STATE", "root backend", "root backend"),
        ("", "", ""),
        ("+", "", ""),
        ("#", "", ""),
        ("zigbee2mqtt/+", "", ""),
        ("zigbee2mqtt/#", "", ""),
        ("zigbee2mqtt/a\0", "", ""),
        ("$SYS/broker/version", "", ""),
        ("$share/all/zigbee2mqtt/a", "", ""),
        ("devices", "", ""),
        ("users/", "", ""),
        ("backend/nonsense", "", ""),
        ("zigbee2mqtt/" + "x" * MAX_TOPIC, "", ""),
    ],
)
def test_who_uses_what_outside_of_the_tree(topic: str, publishing: str, receiving: str) -> None:
    assert writers(topic) == publishing
    assert readers(topic) == receiving


def test_a_payload_has_at_most_256_kib_there_too() -> None:
    assert RULES.publish(ZIGBEE, "zigbee2mqtt/x", retain=True, size=MAX_PAYLOAD + 1).code is Code.TOO_LARGE
    assert RULES.publish(ALICE, "zigbee2mqtt/x", retain=True, size=MAX_PAYLOAD + 1).code is Code.UNKNOWN_TOPIC


def test_topics_of_ones_own_say_nothing_about_the_tree() -> None:
    spoilt = replace(BOT, topics=("#", "+/scale-1/status", "devices/#", "devices", "$SYS/#", "a/#"))
    for topic in ("devices/scale-1/status", "devices/x", "devices", "$SYS/x", "zigbee2mqtt/x"):
        assert RULES.publish(spoilt, topic, retain=False, size=2).code is not None
        assert RULES.receive(spoilt, topic) is RULES.receive(BOT, topic)
    assert RULES.publish(spoilt, "a/b", retain=False, size=2).code is None
    assert RULES.grants(spoilt).publish - RULES.grants(BOT).publish == {"a/#"}
    assert RULES.grants(spoilt).receive - RULES.grants(BOT).receive == {"a/#"}


def test_one_subscribes_to_what_is_covered_by_ones_own() -> None:
    for wild in ("zigbee2mqtt/#", "zigbee2mqtt/pir/+", "+/pir", "#", "homeassistant/switch/#"):
        assert RULES.subscribe(ZIGBEE, wild)
    assert not RULES.subscribe(ALICE, "zigbee2mqtt/#")
    assert not RULES.subscribe(WALL, "homeassistant/#")
    assert not RULES.subscribe(ZIGBEE, "zigbee2mqtt/#/x")
    assert not RULES.subscribe(ZIGBEE, "$share/all/zigbee2mqtt/#")


@pytest.mark.parametrize(
    ("prefix", "right"),
    [
        *(("", right) for right in ("zigbee2mqtt/#", "x", "/#", "/+/x", "x/devices/#", "a" * MAX_FILTER)),
        *(("lab/", right) for right in ("zigbee2mqtt/#", "devices/#", "lab", "lab/x/#", "+", "+/x/#")),
        *(("home/lab/", right) for right in ("home", "lab/#", "+/x/#", "+/lab")),
    ],
)
def test_filters_that_may_be_given(prefix: str, right: str) -> None:
    has, book = replace(ALICE, topics=(right,)), Rulebook(TABLE, prefix)
    book.outside.check(right)
    assert right in book.grants(has).publish


@pytest.mark.parametrize(
    ("prefix", "wrong", "why"),
    [
        ("", "#", "Talkstick's own"),
        ("", "+/x", "Talkstick's own"),
        ("", "+", "Talkstick's own"),
        ("", "devices", "Talkstick's own"),
        ("", "devices/#", "devices/#, which is Talkstick's own"),
        ("", "+/scale-1/#", "Talkstick's own"),
        ("lab/", "lab/#", "Talkstick's own"),
        ("lab/", "+/backend/x", "lab/backend/#, which is Talkstick's own"),
        ("lab/", "#", "Talkstick's own"),
        ("lab/", "lab/+", "Talkstick's own"),
        ("home/lab/", "+/+/#", "Talkstick's own"),
        ("", "$SYS/#", "the broker's own"),
        ("", "$share/a/b", "the broker's own"),
        ("", "", "is no topic filter"),
        ("", "a/#/b", "is no topic filter"),
        ("", "a+", "is no topic filter"),
        ("", "a\n", "is no topic filter"),
        ("", "a" * (MAX_FILTER + 1), "at most 256 characters"),
    ],
)
def test_filters_that_may_not(prefix: str, wrong: str, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        Outside(TABLE, prefix).check(wrong)


def test_under_a_prefix_what_is_not_under_it_lies_outside() -> None:
    assert writers("devices/x", LAB) == "root backend"
    assert writers("lab/devices/x", LAB) == ""
    assert writers("lab/zigbee2mqtt/x", LAB) == "root backend"
    assert readers("zigbee2mqtt/x", LAB) == "root zigbee2mqtt ears backend"


# Triggers

HERS = replace(ALICE, triggers=frozenset({"pir", "door"}))
OWNERS = tuple(replace(who, triggers=frozenset({"pir"})) for who in (ROOT, BOB, BOT, EARS, SCALE))


def test_a_trigger_is_its_owners_and_admins_stand_in() -> None:
    assert writers("triggers/pir", RULES, HERS, BOB, ROOT, BOT, EARS, SCALE, BACKEND) == "alice root backend"
    assert writers("triggers/door", RULES, HERS, *OWNERS) == "alice root"
    assert writers("triggers/pir", RULES, *OWNERS) == "root bob bot scale-1"
    assert RULES.publish(BOB, "triggers/pir", retain=True, size=2).code is Code.FORBIDDEN
    assert RULES.publish(HERS, "triggers/Pir", retain=True, size=2).code is Code.BAD_ID


def test_what_owners_of_triggers_are_granted() -> None:
    def granted(who: Principal) -> set[str]:
        return {each for each in RULES.grants(who).publish if each.startswith("triggers/") and each.count("/") == 1}

    assert granted(HERS) == {"triggers/pir", "triggers/door"}
    assert granted(replace(HERS, name="pir")) == {"triggers/pir", "triggers/door"}
    assert granted(OWNERS[0]) == granted(ROOT) == granted(BACKEND) == {"triggers/+"}
    assert granted(BOB) == granted(OWNERS[3]) == set()


# Properties

levels = st.sampled_from(["devices", "scale-1", "status", "backend", "triggers", "pir", "a", "lab", "$a", ""])
plain = st.lists(levels, min_size=1, max_size=4).map("/".join)
filters = st.builds(
    lambda start, end: "/".join([*start, *end]),
    st.lists(levels | st.just("+"), max_size=4),
    st.sampled_from([[], ["#"]]),
)
anybody = st.builds(
    lambda who, topics, triggers: replace(who, topics=tuple(topics), triggers=frozenset(triggers)),
    st.sampled_from([ALICE, EARS, BOT, SCALE, ROOT, BACKEND]),
    st.lists(filters, max_size=3),
    st.sets(st.sampled_from(["pir", "a", "alice"])),
)
books = st.sampled_from(["", "lab/"]).map(lambda prefix: Rulebook(TABLE, prefix))


@given(books, anybody, plain, filters)
def test_publishing_receiving_subscribing_and_grants_agree(
    rules: Rulebook, who: Principal, topic: str, wild: str
) -> None:
    verdict, grants = rules.publish(who, topic, retain=False, size=2), rules.grants(who)
    covered = any(overlaps(each, topic) for each in rules.outside.tree)
    besides = grants.outside and not covered and bool(topic) and not topic.startswith("$")
    writes = any(overlaps(each, topic) for each in grants.publish) or besides
    reads = any(overlaps(each, topic) for each in grants.receive) or besides
    if verdict.code is not Code.BAD_ID and topic:
        assert (verdict.code is verdict.guard is None) is writes
    if topic:
        assert rules.receive(who, topic) is reads
    if reads and overlaps(wild, topic) and is_filter(wild):
        assert rules.subscribe(who, wild)


@given(filters, plain, st.sampled_from(["", "lab/"]))
def test_a_filter_that_may_be_given_covers_nothing_of_the_tree(wild: str, topic: str, prefix: str) -> None:
    rules = Rulebook(TABLE, prefix)
    has = Principal("x", Role.INTEGRATION, "X", topics=(wild,))
    try:
        rules.outside.check(wild)
    except ValueError:
        assert rules.grants(has) == rules.grants(replace(has, topics=()))
        return
    if rules.receive(has, topic) and not rules.receive(replace(has, topics=()), topic):
        assert rules.receive(ROOT, topic)
        assert TABLE.find(topic.removeprefix(prefix)) is None or not topic.startswith(prefix)
