"""A virtual board with microphone and loudspeaker: it speaks, listens to the answer, and measures both.

python -m tools.satellite --user speaker-1 --password-env SPEAKER_PASSWORD "what time is it" --save answer.wav
"""

import logging
import os
import threading
import time
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from queue import SimpleQueue
from typing import Any

import click

from backend.features.voice.frames import Codec
from backend.features.voice.messages import AUDIO, CONVERSATION, SPEECH, UTTERANCE
from backend.shell.voice.saving import wav
from tools.actor import Login
from tools.kinds import Kind
from tools.loudspeaker import Loudspeaker, Played
from tools.microphone import FAULTLESS, FRAME_MS, Faults, frames
from tools.simulator import Device
from tools.voice_models import speech

Json = Mapping[str, Any]

KIND = Kind("Virtual voice satellite", "talking", ("start", "stop", "identify"), lambda _wishes, _dice: ())
BUFFER_MS = 1000
_PAUSE_S = 0.2  # of silence before somebody speaks


@dataclass(slots=True)
class Talk:
    """One turn as the board has it: what it was told, what it played, and when. Times by the monotonic clock."""

    turn: int | None = None
    """None: the server numbers it."""
    said: str = ""
    """What somebody said, in words."""
    events: list[Json] = field(default_factory=list)
    played: Played = field(default_factory=Played)
    sent_at: float | None = None
    """When the last of the audio was on its way."""
    final_at: float | None = None
    answer_at: float | None = None
    sounds: threading.Event = field(default_factory=threading.Event)
    """Set with the first audio of the answer."""
    over: threading.Event = field(default_factory=threading.Event)
    """Set once all of the answer came, or an error."""

    def first(self, event: str) -> Json | None:
        """Return the first event of a kind, or None."""
        return next((each for each in self.events if each["event"] == event), None)

    def text(self, event: str) -> str | None:
        """Return the words of the first event of a kind: `final`, `answer`."""
        found = self.first(event)
        return None if found is None else found["text"]

    @property
    def code(self) -> str | None:
        """Why it failed, where it did."""
        failed = self.first("error")
        return None if failed is None else failed["code"]

    @property
    def figures(self) -> Mapping[str, float | None]:
        """How long after the end of the audio everything came, in ms."""
        moments = {"final": self.final_at, "answer": self.answer_at, "first_audio": self.played.first_at}
        return {name: self._after(moment) for name, moment in moments.items()}

    def line(self) -> str:
        """Return it on one line, with what was measured at the board."""
        took = ", ".join(f"{name} {ms:.0f} ms" for name, ms in self.figures.items() if ms is not None)
        if self.code is not None:
            return f"said {self.said!r}: {self.code} ({took})"
        return f"said {self.said!r}, heard {self.text('final')!r}, answered {self.text('answer')!r} ({took})"

    def wait(self, within_s: float) -> "Talk":
        """Return when it is over. Raises TimeoutError."""
        if not self.over.wait(within_s):
            raise TimeoutError(f"turn {self.turn} is not over after {within_s} s: {self.events}, {self.played}")
        return self

    def _after(self, moment: float | None) -> float | None:
        return None if moment is None or self.sent_at is None else (moment - self.sent_at) * 1000


