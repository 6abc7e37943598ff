"""The virtual board that one talks to, at a real broker, with a peer that answers with an echo."""

import queue
import time
from collections import deque
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from backend.core.clock import iso
from backend.features.presence.messages import INFO
from backend.features.voice.frames import Codec, Flag, Frame
from backend.features.voice.messages import AUDIO, CONVERSATION, SPEECH, UTTERANCE
from tests.rig import WITHIN_S
from tools.actor import Actor, Login, Message
from tools.brokers import Target, embedded
from tools.microphone import Faults
from tools.satellite import Satellite


class Echo(Actor):
    """Takes the part of the server: says what it heard, and says it aloud at the pace at which it plays."""

    def __init__(self, login: Login) -> None:
        super().__init__(login, [AUDIO.filter, UTTERANCE.filter])
        self.heard: dict[str, list[Frame]] = {}
        self.whole = b""
        self.pace_s = 0.02  # from one frame to the next
        self._due: deque[tuple[float, str, bytes]] = deque()

    def hear(self, topic: str, payload: bytes) -> None:
        found = AUDIO.match(topic)
        if found is None:
            self.whole = payload
            self._tell("error", 7, code="voice_off", message="it only hears frames")
            return
        frame = Frame.read(payload)
        self.heard.setdefault(found["turn"], []).append(frame)
        turn = int(found["turn"])
        if Flag.ABORT in frame.flags:
            self._tell("error", turn, code="aborted", message="given up")
        if Flag.END in frame.flags:
            self._tell("final", turn, text=f"echo {turn}", language="en", audio_ms=0, speech_ms=0, after_ms=0.0)
            self._tell("answer", turn, text=f"you said {turn}", by="intents", after_ms=0.0)
            self._due.clear()  # barge-in
            start, said = time.monotonic(), self.heard[found["turn"]]
            for number, each in enumerate(said):
                self._due.append(
                    (start + number * self.pace_s, SPEECH.at(device="speaker-1", turn=str(turn)), each.wire())
                )

    def due(self) -> float | None:
        return self._due[0][0] if self._due else None

    def pass_time(self, now: float) -> None:
        while self._due and self._due[0][0] <= now:
            _, topic, data = self._due.popleft()
            self.send(topic, data)
            if Flag.END in Frame.read(data).flags:
                self._tell("spoken", int(topic.rsplit("/", 1)[1]), frames=1, audio_ms=1, cached=False, first_audio_ms=1)

    def _tell(self, event: str, turn: int, **fields: Any) -> None:
        body = {"event": event, "turn": turn, "at": iso(time.time()), **fields}
        self.publish(Message(CONVERSATION.at(device="speaker-1"), body))


@pytest.fixture(scope="module")
def target(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Target]:
    with embedded(tmp_path_factory.mktemp("broker")) as running:
        yield running


@pytest.fixture
def echo(target: Target) -> Iterator[Echo]:
    with Echo(Login("echo", "-", port=target.port)) as peer:
        assert peer.connected.wait(WITHIN_S)
        yield peer


@pytest.fixture
def satellite(target: Target, echo: Echo) -> Iterator[Satellite]:
    with Satellite(Login("speaker-1", "-", port=target.port), pace=0.05) as board:
        assert echo.connected.is_set()
        assert board.connected.wait(WITHIN_S)
        yield board


def test_a_turn_is_heard_answered_played_and_measured(satellite: Satellite, echo: Echo) -> None:
    talk = satellite.converse("what time is it", WITHIN_S)
    assert talk.turn == 1
    assert (talk.text("final"), talk.text("answer"), talk.code) == ("echo 1", "you said 1", None)
    assert bytes(talk.played.audio) == b"".join(frame.payload for frame in echo.heard["1"])
    assert len(talk.played.audio) / 32_000 == pytest.approx(len(satellite.spoken("what time is it")) / 32_000, abs=0.2)
    assert (talk.played.starts, talk.played.ends, talk.played.missing, talk.played.repeated) == (1, 1, 0, 0)
    figures: Mapping[str, float] = {name: ms for name, ms in talk.figures.items() if ms is not None}
    assert 0 < figures["final"] <= figures["answer"]
    assert figures["first_audio"] > 0
    assert satellite.converse("thanks", WITHIN_S).turn == 2
    assert [frame.seq for frame in echo.heard["2"]] == list(range(len(echo.heard["2"])))


