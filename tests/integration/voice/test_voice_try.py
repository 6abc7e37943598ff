"""``talkstick voice try``, at a real server that hears."""

import json
import sys
import wave
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from backend.cli.main import talkstick as main
from backend.shell.voice import audition
from backend.shell.voice.saving import wav
from tests.rig import Talkstick, serving
from tools.voice_models import speech

MODELS = Path(__file__).parents[3] / "tools" / "voice_models"


@pytest.fixture(scope="module")
def talkstick(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Talkstick]:
    models = json.dumps({"en": str(MODELS / "en")})
    with serving(tmp_path_factory.mktemp("try"), voice_models=models) as running:
        running.device("speaker-1")
        running.device("quiet-1")
        running.run("voice", "set", "quiet-1", "enabled=no")
        known_to_the_server(running)
        yield running


def known_to_the_server(talkstick: Talkstick) -> None:
    """Start it again: it follows what commands change within a second, and the first turn may come before."""
    talkstick.stop()
    talkstick.start()


@pytest.fixture(scope="module")
def question(tmp_path_factory: pytest.TempPathFactory) -> str:
    file = tmp_path_factory.mktemp("audio") / "question.wav"
    file.write_bytes(wav(speech.silence(0.3) + speech.speak("what time is it", "en-us+m3") + speech.silence(0.3)))
    return str(file)


def attempt(talkstick: Talkstick, *arguments: str, ok: bool = True, **environment: str) -> str:
    """Run the command in this process: each start of another takes its time."""
    command = ["--data", str(talkstick.data), "voice", "try", *arguments]
    variables = {"TALKSTICK_PORT": str(talkstick.port), "TALKSTICK_HOST": "127.0.0.1", **environment}
    done = CliRunner().invoke(main, command, env=variables)
    assert (done.exit_code == 0) == ok, done.output
    return done.output


def test_what_was_understood_and_what_is_answered_is_shown(talkstick: Talkstick, question: str, tmp_path: Path) -> None:
    saved = tmp_path / "answer.wav"
    shown = attempt(talkstick, question, "--device", "speaker-1", "--save", str(saved))
    lines = [line.split() for line in shown.splitlines()]
    events = [next(word for word in line if word.isalpha() and word != "ms") for line in lines]
    assert [event for event in events if event != "partial"] == ["final", "answer", "audio", "spoken"]
    assert "what time is it" in shown
    assert "It is " in shown
    assert " ms " in next(line for line in shown.splitlines() if "audio" in line)
    with wave.open(str(saved)) as file:
        assert file.getnframes() / file.getframerate() > 1.0


def test_in_one_piece(talkstick: Talkstick, question: str) -> None:
    turns = []
    for mode in ("--whole", "--stream", "--whole"):
        record = json.loads(attempt(talkstick, question, "--device", "speaker-1", mode, "--json"))
        assert (record["heard"], record["code"]) == ("what time is it", None)
        assert 0 < record["after_ms"]["final"] <= record["after_ms"]["spoken"]
        turns.append(record["turn"])
    talkstick.run("voice", "forget", "speaker-1", "--yes")
    turns.append(json.loads(attempt(talkstick, question, "--device", "speaker-1", "--json"))["turn"])
    assert turns == list(range(turns[0], turns[0] + 4)), "also where nothing is remembered"


def test_what_is_written_is_said_in_the_language_of_the_device(
    talkstick: Talkstick, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = json.loads(attempt(talkstick, "--text", "what time is it", "--device", "speaker-1", "--json"))
    assert (said["heard"], said["code"]) == ("what time is it", None)
    assert "either a FILE or --text" in attempt(talkstick, "--device", "speaker-1", ok=False)
    assert "either a FILE or --text" in attempt(talkstick, __file__, "--text", "a", "--device", "speaker-1", ok=False)
    assert "no_speech" in attempt(talkstick, "--text", "", "--device", "speaker-1", ok=False)
    monkeypatch.setattr(audition, "PROGRAM", [sys.executable, "-c", 'print(\'{"failed":"no espeak"}\')'])
    assert "--text: no espeak" in attempt(talkstick, "--text", "a", "--device", "speaker-1", ok=False)


def test_nobody_spoke(talkstick: Talkstick, tmp_path: Path) -> None:
    (tmp_path / "silence.wav").write_bytes(wav(speech.silence(1)))
    silence = str(tmp_path / "silence.wav")
    assert "no_speech" in attempt(talkstick, silence, "--device", "speaker-1", ok=False)


def test_a_device_whose_voice_is_off_says_so(talkstick: Talkstick, question: str) -> None:
    assert "voice_off" in attempt(talkstick, question, "--device", "quiet-1", ok=False)


def test_what_cannot_be_tried(talkstick: Talkstick, question: str, tmp_path: Path) -> None:
    def complaint(file: str, device: str, **environment: str) -> str:
        return attempt(talkstick, file, "--device", device, ok=False, **environment)

    (tmp_path / "text.wav").write_text("this is no audio")
    assert "neither WAV" in complaint(str(tmp_path / "text.wav"), "speaker-1")
    assert "does not exist" in complaint(str(tmp_path / "nothing.wav"), "speaker-1")
    assert "no device nobody" in complaint(question, "nobody")
    assert "alice is a user" in complaint(question, "alice")
    as_alice = talkstick.login("alice")
    assert "only admins" in complaint(question, "speaker-1", **as_alice)
    assert "talkstick serve" in complaint(question, "speaker-1", TALKSTICK_PORT="1")


def test_without_a_model_voice_is_off(question: str, tmp_path: Path) -> None:
    with serving(tmp_path) as deaf:
        deaf.device("speaker-1")
        known_to_the_server(deaf)
        complaint = attempt(deaf, question, "--device", "speaker-1", ok=False)
        assert "voice_off" in complaint
        assert "voice is off" in deaf.log.read_text()
