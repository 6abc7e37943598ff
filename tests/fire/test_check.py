"""The checker catches each broken promise, and nothing that may be."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner

from tests.fire.story import FLOOR, Story
from tools.fire.check import RULES, check, main
from tools.fire.history import History, read
from tools.fire.proof import Violation, gather
from tools.fire.rules import Rule


def broken(story: Story) -> set[str]:
    """Return the rules that a story breaks; what is left open in the end is no matter here."""
    return {violation.rule for violation in check(story.records)} - {"the end is right", "all are answered"}


def held() -> Story:
    """Return a story in which alice holds with fence 1."""
    return Story().asks("alice", "a1", "claim").granted(1, "alice").answered("alice", "a1", "granted", 1)


def lived() -> Story:
    """Return a good story, with a kill, a repeated request, a waiter who is served, and commands; without its end."""
    story = held().sends("alice", 1, 1).comes("alice", 1, 1)
    story.asks("bob", "b1", "claim", wait=True, input={"bob": 1}).document(1, "alice", "bob")
    story.answered("bob", "b1", "queued", position=1).asks("alice", "a2", "update", input={"alice": 2})
    story.document(1, "alice", "bob", input={"alice": 2}).answered("alice", "a2", "updated", 1)
    story.killed().connects("eyes").document(1, "alice", "bob", input={"alice": 2}, retained=True)
    story.asks("alice", "a3", "release").document(2, "bob", input={"bob": 1})
    story.ended(1, "alice", input={"alice": 2}).event("granted", 2, "bob", session="s2")
    story.killed().connects("eyes").asks("alice", "a3", "release").answered("alice", "a3", "released", 1)
    story.asks("bob", "b1", "claim").answered("bob", "b1", "granted", 2).sends("alice", 1, 2)
    story.asks("bob", "b2", "release").document(2, None).ended(2, "bob", input={"bob": 1})
    return story.answered("bob", "b2", "released", 2).remembered("alice", "bob")


def test_what_may_be_is_no_violation() -> None:
    assert check(lived().final(2, None).records) == []


def test_a_hand_over_and_a_pre_emption_are_no_violations() -> None:
    story = held().asks("alice", "a2", "update", input={"alice": 5}).document(1, "alice", input={"alice": 5})
    story.answered("alice", "a2", "updated", 1).asks("alice", "a3", "offer", to="bob")
    story.answered("alice", "a3", "offered", 1).asks("bob", "b1", "accept")
    story.document(2, "bob", session="s1", input={"alice": 5}).ended(1, "alice", "handed_over", input={"alice": 5})
    story.event("granted", 2, "bob", session="s1").answered("bob", "b1", "granted", 2, session="s1")
    story.answered("alice", "a3", "handed_over", 1).asks("admin", "x1", "preempt", requeue=True)
    story.document(3, "admin", "bob").event("ended", 2, "bob", session="s1", reason="preempted", input={"alice": 5})
    story.event("granted", 3, "admin", session="s3").answered("admin", "x1", "granted", 3)
    story.answered("bob", "b1", "queued").asks("admin", "x2", "release").document(4, "bob").ended(3, "admin")
    story.event("granted", 4, "bob", session="s4").answered("admin", "x2", "released", 3)
    story.answered("bob", "b1", "granted", 4).asks("bob", "b2", "release").document(4, None).ended(4, "bob")
    story.answered("bob", "b2", "released", 4).remembered("alice", "bob", "admin", "bob")
    assert check(story.final(4, None).records) == []


BROKEN: dict[str, Callable[[], Story]] = {
    "one holder": lambda: held().document(1, "bob"),
    "one holder, by what two are told": lambda: held().answered("bob", "b1", "renewed", 1),
    "one holder, but two sessions": lambda: held().document(1, "alice", session="other"),
    "sessions stay": lambda: held().document(2, "bob", session="s1"),
    "sessions stay, with a new fence for nothing": lambda: held().document(2, "alice", session="s1"),
    "fences rise": lambda: Story().document(2, "bob").document(1, "alice"),
    "fences rise, over a restart": lambda: Story().document(2, "bob").killed().connects("eyes").document(1, None),
    "each grant has a new fence": lambda: (
        held().document(1, None).ended(1, "alice").event("granted", 1, "alice", session="s1")
    ),
    "nothing is lost": lambda: held().killed().connects("ears").document(0, None, who="ears"),
    "nothing is undone": lambda: held().document(1, None).document(1, "alice"),
    "nothing is undone, what was released least of all": lambda: (
        held()
        .asks("alice", "a2", "release")
        .answered("alice", "a2", "released", 1)
        .killed()
        .connects("eyes")
        .document(1, "alice")
    ),
    "endings are named": lambda: held().ended(1, "alice", "vanished"),
    "endings are named, in documents, too": lambda: held().document(1, None, reason="claimed"),
    "sessions are remembered": lambda: held().document(1, None).final(1, None),
    "sessions are remembered, once": lambda: held().past(1, "alice", "released").past(1, "alice", "expired"),
    "sessions are remembered, with their holders": lambda: held().past(1, "bob", "released"),
    "sessions are remembered, with their endings": lambda: held().past(1, "alice", "vanished"),
    "inputs are kept, and remembered": lambda: (
        held()
        .asks("alice", "a2", "update", input={"alice": 2})
        .answered("alice", "a2", "updated", 1)
        .past(1, "alice", "released", input={"alice": 1})
    ),
    "one ending": lambda: held().ended(1, "alice").ended(1, "alice"),
    "ended before the next": lambda: held().granted(2, "bob"),
    "revisions rise": lambda: held().document(1, "alice", revision=0),
    "a revision is one document": lambda: held().document(1, "alice", "bob", revision=1),
    "only the holder commands": lambda: held().sends("bob", 1, 1).comes("bob", 1, 1),
    "only the holder commands, and nobody with a fence to come": lambda: (
        held().sends("alice", 2, 1).comes("alice", 2, 1)
    ),
    "no command of an old fence": lambda: held().document(1, None).sends("alice", 1, 1).comes("alice", 1, 1),
    "no command of an old fence, at the embedded broker not of the holder either": lambda: (
        held().ended(1, "alice").granted(2, "alice").sends("alice", 1, 1).comes("alice", 1, 1, obeyed=False)
    ),
    "boards obey no old fence": lambda: (
        held().sends("alice", 1, 1).ended(1, "alice").document(2, "bob", who="scale-1").comes("alice", 1, 1)
    ),
    "only the sender is heard": lambda: held().data("bob", 1, 1).broadcast("bob", 1, 1),
    "only the sender is heard, and only in its time": lambda: (
        held().ended(1, "alice").data("alice", 1, 1).broadcast("alice", 1, 1)
    ),
    "data once": lambda: held().data("alice", 1, 1).broadcast("alice", 1, 1).broadcast("alice", 1, 1),
    "broadcasts are in order": lambda: held().broadcast("alice", 1, 2).broadcast("alice", 1, 1),
    "who waits is served": lambda: held().asks("bob", "b1", "claim").answered("bob", "b1", "queued").final(1, "alice"),
    "one answer": lambda: held().ended(1, "alice").granted(2, "alice").answered("alice", "a1", "granted", 2),
    "one answer, and not yes after no": lambda: (
        held()
        .asks("bob", "b1", "claim")
        .answered("bob", "b1", "busy", 1)
        .ended(1, "alice")
        .granted(2, "bob")
        .answered("bob", "b1", "granted", 2)
    ),
    "one answer, where a session goes on": lambda: held().answered("alice", "a1", "not_waiting", reason="expired"),
    "one answer, where nobody was told of another": lambda: (
        held().ended(1, "alice", "expired").answered("alice", "a1", "not_waiting")
    ),
    "answers are of now": lambda: (
        held().ended(1, "alice").asks("alice", "a2", "renew").answered("alice", "a2", "renewed", 1)
    ),
    "answers are of now, fences included": lambda: (
        Story().document(2, None).asks("alice", "a1", "claim").answered("alice", "a1", "granted", 1)
    ),
    "inputs are kept": lambda: (
        held()
        .asks("alice", "a2", "update", input={"alice": 2})
        .answered("alice", "a2", "updated", 1)
        .ended(1, "alice", input={"alice": 1})
    ),
    "inputs are kept, over a restart": lambda: (
        held()
        .asks("alice", "a2", "update", input={"alice": 2})
        .answered("alice", "a2", "updated", 1)
        .killed()
        .connects("eyes")
        .document(1, "alice", input={})
    ),
    "inputs are kept, when a session is handed over": lambda: (
        held()
        .asks("alice", "a2", "update", input={"alice": 2})
        .answered("alice", "a2", "updated", 1)
        .ended(1, "alice", "handed_over", input={"alice": 2})
        .document(2, "bob", session="s1", input={})
    ),
}


@pytest.mark.parametrize("rule", BROKEN)
def test_what_may_not_be_is_caught(rule: str) -> None:
    assert rule.partition(",")[0] in broken(BROKEN[rule]())


ENDS: dict[str, Callable[[], Story]] = {
    "no document": held,
    "an older fence": lambda: lived().final(1, None, revision=99),
    "a session that was over": lambda: lived().final(2, "bob", revision=99),
    "somebody waits for what is free": lambda: lived().final(2, None, "carol", revision=99),
    "another document than was heard": lambda: lived().final(2, None, input={"other": 1}),
    "an older document than was heard": lambda: lived().final(2, None, revision=0),
}


@pytest.mark.parametrize("end", ENDS)
def test_a_wrong_end_is_caught(end: str) -> None:
    assert {violation.rule for violation in check(ENDS[end]().records)} == {"the end is right"}


def test_a_request_without_an_answer_is_caught() -> None:
    story = held().asks("bob", "b1", "claim").answered("bob", "other", "busy").final(1, "alice", revision=1)
    assert [violation.rule for violation in check(story.records)] == ["all are answered"]


def test_who_waits_may_be_told_or_wait_on() -> None:
    waiting = held().asks("bob", "b1", "claim").answered("bob", "b1", "queued")
    assert check(waiting.final(1, "alice", "bob", revision=9).records) == []
    left = held().asks("bob", "b1", "claim").answered("bob", "b1", "queued").event("left", 1, "bob", reason="kicked")
    assert broken(left.final(1, "alice", revision=9)) == set()


def test_who_does_nothing_when_it_is_its_turn_is_told_that_it_waits_no_longer() -> None:
    missed = held().ended(1, "alice", "expired").answered("alice", "a1", "not_waiting", reason="expired")
    assert broken(missed) == set()


def test_mosquitto_knows_the_holder_but_no_fence_and_may_have_kept_an_old_document() -> None:
    story = Story("mosquitto").asks("alice", "a1", "claim").granted(1, "alice").ended(1, "alice").granted(2, "alice")
    story.sends("alice", 1, 1).comes("alice", 1, 1, obeyed=False).killed("mosquitto").connects("eyes")
    assert broken(story.document(1, "alice", retained=True).document(2, "alice")) == set()
    late = Story("mosquitto").granted(1, "alice").ended(1, "alice").granted(2, "bob").sends("alice", 1, 1)
    assert broken(late.comes("alice", 1, 1, obeyed=False)) == {"no command of an old fence"}


def test_what_is_lost_with_a_connection_is_no_violation() -> None:
    assert broken(held().killed().granted(2, "bob")) == set()
    assert broken(held().connects("eyes").granted(2, "bob")) == set()
    kept = held().document(1, None).connects("scale-1", clean=False)
    assert broken(kept.document(1, "alice", who="scale-1").document(1, None, who="scale-1")) == set()


def test_each_rule_has_a_story_that_breaks_it() -> None:
    stories = [story() for story in (*BROKEN.values(), *ENDS.values())] + [held().asks("bob", "b1", "claim")]
    caught = {rule for rule in RULES for story in stories if _breaks(story, rule)}
    assert caught == set(RULES)


def _breaks(story: Story, rule: Rule) -> bool:
    _, floors = gather(story.records)
    return any(list(rule(floor)) for floor in floors)


def test_a_history_is_read_as_it_was_written_and_judged_by_command(tmp_path: Path) -> None:
    path = tmp_path / "history.jsonl"
    with History(path) as history:
        history.note("run", body={"broker": "embedded"})
        conn = history.connected("eyes")
        for holder in ("alice", "bob"):
            history.note(
                "document", "eyes", conn=conn, floor=FLOOR, retained=False, body={"fence": 1, "holder": holder}
            )
        history.note("final", floor=FLOOR, body={"fence": 1, "holder": "alice"})
    assert [record.what for record in read(path)] == ["run", "connected", "document", "document", "final"]
    judged = CliRunner().invoke(main, [str(path)])
    assert judged.exit_code == 1
    assert "one holder: devices/scale-1: fence 1 is of alice (None) and of bob (None) (lines 3, 4)" in judged.output
    path.write_text("".join(line for line in path.read_text().splitlines(keepends=True) if '"bob"' not in line))
    assert CliRunner().invoke(main, [str(path)]).exit_code == 0


def test_a_violation_tells_where() -> None:
    assert str(Violation("rule", FLOOR, "text")) == f"rule: {FLOOR}: text"
    assert json.loads(json.dumps(str(Violation("rule", FLOOR, "text", (1, 2))))).endswith("(lines 1, 2)")
