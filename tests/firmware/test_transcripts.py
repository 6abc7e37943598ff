"""Firmware and server are held to the same transcripts: schemas/transcripts."""

import random
import re
from pathlib import Path

import pytest

from tests.firmware import native
from tests.firmware.play import Difference, Play
from tests.firmware.script import FOLDER, NotATranscript, parse, read

TRANSCRIPTS = sorted(FOLDER.glob("*.txt"))
SESSION = FOLDER / "session.txt"
VOICE = FOLDER / "voice.txt"

MUTATIONS = {
    "the fence of a document": (SESSION, '"fence":1,"started_at"', '"fence":3,"started_at"'),
    "a word of a document": (SESSION, '"state":"active"', '"state":"offered"'),
    "the body of a command": (
        SESSION,
        "message devices/scale-1/command/tare {",
        "message devices/scale-1/command/tare { ",
    ),
    "a byte of speech": (VOICE, "/speech/1 hex:000001", "/speech/1 hex:010001"),
    "a message less": (SESSION, "@3020 message", "# @3020 message"),
}
"""What the board gets, changed: neither the server sends it, nor does the board do the same about it."""


@pytest.fixture(scope="module")
def core(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The replay of the firmware's core."""
    return native.build(tmp_path_factory.mktemp("replay"))


def test_there_are_transcripts() -> None:
    assert len(TRANSCRIPTS) >= 25


@pytest.mark.parametrize("path", TRANSCRIPTS, ids=lambda path: path.stem)
def test_the_server_says_what_stands_there_and_takes_what_the_board_says(path: Path) -> None:
    Play(read(path)).run()


@pytest.mark.parametrize("path", TRANSCRIPTS, ids=lambda path: path.stem)
def test_the_board_does_what_stands_there(core: Path, path: Path) -> None:
    code, said = native.replay(core, path)
    assert code == 0, said
    assert re.search(r": [1-9]\d* actions, as expected\n$", said)


def test_everything_that_the_format_knows_occurs() -> None:
    text = "\n".join(path.read_text() for path in TRANSCRIPTS)
    rows = re.findall(r"^\| (`.*?) \|", (FOLDER / "README.md").read_text(), re.MULTILINE)
    forms = [form for row in rows for form in re.findall(r"`(.+?)`", row)]
    words = {re.split(r"[ =]?[A-Z[\"]", form)[0] for form in forms if not form.startswith("~ NAME")}
    assert len(words) > 50
    places = {word: r"^~ " if word.startswith("~") else r"^(@\d+ |  )" for word in words}
    missing = [
        word for word, at in places.items() if not re.search(at + re.escape(word.lstrip("~ ")), text, re.MULTILINE)
    ]
    assert missing == []


# A transcript in which something is wrong is found out, by whom it concerns


def mutated(folder: Path, path: Path, old: str, new: str) -> Path:
    """Write a transcript in which one thing is changed, where it first stands."""
    text = path.read_text()
    assert old in text
    changed = folder / path.name
    changed.write_text(text.replace(old, new, 1))
    return changed


@pytest.mark.parametrize("mutation", MUTATIONS.values(), ids=MUTATIONS)
def test_the_server_does_not_send_anything_else(tmp_path: Path, mutation: tuple[Path, str, str]) -> None:
    with pytest.raises(Difference):
        Play(read(mutated(tmp_path, *mutation))).run()


@pytest.mark.parametrize("mutation", MUTATIONS.values(), ids=MUTATIONS)
def test_the_board_would_not_do_the_same_about_it(core: Path, tmp_path: Path, mutation: tuple[Path, str, str]) -> None:
    code, said = native.replay(core, mutated(tmp_path, *mutation))
    assert code == 1
    assert "expected: " in said


def with_one_byte_changed(folder: Path, path: Path, lines: str) -> Path:
    """Write a transcript in which a byte is changed, in one of the lines that begin so; always the same one."""
    dice = random.Random(path.stem)  # noqa: S311 - no secret
    text = path.read_text().split("\n")
    number = dice.choice([at for at, line in enumerate(text) if re.match(lines, line)])
    at = dice.randrange(len(text[number]) - 1, 2 * len(text[number]) // 3, -1)
    text[number] = text[number][:at] + chr(ord(text[number][at]) ^ 1) + text[number][at + 1 :]
    changed = folder / path.name
    changed.write_text("\n".join(text))
    return changed


@pytest.mark.parametrize(
    "path", [path for path in TRANSCRIPTS if " message " in path.read_text()], ids=lambda p: p.stem
)
def test_any_byte_of_a_message_matters_to_the_server(tmp_path: Path, path: Path) -> None:
    changed = with_one_byte_changed(tmp_path, path, r"@\d+ message ")
    with pytest.raises((Difference, NotATranscript)):
        Play(read(changed)).run()


@pytest.mark.parametrize("path", TRANSCRIPTS, ids=lambda path: path.stem)
def test_any_byte_of_an_action_matters_to_the_board(core: Path, tmp_path: Path, path: Path) -> None:
    code, said = native.replay(core, with_one_byte_changed(tmp_path, path, r"  \w"))
    assert code == 1, said


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('result {"fence":1,', 'result {"fence":0,'),
        ('"output":{"percent":40}}', '"output":{"percent":41}}'),
        (
            'publish 1 retained devices/scale-1/status {"state":"online"',
            'publish 1 retained devices/scale-1/status {"state":"here"',
        ),
        ("publish 1 retained devices/scale-1/info", "publish 1 retained devices/scale-2/info"),
        ("subscribe 1 devices/scale-1/command/+", "subscribe 1 channels/stage/session"),
    ],
)
def test_what_the_board_says_matters_to_both(core: Path, tmp_path: Path, old: str, new: str) -> None:
    changed = mutated(tmp_path, SESSION, old, new)
    assert native.replay(core, changed)[0] == 1
    with pytest.raises(Difference):
        Play(read(changed)).run()


