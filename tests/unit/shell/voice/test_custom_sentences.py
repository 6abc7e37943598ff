"""Sentences of an operator: what they add, and how it is told what is wrong with them."""

import logging
from pathlib import Path

import pytest

from backend.shell.voice.grammar import spoken_sentences
from backend.shell.voice.library import Library
from tests.unit.shell.voice.world import NAMES, SmallWorld, ask

COFFEE = """
language: en
lists:
  size:
    values:
      - in: "(small|tiny)"
        out: 1
      - in: large
        out: 3
  note: {wildcard: true}
  cups: {range: {from: 1, to: 20}}
expansion_rules:
  brew: "(brew|make)"
intents:
  Coffee:
    data:
      - sentences: ["<brew> [me] [a] {size} coffee"]
      - sentences: ["<brew> {cups} cups"]
        response: cups
    command: {device: printer-1, name: brew, body: {size: "{size}", on: true, cups: "{cups}", note: "a {size} one"}}
    response: "A {size} coffee is coming."
  Wifi:
    data:
      - sentences: ["what is the password"]
    response: "It is on the door. {nothing}"
  Fetch:
    data:
      - sentences: ["i need [the] {device}"]
    claim: "{device}"
    response: "{device} is yours."
  Note:
    data:
      - sentences: ["note {note}"]
    response: "Noted: {note}."
  WhoHas:
    data:
      - sentences: ["whose is <thing>"]
responses:
  intents:
    Coffee: {cups: "{cups} cups are coming."}
    Thanks: {default: "No problem."}
words:
  monster: printer
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "coffee.yaml").write_text(COFFEE)
    return tmp_path


def test_a_custom_intent_answers(folder: Path) -> None:
    library, world = Library(folder), SmallWorld()
    assert library.problems == []
    answer = ask(world, "What is the password?", library=library)
    assert (answer.text, answer.intent) == ("It is on the door. ", "Wifi")
    assert ask(world, "note buy more paper", library=library).text == "Noted: buy more paper."


def test_a_custom_intent_sends_a_command_with_its_slots(folder: Path) -> None:
    library, world = Library(folder), SmallWorld()
    assert ask(world, "make me a tiny coffee", library=library).text == "A 1 coffee is coming."
    body = {"size": 1, "on": True, "cups": "", "note": "a 1 one"}
    assert world.deeds[1] == ("command", "printer-1", "alice", "brew", body)
    assert [deed[0] for deed in world.deeds] == ["claim", "command", "release"]
    assert ask(world, "make three cups", library=library).text == "3 cups are coming."
    assert world.deeds[4][-1] == {"size": "", "on": True, "cups": 3, "note": "a  one"}


def test_a_custom_intent_claims_the_device_that_is_named(folder: Path) -> None:
    library, world = Library(folder), SmallWorld()
    assert ask(world, "i need the monster", library=library).text == "Label printer is yours."
    assert world.deeds == [("claim", "printer-1", "alice")]
    assert ask(world, "i need the lamp", library=library).text == "Which one: Kitchen lamp or Lab lamp?"
    assert not ask(world, "i need the toaster", library=library).understood


def test_a_custom_intent_is_refused_as_ours_are(folder: Path) -> None:
    library, world = Library(folder), SmallWorld()
    world.change("printer-1", holder="bob", holder_name="Bob")
    assert ask(world, "brew a large coffee", library=library).text == "Bob has Label printer."
    assert ask(world, "brew a large coffee", library=library, speaker=None).text.startswith("I do not know who")


def test_ours_take_more_sentences_and_other_words(folder: Path) -> None:
    library, world = Library(folder), SmallWorld()
    assert ask(world, "whose is the printer", library=library).text == "Nobody has Label printer."
    assert ask(world, "who has the printer", library=library).understood
    assert ask(world, "thanks", library=library).text == "No problem."


def test_a_recogniser_hears_custom_sentences_but_no_open_ones(folder: Path) -> None:
    library = Library(folder)
    sentences = spoken_sentences(library.book("en"), NAMES, library.words)
    assert {"what is the password", "brew me a small coffee", "make twelve cups", "whose is it"} <= set(sentences)
    assert not any("note" in sentence.split() for sentence in sentences)


def test_another_language_may_have_a_few_sentences_and_the_rest_of_its_answers_is_english(tmp_path: Path) -> None:
    (tmp_path / "fi.yaml").write_text(
        "language: fi\nintents:\n  Time:\n    data:\n      - sentences: [paljonko kello on]\n"
        "responses:\n  intents:\n    Time: {default: 'Kello on {hour}.{minute}.'}\n"
    )
    library, world = Library(tmp_path), SmallWorld()
    assert library.problems == []
    assert ask(world, "Paljonko kello on?", language="fi", library=library).text == "Kello on 14.05."
    answer = ask(world, "what time is it", language="fi", library=library)
    assert not answer.understood
    assert answer.text.startswith("I did not understand")


INTENT = "language: en\nintents:\n  New:\n    data:\n      - sentences: [{sentence}]\n    response: yes\n{more}"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("language: en\nintents: [", "while parsing a flow node"),
        ("just words", "is no mapping"),
        ("intents: {}", "language: Field required"),
        ("language: en\nintentions: {}", "intentions: Extra inputs are not permitted"),
        ("language: en\nintents: {New: {data: []}}", "intents.New.data: List should have at least 1 item"),
        ("language: en\nintents: {New: {data: [{sentences: [a b]}]}}", "intents.New: has no `response`, `command`"),
        ("language: en\nintents: {Stop: {data: [{sentences: [halt]}], response: ok}}", "intents.Stop: is one of ours"),
        (
            "language: en\nintents: {New: {data: [{sentences: [a b]}], command: {device: x}}}",
            "intents.New.command.name: Field required",
        ),
        (INTENT.format(sentence='"a {b"', more=""), "intents.New.data.0.sentences.0: 'a {b' cannot be parsed"),
        (INTENT.format(sentence='"a (b|c"', more=""), "cannot be parsed"),
        (INTENT.format(sentence='"a {b}"', more=""), "intents.New.data.0.sentences.0: there is no list {b}"),
        (INTENT.format(sentence='"a <b>"', more=""), "there is no rule <b>"),
        (INTENT.format(sentence='"(a;b;c;d;e;f) g"', more=""), "at most 5 parts can be in any order"),
        (INTENT.format(sentence='"a <b>"', more="expansion_rules: {b: 'x [<b>]'}"), "the rule <b> needs itself"),
        (INTENT.format(sentence='"a {b}"', more="lists: {b: {}}"), "lists.b: has none of"),
        (INTENT.format(sentence='"a {b}"', more="lists: {b: {values: [x], wildcard: true}}"), "or several of them"),
        (INTENT.format(sentence='"a {b}"', more="lists: {b: {values: 3}}"), "lists.b.values: Input should be a valid"),
        (INTENT.format(sentence='"a {b}"', more="lists: {b: {values: [{out: 3}]}}"), "lists.b.values.0"),
        (
            INTENT.format(sentence='"a {b}"', more="lists: {b: {values: [x, '(y|z']}}"),
            "lists.b.values.1: '(y|z' cannot",
        ),
        (INTENT.format(sentence='"a {b}"', more="lists: {b: {values: ['x {b}']}}"), "lists.b.values.0: "),
        (INTENT.format(sentence='"a {b}"', more="lists: {b: {range: {from: 1}}}"), "lists.b.range.to: Field required"),
        (INTENT.format(sentence='"a {b}"', more="lists: {b: {range: {from: 1, to: 0}}}"), "lists.b.range: there are"),
        (INTENT.format(sentence='"a {b}"', more="lists: {b: {range: {from: 1, to: 100000}}}"), "more than 10000"),
        (INTENT.format(sentence='"a {b}"', more="lists: {b: {range: {from: 1, to: 9, step: 0}}}"), "range.step"),
        (INTENT.format(sentence="a", more="lists: {device: {values: [x]}}"), "lists.device: is the list of all"),
        ("language: en\nwords: {1: 2}", "words.1"),
        ("language: en\nmonths: [January]", "months: List should have at least 12 items"),
        ("a: &a [*a]\nlanguage: en", "a: Extra inputs"),
        ("language: en\nskip_words: &a [*a]", "skip_words"),
    ],
)
def test_a_wrong_file_is_named_with_the_key_and_left_out(
    tmp_path: Path, text: str, told: str, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "a wrong.yaml"
    path.write_text(text)
    (tmp_path / "right.yaml").write_text(COFFEE)
    with caplog.at_level(logging.ERROR):
        library = Library(tmp_path)
    assert len(library.problems) == 1
    assert library.problems[0].startswith(f"{path}: ")
    assert told in library.problems[0]
    assert library.problems[0] in caplog.text
    assert ask(SmallWorld(), "what is the password", library=library).understood
    assert ask(SmallWorld(), "what time is it", library=library).understood


def test_a_file_that_is_no_text_and_a_folder_that_is_not_there_are_problems(tmp_path: Path) -> None:
    (tmp_path / "bytes.yaml").write_bytes(b"\xff\xfe\xff")
    (tmp_path / "readme.txt").write_text("not ours")
    (told,) = Library(tmp_path).problems
    assert "bytes.yaml" in told
    (told,) = Library(tmp_path / "nowhere").problems
    assert told.endswith("nowhere: No such file or directory")
    assert Library(None).problems == []
