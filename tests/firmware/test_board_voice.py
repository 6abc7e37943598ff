"""One talks to the firmware's core over a real broker: it records, is understood, and plays the answer."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from backend.shell.voice.saving import wav
from tests.firmware.boards import Board, Person
from tests.firmware.lab import START, Lab, online, opened
from tools.voice_models import speech

MODELS = Path(speech.__file__).parent
BOARD = "scale-1"  # whose owner is Alice
EVENTS = f"devices/{BOARD}/conversation"


@pytest.fixture(scope="module", params=START)
def lab(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, talkstick_device: Path
) -> Iterator[Lab]:
    """A server that hears, with one broker after the other."""
    directory = tmp_path_factory.mktemp(request.param)
    with (
        START[request.param](directory, voice_models=json.dumps({"en": str(MODELS / "en")})) as site,
        opened(site, talkstick_device, directory) as made,
    ):
        yield made


def question(directory: Path, text: str) -> Path:
    """Return a file with what somebody says."""
    file = directory / f"{text.replace(' ', '-')}.wav"
    file.write_bytes(wav(speech.silence(0.2) + speech.speak(text, "en-us+m3")))
    return file


def talks(lab: Lab, speaker: Path, *options: str) -> Board:
    """Return a board with microphone and loudspeaker, not switched on."""
    return lab.board(BOARD, "--voice", "--speaker", str(speaker), *options)


def plays(person: Person, codec: str) -> None:
    """Wait until the board says that it plays this; it said something else, perhaps, when it was another one."""
    person.heard.wait_for(lambda line: line.get("audio", {}).get("speech") == codec, f"a board that plays {codec}")


@pytest.mark.alone  # a microphone waits for nobody
def test_a_question_is_answered(lab: Lab, tmp_path: Path) -> None:
    speaker = tmp_path / "heard.raw"
    with lab.person() as alice, talks(lab, speaker) as board:
        plays(alice, "pcm16_16k")
        online(alice, board)
        board.type(f"talk {question(tmp_path, 'what time is it')}")
        board.did("record", on=True)
        board.shows(voice="recording")
        assert alice.body(EVENTS, event="final", turn=1)["text"] == "what time is it"
        board.did("record", on=False)
        alice.body(EVENTS, event="answer", turn=1)
        spoken = alice.body(EVENTS, event="spoken", turn=1)
        played = board.did("play")
        board.shows(board.behind(played), voice="quiet")
        audio = speaker.read_bytes()
        assert len(audio) / 32 == pytest.approx(spoken["audio_ms"], abs=40)
        assert max(audio) > 0, "it is no silence"
        assert not [line for line in board.heard.lines if line.get("did") == "play" and line["lost"]]


@pytest.mark.alone  # a microphone waits for nobody
def test_who_interrupts_is_heard_at_once(lab: Lab, tmp_path: Path) -> None:
    asks, interrupts = question(tmp_path, "help"), question(tmp_path, "who has the printer")
    with lab.person() as alice, talks(lab, tmp_path / "heard.raw") as board:
        online(alice, board)
        mark = alice.now
        board.type(f"talk {asks}")
        board.did("play")
        board.type(f"talk {interrupts}")  # the answer takes longer than anything here
        later = board.behind(board.did("hush"))
        assert alice.body(EVENTS, mark, event="final", turn=2)["text"] == "who has the printer"
        board.shows(board.behind(board.did("play", later)), voice="quiet")


def test_an_announcement_is_played_as_mu_law(lab: Lab, tmp_path: Path) -> None:
    speaker = tmp_path / "heard.raw"
    with lab.person() as alice, talks(lab, speaker, "--speech", "mulaw_8k") as board:
        online(alice, board)
        plays(alice, "mulaw_8k")
        mark = alice.now
        _announce(alice, "Dinner is ready.")
        spoken = alice.body(EVENTS, mark, event="spoken")
        played = board.did("play")
        board.shows(board.behind(played), voice="quiet")
        assert len(speaker.read_bytes()) / 8 == pytest.approx(spoken["audio_ms"], abs=60)


def _announce(person: Person, text: str) -> None:
    person.say(f"{EVENTS}/request/{person.login.name}", {"id": "say", "action": "say", "text": text})