@pytest.mark.parametrize("old", ["  output relay on\n", "  show up free?\n", "  safe ended\n"])
def test_an_action_that_is_not_expected_is_found(core: Path, tmp_path: Path, old: str) -> None:
    code, said = native.replay(core, mutated(tmp_path, SESSION, old, ""))
    assert code == 1, said


def test_an_action_too_many_is_found(core: Path, tmp_path: Path) -> None:
    changed = mutated(tmp_path, SESSION, "  output relay on\n", "  output relay on\n  output relay off\n")
    assert native.replay(core, changed) == (
        1,
        f"{changed}:{line_of(changed, '  output relay off', 2)}:\n"
        "  expected: output relay off\n  got:      (nothing)\n",
    )


def test_a_refusal_that_does_not_come_is_found(tmp_path: Path) -> None:
    changed = mutated(tmp_path, FOLDER / "take-over.txt", "~ refused stale_boot\n", "")
    with pytest.raises(Difference, match="stale_boot"):
        Play(read(changed)).run()


def test_a_forged_command_that_the_broker_would_let_pass_is_none(tmp_path: Path) -> None:
    changed = mutated(tmp_path, SESSION, "@3020 message", "@3020 !message")
    with pytest.raises(Difference, match="let this command pass"):
        Play(read(changed)).run()


@pytest.mark.parametrize("line", ["@x tick", "@100 ", "what is this", "@1 tick tock", "@1 button", "@1 refused x"])
def test_what_is_no_transcript_is_told(core: Path, tmp_path: Path, line: str) -> None:
    path = tmp_path / "bad.txt"
    path.write_text(f"device scale-1\n@0 start\n{line}\n")
    assert native.replay(core, path)[0] == 1


@pytest.mark.parametrize("text", ["", "device scale-1\n", "@0 start\n", "hello\n", "device scale-1\n@x tick\n"])
def test_python_refuses_what_is_no_transcript(text: str) -> None:
    with pytest.raises(NotATranscript):
        parse(Path("bad.txt"), text)


def line_of(path: Path, line: str, nth: int) -> int:
    """Return the number of the *nth* line that is this."""
    numbers = [number for number, each in enumerate(path.read_text().split("\n"), start=1) if each == line]
    return numbers[nth - 1]
