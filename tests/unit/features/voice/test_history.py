"""What is remembered of conversations: told, counted, bounded, forgotten. Through engine and journal."""

import asyncio
import json
import logging
from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine as Database
from sqlmodel import Session, select

from backend.core.clock import DAY_S, iso
from backend.core.desk import Changes
from backend.core.effects import Record
from backend.core.facts import TurnEnded
from backend.core.refusals import Code
from backend.features.voice.feature import Bounds, archives
from backend.features.voice.rows import ConversationRow, PhraseRow, TurnRow
from backend.shell.journal import Journal
from backend.shell.voice.asking import Exchange
from backend.shell.voice.memory import Memory, Phrase
from tests.house import House, memory_database
from tests.people import ALICE, BOB, CAROL, ROOT
from tests.talks import KITCHEN, LISTENING, Talks


@pytest.fixture
def talks(database: Database) -> Talks:
    return Talks(House(database))


def bounded(database: Database, bounds: Bounds) -> Talks:
    """Return a house that remembers less."""
    talks = Talks(House(database))
    talks.house.journal = Journal(database, archives(bounds))
    return talks


def rows(database: Database) -> dict[str, int]:
    """Return how many rows there are of each kind."""
    with Session(database) as session:
        return {
            table.__name__: len(session.exec(select(table)).all()) for table in (ConversationRow, TurnRow, PhraseRow)
        }


def phrase(database: Database, device: str, key: str) -> Phrase | None:
    return asyncio.run(Memory(database).phrase(device, key))


def exchanges(database: Database, device: str) -> list[tuple[str, str]]:
    return [(each.heard, each.answer) for each in asyncio.run(Memory(database).exchanges(device))]


# Telling


def test_a_turn_is_told_with_all_that_came_of_it(talks: Talks) -> None:
    talks.ends("kitchen-1", "what time is it", "Half past nine.", by="intents", user="carol", final_ms=50.0)
    talks.ends("kitchen-1", None, code=Code.NO_SPEECH)
    reply = talks.asks(ALICE, "kitchen-1", "history", id="h1")
    at = iso(talks.house.now)
    assert reply == {
        "id": "h1",
        "ok": True,
        "code": "history",
        "turn": 1,
        "turns": [
            {"key": 2, "turn": 1, "at": at, "code": "no_speech"},
            {
                "key": 1,
                "turn": 1,
                "at": at,
                "user": "carol",
                "heard": "what time is it",
                "answer": "Half past nine.",
                "by": "intents",
            },
        ],
    }


def test_two_turns_of_one_moment_and_number_are_two(talks: Talks) -> None:
    """After a reboot the turns of a device begin again, and a clock may be set back."""
    for text in ("one", "two", "three"):
        talks.ends("kitchen-1", text)
    assert talks.told("kitchen-1") == ["three", "two", "one"]
    talks.house.now -= DAY_S
    talks.ends("kitchen-1", "four")
    assert talks.told("kitchen-1") == ["four", "three", "two", "one"]


def test_one_can_leaf_through(talks: Talks) -> None:
    for number in range(5):
        talks.ends("kitchen-1", str(number))
        talks.ends("lab-1", "something else")
    first = talks.asks(ALICE, "kitchen-1", "history", limit=2)["turns"]
    assert [turn["heard"] for turn in first] == ["4", "3"]
    assert talks.told("kitchen-1", limit=2, before=first[-1]["key"]) == ["2", "1"]
    assert talks.told("kitchen-1", before=1) == []


def test_a_reply_carries_as_many_turns_as_fit(talks: Talks) -> None:
    for _ in range(100):
        talks.ends("kitchen-1", "x" * 2000, "y" * 2000)
    first = talks.asks(ALICE, "kitchen-1", "history", limit=100)
    assert 20 < len(first["turns"]) < 100
    assert len(json.dumps(first)) < 256 * 1024
    second = talks.asks(ALICE, "kitchen-1", "history", limit=100, before=first["turns"][-1]["key"])
    assert second["turns"][0]["key"] == first["turns"][-1]["key"] - 1