class Satellite(Device):
    """A board that one talks to. ``pace``: how long a second of speech takes to be sent, in seconds."""

    def __init__(
        self,
        login: Login,
        *,
        ability: Mapping[str, Any] | None = None,
        pace: float = 1.0,
        voice: str = "en-us+m3",
        boots: Path | None = None,
    ) -> None:
        super().__init__(login, KIND, boots=boots)
        self._filters += (CONVERSATION.at(device=login.name), SPEECH.bound(device=login.name))
        self.talks: dict[int, Talk] = {}
        """All turns by number."""
        self.announcements: SimpleQueue[Talk] = SimpleQueue()
        self.voice = voice
        self._ability = {"speech": "pcm16_16k", "frame_bytes": 1400, "buffer_ms": BUFFER_MS, **(ability or {})}
        self.pace = pace
        self.speaker = Loudspeaker(self._ability["buffer_ms"])
        self._turn = 0
        self._numbered: deque[Talk] = deque()  # those that the server has yet to number
        self._waiting: deque[tuple[float, bytes]] = deque()
        self._speaking: Talk | None = None

    def converse(self, text: str, within_s: float = 30.0, codec: Codec = Codec.PCM16_16K) -> Talk:
        """Say something; return when the answer is over. Raises TimeoutError."""
        return self.say(text, codec).wait(within_s)

    def say(self, text: str, codec: Codec = Codec.PCM16_16K, faults: Faults = FAULTLESS) -> Talk:
        """Begin to say something; what is being said or answered is broken off."""
        return self.stream(self.spoken(text), codec, faults, text)

    def spoken(self, text: str) -> bytes:
        """Return the audio of somebody who says this."""
        return speech.silence(_PAUSE_S) + speech.speak(text, self.voice)

    def stream(self, pcm: bytes, codec: Codec = Codec.PCM16_16K, faults: Faults = FAULTLESS, said: str = "") -> Talk:
        """Begin a turn with this audio."""
        wires = faults.befall(frames(pcm, codec))
        talk = Talk(said=said)
        self.post(lambda: self._begin(talk, wires))
        return talk

    def whole(self, text: str) -> Talk:
        """Say something in one piece: a WAV file."""
        data, talk = wav(self.spoken(text)), Talk(said=text)

        def send() -> None:
            self._numbered.append(talk)
            talk.sent_at = time.monotonic()
            self.send(UTTERANCE.at(device=self.login.name), data)

        self.post(send)
        return talk

    def ended(self, talk: Talk) -> None:
        """Act on the end of a turn; in the actor's thread."""

    # The thread

    def prepare(self) -> Any:
        """Count turns anew, as each boot does."""
        self._turn, self.speaker = 0, Loudspeaker(self._ability["buffer_ms"])
        self.talks.clear()
        return super().prepare()

    def info(self) -> dict[str, Any]:
        """Return what the board says of itself, its loudspeaker included."""
        return {**super().info(), "audio": self._ability}

    def hear(self, topic: str, payload: bytes) -> None:
        """Play what is spoken; note what is told of a turn."""
        now, found = time.monotonic(), SPEECH.match(topic)
        if found is None:
            super().hear(topic, payload)
            return
        talk = self._talk(int(found["turn"]))
        self.speaker.take(int(found["turn"]), payload, talk.played, now)
        if talk.played.first_at is not None:
            talk.sounds.set()
        self._finish_if_over(talk)

    def receive(self, topic: str, body: Json) -> None:
        """Note what is told of a turn; all else is for the board."""
        if CONVERSATION.match(topic) is None:
            super().receive(topic, body)
            return
        now = time.monotonic()
        if body["event"] == "answer" and body["by"] == "announcement":  # it has no turn of its own
            self.talks[body["turn"]] = Talk(body["turn"])
            self.announcements.put(self.talks[body["turn"]])
        talk = self._talk(body["turn"])
        talk.events.append(body)
        match body["event"]:
            case "final":
                talk.final_at = now
            case "answer":
                talk.answer_at = now
        self._finish_if_over(talk)

    def due(self) -> float | None:
        """Return when the next frame, or whatever else a board does, is due."""
        moments = (super().due(), self._waiting[0][0] if self._waiting else None)
        return min((moment for moment in moments if moment is not None), default=None)

    def pass_time(self, now: float) -> None:
        """Send the frames that are due."""
        talk = self._speaking
        while talk is not None and self._waiting and self._waiting[0][0] <= now:
            if len(self._waiting) == 1:
                talk.sent_at = time.monotonic()
            self.send(AUDIO.at(device=self.login.name, turn=str(talk.turn)), self._waiting.popleft()[1])
        super().pass_time(now)

    def _begin(self, talk: Talk, wires: Sequence[bytes]) -> None:
        self._turn += 1
        talk.turn = self._turn
        self.talks[self._turn] = self._speaking = talk
        self.speaker.hush(self._turn)
        start, each_s = time.monotonic(), FRAME_MS / 1000 * self.pace
        self._waiting = deque((start + number * each_s, wire) for number, wire in enumerate(wires, 1))

    def _talk(self, turn: int) -> Talk:
        """Return the turn of this number; if there is none, it is one that the server numbered."""
        talk = self.talks.get(turn)
        if talk is None:
            talk = self._numbered.popleft() if self._numbered else Talk(turn)
            talk.turn = turn
            self.talks[turn] = talk
        self._turn = max(self._turn, turn)
        return talk

    def _finish_if_over(self, talk: Talk) -> None:
        is_over = talk.code is not None or (talk.played.ends > 0 and talk.first("spoken") is not None)
        if is_over and not talk.over.is_set():
            talk.over.set()
            if talk is self._speaking:
                self._waiting.clear()  # nobody listens any more
            self.ended(talk)


@click.command()
@click.argument("sentences", nargs=-1, required=True)
@click.option("--host", default="127.0.0.1", show_default=True, help="Where the server is.")
@click.option("--port", default=1883, show_default=True, help="Its MQTT port.")
@click.option("--user", required=True, help="The id of the device, which is the name it logs in with.")
@click.option("--password-env", default="TALKSTICK_PASSWORD", show_default=True, help="Variable with the password.")
@click.option("--voice", default="en-us+m3", show_default=True, help="Whose voice, as espeak-ng calls it.")
@click.option("--save", type=click.Path(dir_okay=False, path_type=Path), help="Where the last answer goes: a WAV file.")
def main(  # noqa: PLR0913, PLR0917 - one argument per option
    sentences: tuple[str, ...], host: str, port: int, user: str, password_env: str, voice: str, save: Path | None
) -> None:
    """Say SENTENCES to a board, one after the other, and show what comes back."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)-7s %(message)s")
    password = os.environ.get(password_env)
    if not password:
        raise click.UsageError(f"no password: set {password_env}")
    with Satellite(Login(user, password, host, port), voice=voice) as satellite:
        satellite.connected.wait()
        for sentence in sentences:
            talk = satellite.converse(sentence)
            click.echo(talk.line())
            if save is not None:
                save.write_bytes(talk.played.wav())


if __name__ == "__main__":
    main()
