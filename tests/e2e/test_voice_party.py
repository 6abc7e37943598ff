"""Ten boards are talked to at once, in real time: each is answered, and each history is its own."""

from pathlib import Path
from threading import Event

import pytest

from tests.rig import WITHIN_S
from tools.ports import free_port
from tools.voice_bench import boards
from tools.voice_party import QUESTIONS, hosted, party, told

SECONDS = 30
BOARDS = 10


@pytest.mark.alone
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
    assert sum(each.understood for each in found) > 0.9 * len(talks)


def test_who_comes_while_the_server_has_its_hands_full_waits_and_is_answered(tmp_path: Path) -> None:
    with hosted(tmp_path, free_port(), 3, voice_turns=1) as (_server, guests), boards(guests) as satellites:
        first = [satellite.whole(QUESTIONS[0]) for satellite in satellites]
        assert [talk.wait(WITHIN_S).code for talk in first] == [None] * 3
        audio = satellites[0].spoken(" ".join(QUESTIONS[:4]))  # it lasts until all have begun
        talks = [satellite.stream(audio) for satellite in satellites]
        assert [talk.wait(WITHIN_S).code for talk in talks] == [None] * 3
    busy = [[event["position"] for event in talk.events if event["event"] == "busy"] for talk in talks]
    assert sorted(busy) == [[], [1], [2, 1]]
    assert all(talk.text("answer") for talk in talks)