def test_each_owner_is_told_of_its_own_device_only(talks: Talks) -> None:
    talks.ends("kitchen-1", "alice's words")
    talks.ends("lab-1", "bob's words")
    assert talks.asks(ALICE, "kitchen-1", "history")["turns"][0]["heard"] == "alice's words"
    assert talks.asks(KITCHEN, "kitchen-1", "history")["turns"][0]["heard"] == "alice's words"
    assert talks.asks(BOB, "lab-1", "history")["turns"][0]["heard"] == "bob's words"
    for who, device in ((BOB, "kitchen-1"), (CAROL, "kitchen-1"), (ALICE, "lab-1")):
        for action in ("history", "stats", "forget"):
            assert talks.asks(who, device, action)["code"] == "forbidden"


def test_a_new_owner_reads_and_the_one_before_does_not(talks: Talks) -> None:
    talks.ends("kitchen-1", "hello")
    talks.house.knows({**LISTENING, "kitchen-1": replace(KITCHEN, owner="bob")})
    assert talks.asks(BOB, "kitchen-1", "history")["ok"]
    assert talks.asks(ALICE, "kitchen-1", "history")["code"] == "forbidden"


def test_the_last_exchanges_are_known_in_their_order(talks: Talks, database: Database) -> None:
    for number in range(12):
        talks.ends("kitchen-1", f"q{number}", f"a{number}")
    talks.ends("kitchen-1", "not understood", None, code=Code.NO_SPEECH)
    talks.ends("kitchen-1", None, "Dinner!", by="announcement")
    talks.ends("lab-1", "lab", "lab")
    talks.house.commit()
    assert exchanges(database, "kitchen-1") == [(f"q{number}", f"a{number}") for number in range(2, 12)]
    assert exchanges(database, "nobody") == []
    assert asyncio.run(Memory(database).exchanges("lab-1")) == [Exchange("lab", "lab")]


# What is stored


def test_conversations_survive_a_restart(talks: Talks, database: Database) -> None:
    talks.ends("kitchen-1", "hello", "Hello.")
    talks.makes("kitchen-1", "k", b"audio")
    talks.house.commit()
    talks.ends("kitchen-1", "not committed")
    talks.house.restart()
    assert talks.told("kitchen-1") == ["hello"]
    assert phrase(database, "kitchen-1", "k") == Phrase(b"audio", len(b"audio") / 32_000)


def test_what_could_not_be_stored_was_not_said(talks: Talks, database: Database) -> None:
    talks.ends("kitchen-1", "hello")
    talks.makes("kitchen-1", "k")
    talks.house.receive("devices/kitchen-1/conversation/request/alice", {"action": "say", "text": "x", "id": "s"})
    talks.house.fail()
    talks.house.commit()
    assert (talks.told("kitchen-1"), phrase(database, "kitchen-1", "k")) == ([], None)
    assert talks.house.performed == [], "who asked for the announcement asks again"


def test_only_so_many_turns_are_kept_and_all_are_counted(database: Database) -> None:
    talks = bounded(database, Bounds(turns=3))
    talks.ends("lab-1", "lab")
    for number in range(10):
        talks.ends("kitchen-1", str(number), "answer")
        if number % 4 == 0:
            talks.house.commit()
    assert talks.told("kitchen-1") == ["9", "8", "7"]
    assert talks.told("lab-1") == ["lab"]
    stats = talks.asks(ALICE, "kitchen-1", "stats")["stats"]
    assert (stats["turns"], stats["messages"], stats["turns_kept"]) == (10, 20, 3)


# Phrases


def test_phrases_that_were_not_used_for_the_longest_time_make_room(database: Database) -> None:
    talks = bounded(database, Bounds(phrases=2))
    for key in "abc":
        talks.makes("kitchen-1", key)
        talks.makes("lab-1", key)
        talks.house.commit()
        talks.house.now += 1
        talks.ends("kitchen-1", "x", phrases=("a",))
    talks.house.commit()
    assert [key for key in "abc" if phrase(database, "kitchen-1", key)] == ["a", "c"]
    assert [key for key in "abc" if phrase(database, "lab-1", key)] == ["b", "c"]
    assert talks.asks(ALICE, "kitchen-1", "stats")["stats"]["phrase_uses"] == 3


