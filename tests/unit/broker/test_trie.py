from hypothesis import given
from hypothesis import strategies as st

from backend.core.topics import is_filter, overlaps
from broker.trie import Subscriptions, Topics

levels = st.sampled_from(["a", "b", "", "$SYS", "c"])
topics = st.lists(levels, min_size=1, max_size=4).map("/".join).filter(bool)
filters = (
    st.lists(levels | st.sampled_from(["+", "#"]), min_size=1, max_size=4).map("/".join).filter(is_filter)
)  # fmt: skip
clients = st.sampled_from(["x", "y", "z"])
steps = st.lists(st.tuples(st.booleans(), filters, clients, st.integers(0, 2)), max_size=30)


@given(steps=steps, topic=topics)
def test_a_topic_finds_who_subscribed_to_it_once_with_the_highest_qos(
    steps: list[tuple[bool, str, str, int]], topic: str
) -> None:
    tree: Subscriptions[str] = Subscriptions()
    plain: dict[tuple[str, str], int] = {}
    for comes, topic_filter, client, qos in steps:
        if comes:
            tree.add(topic_filter, client, qos)
            plain[topic_filter, client] = qos
        else:
            tree.remove(topic_filter, client)
            plain.pop((topic_filter, client), None)
    expected: dict[str, int] = {}
    for (topic_filter, client), qos in plain.items():
        if overlaps(topic_filter, topic):
            expected[client] = max(qos, expected.get(client, 0))
    assert tree.match(topic) == expected


@given(steps=steps)
def test_subscriptions_that_ended_leave_nothing_behind(steps: list[tuple[bool, str, str, int]]) -> None:
    tree: Subscriptions[str] = Subscriptions()
    for _, topic_filter, client, qos in steps:
        tree.add(topic_filter, client, qos)
    for _, topic_filter, client, _ in steps:
        tree.remove(topic_filter, client)
    assert not tree._root.below
    assert not tree._root.here


@given(steps=st.lists(st.tuples(st.booleans(), topics, st.integers()), max_size=30), topic_filter=filters)
def test_a_filter_finds_the_topics_that_it_covers(steps: list[tuple[bool, str, int]], topic_filter: str) -> None:
    tree: Topics[int] = Topics()
    plain: dict[str, int] = {}
    for comes, topic, value in steps:
        if comes:
            tree.put(topic, value)
            plain[topic] = value
        else:
            tree.remove(topic)
            plain.pop(topic, None)
    assert sorted(filter(None, tree.match(topic_filter))) == sorted(
        topic for topic in plain if overlaps(topic_filter, topic)
    )
    assert len(tree) == len(plain)
    assert sorted(tree.values()) == sorted(plain.values())
    assert all(tree.get(topic) == value for topic, value in plain.items())


@given(names=st.lists(topics, max_size=20))
def test_topics_that_were_cleared_leave_nothing_behind(names: list[str]) -> None:
    tree: Topics[int] = Topics()
    for name in names:
        tree.put(name, 1)
    for name in names:
        tree.remove(name)
    assert not tree._root.below
    assert len(tree) == 0


def test_a_topic_may_be_deeper_than_the_stack_of_python() -> None:
    deep = "/".join("x" * 5_000)
    tree: Topics[int] = Topics()
    tree.put(deep, 1)
    assert list(filter(None, tree.match("#"))) == [deep]
    tree.remove(deep)
    assert list(filter(None, tree.match("#"))) == []
