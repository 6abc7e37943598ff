"""Ten boards are talked to at once, in real time: each is answered, and each history is its own."""

from pathlib import Path
from threading import Event

from tools.brokers import free_port
from tools.voice_party import QUESTIONS, hosted, party, told

SECONDS = 30
BOARDS = 10


def test_ten_conversations_at_once(tmp_path: Path) -> None:
    with hosted(tmp_path, free_port(), BOARDS) as (_server, guests), party(guests) as chatters:
        Event().wait(SECONDS)
        found = told(guests, chatters)
    assert [complaint for each in found for complaint in each.complaints()] == []
    assert len(found) == BOARDS
    assert all(len(each.history) >= 3 for each in found)
    assert len({tuple(turn["heard"] for turn in each.history) for each in found}) == BOARDS
    talks = [talk for each in found for talk in each.talks]
    assert {talk.said for talk in talks} == set(QUESTIONS)
    assert sum(each.understood for each in found) > 0.7 * len(talks)