def test_it_says_what_its_loudspeaker_can_do(target: Target, satellite: Satellite) -> None:
    told: queue.Queue[Mapping[str, Any]] = queue.Queue()

    class Reader(Actor):
        def receive(self, topic: str, body: Mapping[str, Any]) -> None:
            assert topic == INFO.at(device=satellite.login.name)
            told.put(body)

    with Reader(Login("reader", "-", port=target.port), [INFO.at(device="speaker-1")]):
        audio = told.get(timeout=WITHIN_S)["audio"]
    assert audio == {"speech": "pcm16_16k", "frame_bytes": 1400, "buffer_ms": 1000}


@pytest.mark.alone
def test_it_is_sent_as_fast_as_somebody_speaks(target: Target, echo: Echo) -> None:
    assert echo.connected.is_set()
    with Satellite(Login("speaker-1", "-", port=target.port)) as board:
        assert board.connected.wait(WITHIN_S)
        begun = time.monotonic()
        talk = board.converse("thanks", WITHIN_S)
        lasts_s = len(board.spoken("thanks")) / 32_000
        assert talk.sent_at is not None
        assert lasts_s <= talk.sent_at - begun < lasts_s + 1
        assert talk.played.underruns <= 2, "the echo has no buffer in advance"


@pytest.mark.parametrize("codec", [Codec.PCM16_8K, Codec.MULAW_8K, Codec.OPUS], ids=lambda codec: codec.name)
def test_every_codec_comes_through(satellite: Satellite, echo: Echo, codec: Codec) -> None:
    talk = satellite.say("thanks", codec).wait(WITHIN_S)
    assert {frame.codec for frame in echo.heard[str(talk.turn)]} == {codec}
    assert sum(len(frame.payload) for frame in echo.heard[str(talk.turn)]) > 1000


def test_what_is_lost_or_given_up(satellite: Satellite, echo: Echo) -> None:
    satellite.say("thanks", faults=Faults(lost=[2, 3], repeated=[5])).wait(WITHIN_S)
    assert [frame.seq for frame in echo.heard["1"]][:6] == [0, 1, 4, 5, 5, 6]
    assert satellite.talks[1].played.missing == 2
    assert satellite.talks[1].played.repeated == 1
    given_up = satellite.say("thanks", faults=Faults(aborts_after=3)).wait(WITHIN_S)
    assert given_up.code == "aborted"
    assert len(echo.heard["2"]) == 4


def test_who_speaks_on_hears_nothing_of_the_old_answer(satellite: Satellite, echo: Echo) -> None:
    echo.pace_s, usual = WITHIN_S, echo.pace_s  # the old answer is not over before somebody speaks on
    first = satellite.say("what time is it")
    assert first.sounds.wait(WITHIN_S)
    echo.pace_s = usual
    second = satellite.say("thanks").wait(WITHIN_S)
    assert not first.over.is_set()
    assert first.played.ends == 0
    assert bytes(second.played.audio) == b"".join(frame.payload for frame in echo.heard["2"])


def test_a_whole_utterance_gets_the_turn_of_its_answer(satellite: Satellite, echo: Echo) -> None:
    talk = satellite.whole("thanks").wait(WITHIN_S)
    assert echo.whole.startswith(b"RIFF")
    assert (talk.turn, talk.code) == (7, "voice_off")
    assert satellite.say("thanks").wait(WITHIN_S).turn == 8
    assert [turn for turn in satellite.talks if turn > 6] == [7, 8]


def test_after_a_lost_connection_it_counts_anew(satellite: Satellite, target: Target) -> None:
    boot = satellite.boot
    satellite.converse("thanks", WITHIN_S)
    satellite.connected.clear()
    satellite.drop_connection()
    assert satellite.connected.wait(WITHIN_S)
    assert satellite.boot == boot + 1
    assert target.port == satellite.login.port
    assert satellite.converse("thanks", WITHIN_S).turn == 1


def test_the_answer_is_saved(satellite: Satellite, tmp_path: Path) -> None:
    saved = tmp_path / "answer.wav"
    saved.write_bytes(satellite.converse("thanks", WITHIN_S).played.wav())
    assert saved.stat().st_size > 10_000
