"""The same request id gets the same reply for ten minutes, across restarts and failures."""

import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Engine as Database

from backend.core.desk import Changes
from backend.core.replies import MOST_PER_TOPIC, REMEMBERED_S, Remembered, ReplyMemory
from tests.house import House

TOPIC = "devices/scale-1/session/request/alice"
OTHER = "devices/scale-1/session/request/bob"


def payload_of(memory: ReplyMemory, key: str, now: float = 1.0, topic: str = TOPIC) -> bytes | None:
    found = memory.recall(topic, key, now)
    return found.payload if found is not None else None


def test_an_answer_is_recalled_on_its_topic_only() -> None:
    memory = ReplyMemory()
    memory.remember(TOPIC, "c1", b"granted", 0.0)
    assert payload_of(memory, "c1") == b"granted"
    assert payload_of(memory, "c2") is None
    assert payload_of(memory, "c1", topic=OTHER) is None


def test_the_last_of_two_answers_counts() -> None:
    memory = ReplyMemory()
    memory.remember(TOPIC, "c1", b"queued", 0.0)
    memory.remember(TOPIC, "c1", b"granted", 5.0)
    assert payload_of(memory, "c1") == b"granted"
    assert memory.changed() == [Remembered(TOPIC, "c1", b"granted", 5.0 + REMEMBERED_S)]


def test_ten_minutes_later_it_is_forgotten() -> None:
    memory = ReplyMemory()
    memory.remember(TOPIC, "c1", b"x", 0.0)
    assert payload_of(memory, "c1", REMEMBERED_S - 0.001) == b"x"
    assert payload_of(memory, "c1", REMEMBERED_S) is None


def test_a_topic_keeps_its_newest_thousand() -> None:
    memory = ReplyMemory()
    for number in range(MOST_PER_TOPIC + 10):
        memory.remember(TOPIC, f"c{number}", b"x", 0.0)
    memory.committed()
    memory.remember(OTHER, "c0", b"x", 0.0)
    assert payload_of(memory, "c9") is None
    assert payload_of(memory, "c10") == b"x"
    assert payload_of(memory, f"c{MOST_PER_TOPIC + 9}") == b"x"
    assert payload_of(memory, "c0", topic=OTHER) == b"x"


def test_a_topic_on_which_much_is_asked_costs_no_more_than_its_newest_thousand() -> None:
    memory = ReplyMemory()
    sizes = []
    for number in range(10 * MOST_PER_TOPIC):
        memory.remember(TOPIC, f"c{number:05}", b"x", number * 0.001)
        memory.committed()
        if number % MOST_PER_TOPIC == 0:
            sizes.append(len(pickle.dumps(memory)))
    assert max(sizes) < 4 * sizes[1]


def test_only_what_is_new_must_be_stored() -> None:
    memory = ReplyMemory()
    memory.load([Remembered(TOPIC, "c1", b"old", 100.0)], now=1.0)
    assert memory.changed() == []
    assert payload_of(memory, "c1") == b"old"
    memory.remember(TOPIC, "c2", b"new", 0.0)
    assert [answer.id for answer in memory.changed()] == ["c2"]
    memory.committed()
    assert memory.changed() == []


def test_a_clock_that_was_set_back_keeps_no_answer_for_longer() -> None:
    memory = ReplyMemory()
    memory.load([Remembered(TOPIC, "c1", b"old", 1_000_000.0)], now=100.0)
    assert payload_of(memory, "c1", 100.0 + REMEMBERED_S - 1) == b"old"
    assert payload_of(memory, "c1", 100.0 + REMEMBERED_S) is None


def test_what_was_rolled_back_was_not_answered() -> None:
    memory = ReplyMemory()
    memory.remember(TOPIC, "c1", b"queued", 0.0)
    memory.committed()
    memory.remember(TOPIC, "c1", b"granted", 1.0)
    memory.remember(TOPIC, "c2", b"x", 1.0)
    memory.remember(OTHER, "c1", b"x", 1.0)
    memory.roll_back()
    assert payload_of(memory, "c1") == b"queued"
    assert payload_of(memory, "c2") is None
    assert payload_of(memory, "c1", topic=OTHER) is None
    assert memory.changed() == []


def test_a_roll_back_brings_back_what_made_room() -> None:
    """An answer that was given counts for ten minutes; a change that did not happen cannot take it away."""
    memory = ReplyMemory()
    for number in range(MOST_PER_TOPIC):
        memory.remember(TOPIC, f"c{number}", b"given", 0.0)
    memory.committed()
    memory.remember(TOPIC, "one more", b"x", 1.0)
    memory.roll_back()
    assert payload_of(memory, "c0") == b"given"


def test_answers_survive_the_journal(database: Database) -> None:
    house = House(database)
    answers = [Remembered(TOPIC, f"c{n}\0\n'\"é", bytes(range(n, 256)), house.now + n) for n in range(1, 6)]
    house.journal.commit(Changes([], answers), house.now)
    house.journal.commit(Changes([], answers[:1]), house.now)
    house.now += 2.5
    house.restart()
    assert [payload_of(house.engine.replies, answer.id, house.now) for answer in answers] == [
        None,
        None,
        *(answer.payload for answer in answers[2:]),
    ]


histories = st.lists(
    st.one_of(
        st.tuples(st.sampled_from([TOPIC, OTHER]), st.sampled_from("abcd"), st.binary(max_size=2)),
        st.sampled_from(["commit", "roll back"]),
        st.integers(0, 400).map(float),
    ),
    max_size=25,
)


@given(histories)
def test_the_memory_is_a_dictionary_with_an_end(history: list[tuple[str, str, bytes] | str | float]) -> None:
    memory, now = ReplyMemory(), 0.0
    naive: dict[tuple[str, str], tuple[bytes, float]] = {}
    stored: dict[tuple[str, str], tuple[bytes, float]] = {}
    for move in history:
        match move:
            case float():
                now += move
            case "commit":
                memory.committed()
                stored = dict(naive)
            case "roll back":
                memory.roll_back()
                naive = dict(stored)
            case (topic, key, payload):
                memory.remember(topic, key, payload, now)
                naive[topic, key] = (payload, now + 600.0)
        for topic in (TOPIC, OTHER):
            for key in "abcd":
                payload, until = naive.get((topic, key), (b"", 0.0))
                assert payload_of(memory, key, now, topic) == (payload if until > now else None)


@pytest.mark.parametrize("topics", [1, 5])
def test_forgotten_answers_are_let_go(topics: int) -> None:
    """Nothing that is too old is kept, on topics that nobody asks on any more, too."""
    memory = ReplyMemory()
    for number in range(topics):
        for key in ("a", "b", "c"):
            memory.remember(f"t{number}", key, b"x", float(number))
        memory.committed()
    memory.remember("t0", "d", b"x", 1000.0)
    memory.committed()
    assert {topic: list(answers) for topic, answers in memory._known.items()} == {"t0": ["d"]}