@pytest.mark.parametrize(("size", "kept"), [(40, ["b", "c"]), (50, ["b", "c"]), (51, ["c"]), (101, [])])
def test_phrases_have_so_many_bytes_and_no_more(database: Database, size: int, kept: list[str]) -> None:
    talks = bounded(database, Bounds(phrase_bytes=100))
    for key in "abc":
        talks.makes("kitchen-1", key, bytes(size))
        talks.house.now += 1
    talks.house.commit()
    assert [key for key in "abc" if phrase(database, "kitchen-1", key)] == kept


def test_a_phrase_that_is_made_again_is_one(talks: Talks, database: Database) -> None:
    talks.makes("kitchen-1", "k", b"old")
    talks.makes("kitchen-1", "k", b"new!")
    talks.house.commit()
    assert phrase(database, "kitchen-1", "k") == Phrase(b"new!", 4 / 32_000)
    assert rows(database)["PhraseRow"] == 1


# Forgetting


def test_to_forget_takes_all_of_one_device_and_nothing_of_another(talks: Talks, database: Database) -> None:
    for device in ("kitchen-1", "lab-1"):
        talks.ends(device, "one")
        talks.ends(device, "two")
        talks.makes(device, "k")
    reply = talks.asks(ALICE, "kitchen-1", "forget", id="f1")
    assert reply == {"id": "f1", "ok": True, "code": "forgotten", "turns_deleted": 2, "phrases_deleted": 1}
    assert talks.told("kitchen-1") == []
    assert talks.told("lab-1") == ["two", "one"]
    assert rows(database) == {"ConversationRow": 1, "TurnRow": 2, "PhraseRow": 1}
    assert [type(what).__name__ for what in talks.house.performed] == ["ConversationErased"]


@pytest.mark.parametrize("dies", [False, True])
def test_to_forget_again_under_the_same_id_takes_nothing(talks: Talks, *, dies: bool) -> None:
    talks.ends("kitchen-1", "one")
    first = talks.asks(ALICE, "kitchen-1", "forget", id="f1")
    talks.ends("kitchen-1", "two")
    talks.house.commit()
    if dies:
        talks.house.restart()
    assert talks.asks(ALICE, "kitchen-1", "forget", id="f1") == first
    assert talks.told("kitchen-1") == ["two"]
    assert talks.asks(ALICE, "kitchen-1", "forget", id="f2")["turns_deleted"] == 1


def test_to_forget_twice_in_one_batch_is_to_forget_once(talks: Talks) -> None:
    talks.ends("kitchen-1", "one")
    for _ in range(2):
        talks.house.receive("devices/kitchen-1/conversation/request/alice", {"action": "forget", "id": "f1"})
    replies = [json.loads(send.payload) for send in talks.house.commit() if "conversation" in send.topic]
    assert [reply["turns_deleted"] for reply in replies] == [1, 1]


def test_a_device_that_is_removed_leaves_nothing_to_one_of_its_name(talks: Talks, database: Database) -> None:
    talks.ends("kitchen-1", "secret")
    talks.makes("kitchen-1", "k")
    talks.ends("lab-1", "stays")
    talks.house.commit()
    talks.house.knows({name: who for name, who in LISTENING.items() if name != "kitchen-1"})
    talks.ends("kitchen-1", "a turn that was under way")
    talks.house.commit()
    assert rows(database) == {"ConversationRow": 1, "TurnRow": 1, "PhraseRow": 0}
    talks.house.knows(LISTENING)
    assert talks.told("kitchen-1") == []


# What is too old


def test_a_conversation_is_forgotten_as_a_whole_when_nothing_is_added_to_it(
    database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    talks = bounded(database, Bounds(days=30))
    for device in ("kitchen-1", "lab-1"):
        talks.ends(device, "old")
        talks.makes(device, "k")
    talks.house.commit()
    talks.house.passes(20 * DAY_S)
    talks.ends("lab-1", "young")
    talks.house.commit()
    talks.house.passes(10 * DAY_S)
    with caplog.at_level(logging.INFO):
        talks.house.commit()
    assert talks.told("kitchen-1") == []
    assert talks.told("lab-1") == ["young", "old"], "it is one conversation"
    assert rows(database) == {"ConversationRow": 1, "TurnRow": 2, "PhraseRow": 1}
    assert "too old, and forgotten: 1 phrases, 1 turns, 1 conversations" in caplog.text


def test_what_is_too_old_is_looked_for_once_an_hour(database: Database) -> None:
    talks = bounded(database, Bounds(days=1))
    talks.ends("kitchen-1", "hello")
    talks.house.commit()
    talks.house.passes(DAY_S - 1800)
    talks.house.commit()
    talks.house.passes(1800)
    talks.house.commit()
    assert rows(database)["TurnRow"] == 1, "it is old, but was not looked for"
    talks.house.passes(1800)
    talks.house.commit()
    assert rows(database)["TurnRow"] == 0


@pytest.mark.parametrize("by_command_line", [False, True])
def test_an_admin_cleans_up_earlier(talks: Talks, database: Database, *, by_command_line: bool) -> None:
    talks.ends("kitchen-1", "old")
    talks.makes("kitchen-1", "k")
    talks.house.commit()
    talks.house.passes(7 * DAY_S)
    talks.ends("lab-1", "young")
    talks.house.commit()
    if by_command_line:
        gone = Memory(database).clean_up(7, talks.house.now)
    else:
        reply = talks.orders("cleanup", days=7, id="c1")
        assert (reply.pop("id"), reply.pop("ok"), reply.pop("code")) == ("c1", True, "cleaned_up")
        gone = {name.removesuffix("_deleted"): count for name, count in reply.items()}
    assert gone == {"conversations": 1, "turns": 1, "phrases": 1}
    assert (talks.told("kitchen-1"), talks.told("lab-1")) == ([], ["young"])


def test_a_clean_up_that_comes_twice_is_one(talks: Talks) -> None:
    talks.ends("kitchen-1", "hello")
    talks.house.commit()
    talks.house.passes(8 * DAY_S)
    first = talks.orders("cleanup", days=7, id="c1")
    assert first["conversations_deleted"] == 1
    talks.house.passes(60)
    assert talks.orders("cleanup", days=7, id="c1") == first
    assert talks.orders("cleanup", days=7, id="c2")["conversations_deleted"] == 0


def test_by_default_an_admin_cleans_up_as_the_server_does(talks: Talks) -> None:
    talks.ends("kitchen-1", "hello")
    talks.house.commit()
    talks.house.now += 30 * DAY_S - 1
    assert talks.orders("cleanup")["conversations_deleted"] == 0
    talks.house.now += 1
    assert talks.orders("cleanup")["conversations_deleted"] == 1


@pytest.mark.parametrize("action", ["cleanup", "conversations"])
def test_only_admins_look_at_all_conversations(talks: Talks, action: str) -> None:
    talks.house.receive("backend/request/alice", {"action": action})
    (reply,) = [json.loads(send.payload) for send in talks.house.commit() if send.topic == "backend/reply/alice"]
    assert reply["code"] == "forbidden"


# Counting


def test_how_much_was_said_on_a_device(talks: Talks) -> None:
    begun = talks.house.now
    talks.ends("kitchen-1", "a", "b", final_ms=40.0, first_audio_ms=100.0)
    talks.house.passes(60)
    talks.ends("kitchen-1", "a", "b", final_ms=61.0, first_audio_ms=200.0, phrases=("k",))
    talks.ends("kitchen-1", None, code=Code.NO_SPEECH)
    talks.makes("kitchen-1", "k", bytes(1000))
    talks.ends("lab-1", "c")
    assert talks.asks(KITCHEN, "kitchen-1", "stats") == {
        "ok": True,
        "code": "stats",
        "stats": {
            "turns": 3,
            "messages": 4,
            "last_activity": iso(begun + 60),
            "begun_at": iso(begun),
            "turns_kept": 3,
            "final_ms": 50.5,
            "first_audio_ms": 150.0,
            "phrases": 1,
            "phrase_bytes": 1000,
            "phrase_uses": 0,
        },
    }


def test_where_nothing_was_said_there_is_nothing_to_count(talks: Talks) -> None:
    assert talks.asks(ALICE, "kitchen-1", "stats")["stats"]["turns"] == 0
    stats = talks.orders("conversations")["stats"]
    assert (stats["conversations"], stats["average_turns"], stats["recent"]) == (0, 0.0, [])
    assert stats.get("last_activity") is None


def test_how_much_is_said_on_all_devices(talks: Talks) -> None:
    for _ in range(3):
        talks.ends("kitchen-1", "a", "b")
    kitchen_at = talks.house.now
    talks.house.commit()
    talks.house.passes(DAY_S)
    talks.ends("lab-1", "c")
    assert talks.orders("conversations", id="n1") == {
        "id": "n1",
        "ok": True,
        "code": "conversations",
        "stats": {
            "conversations": 2,
            "turns": 4,
            "messages": 7,
            "average_turns": 2.0,
            "average_messages": 3.5,
            "last_activity": iso(kitchen_at + DAY_S),
            "active_24h": 1,
            "recent": [{"device": "lab-1", "turns": 1, "messages": 1, "last_activity": iso(kitchen_at + DAY_S)}],
        },
    }


def test_the_ten_most_recent_are_named(database: Database) -> None:
    house = House(database)
    for number in range(12):
        turn = TurnEnded(f"speaker-{number}", 1, house.now + number, heard="hello")
        house.journal.commit(Changes([], [], [Record(turn)]), house.now)
    stats = Talks(house).orders("conversations")["stats"]
    assert stats["active_24h"] == 12
    assert [each["device"] for each in stats["recent"]] == [f"speaker-{number}" for number in range(11, 1, -1)]


# Never mixed

DEVICES = ("kitchen-1", "lab-1")


class Heard:
    """The house, and beside it a simple list of what was said on each device."""

    def __init__(self, database: Database) -> None:
        self.talks = bounded(database, Bounds(turns=2, phrases=2))
        self.said: dict[str, list[str]] = {device: [] for device in DEVICES}
        self.stored: dict[str, list[str]] = {device: [] for device in DEVICES}
        self.number = 0

    def turn(self, device: str) -> None:
        self.number += 1
        text = f"{device} {self.number}"
        self.talks.ends(device, text, f"answer to {text}")
        self.said[device].append(text)

    def phrase(self, device: str) -> None:
        self.talks.makes(device, "the same key", device.encode())

    def forget(self, device: str) -> None:
        self.talks.asks(ROOT, device, "forget")
        self.said[device].clear()
        self._keep()

    def remove(self, device: str) -> None:
        self.talks.house.knows({name: who for name, who in LISTENING.items() if name != device})
        self.talks.house.knows(LISTENING)
        self.said[device].clear()
        self.commit(device)

    def commit(self, _device: str) -> None:
        self.talks.house.commit()
        self._keep()

    def fail(self, _device: str) -> None:
        self.talks.house.fail()
        self._lose()

    def die(self, _device: str) -> None:
        self.talks.house.restart()
        self._lose()

    def _keep(self) -> None:
        self.stored = {device: list(said) for device, said in self.said.items()}

    def _lose(self) -> None:
        self.said = {device: list(said) for device, said in self.stored.items()}


moves: st.SearchStrategy[Callable[[Heard, str], None]] = st.sampled_from(
    [*[Heard.turn] * 5, Heard.phrase, Heard.forget, Heard.remove, Heard.commit, Heard.fail, Heard.die]
)


@settings(max_examples=60)
@given(st.lists(st.tuples(moves, st.sampled_from(DEVICES)), max_size=25))
def test_two_conversations_are_never_mixed(history: list[tuple[Callable[[Heard, str], None], str]]) -> None:
    database = memory_database()
    heard = Heard(database)
    for move, device in history:
        heard.talks.house.now += 1
        move(heard, device)
    for device in DEVICES:
        last = heard.said[device][-2:]
        assert heard.talks.told(device) == last[::-1]
        assert exchanges(database, device) == [(text, f"answer to {text}") for text in last]
        assert phrase(database, device, "the same key") in (None, Phrase(device.encode(), len(device) / 32_000))
    database.dispose()
