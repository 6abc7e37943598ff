"""A hall that notices who comes: a motion sensor, a door, a lamp, a voice; what they do is told in `hall.yaml`."""

import queue
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from backend.features.presence.messages import TELEMETRY
from backend.features.sessions.messages import COMMAND
from backend.features.stats.messages import STATUS as BACKEND
from backend.features.triggers.messages import TRIGGER
from tools.actor import Actor, Login, Message
from tools.kinds import Kind
from tools.satellite import Satellite, Talk
from tools.simulator import Device

Json = Mapping[str, Any]
Lines = queue.SimpleQueue[str]

SETUP = Path(__file__).with_suffix(".yaml")
SENSOR, LAMP, VOICE, BRIDGE = "pir-1", "lamp-1", "hall-1", "zigbee"
BOARDS = {SENSOR: "Motion sensor", LAMP: "Hall lamp", VOICE: "Hall"}
FOREIGN = ("zigbee2mqtt/#", "hall/#")
"""The topics outside of Talkstick's tree."""
HALL = "hall"
DOOR = "zigbee2mqtt/front-door"

PIR = Kind("Virtual motion sensor", "sensing", (), lambda _wishes, _dice: ())
BULB = Kind("Virtual lamp", "lighting", ("switch",), lambda _wishes, _dice: ())

_BEGIN_S = 2.0
_REPEATED = 3  # at least, while somebody is there
_BYTES_A_S = 32_000  # of the audio that is played


class Cue(NamedTuple):
    """Something is so, or no longer, and then nothing happens for a while, in seconds."""

    active: bool
    pause_s: float


# Somebody comes in, by the door and into the sight of a sensor that cannot make up its mind, and is gone after a while.
OPENS = (Cue(active=True, pause_s=3.0), Cue(active=False, pause_s=34.0))
MOVES = (
    *(Cue(active, 0.3) for active in (True, False, True, False)),
    Cue(active=True, pause_s=1.0),
    Cue(active=False, pause_s=0.4),
    Cue(active=True, pause_s=4.4),
    Cue(active=False, pause_s=30.0),
)


PERIOD_S = sum(cue.pause_s for cue in MOVES)


class Scripted(Actor):
    """Somebody who shows one thing after the other, and then all of it again. ``rounds``: how often to the end."""

    cues: Sequence[Cue] = ()
    rounds = 0
    begun = 0
    _place = 0
    _at: float | None = None

    def introduce(self) -> None:
        """Begin, in a moment."""
        super().introduce()
        self._place, self._at = 0, time.monotonic() + _BEGIN_S

    def due(self) -> float | None:
        """Return when the next thing is shown, or whatever else is due."""
        return min((moment for moment in (super().due(), self._at) if moment is not None), default=None)

    def pass_time(self, now: float) -> None:
        """Show what is due."""
        super().pass_time(now)
        if self._at is not None and self._at <= now:
            cue = self.cues[self._place]
            self.begun += self._place == 0
            self._place = (self._place + 1) % len(self.cues)
            self.rounds += self._place == 0
            self._at += cue.pause_s
            self.show(active=cue.active)

    def show(self, *, active: bool) -> None:
        """Show one thing."""


class Sensor(Scripted, Device):
    """A board that sees whether somebody moves, and owns the trigger that tells so."""

    cues = MOVES

    def __init__(self, login: Login, lines: Lines) -> None:
        super().__init__(login, PIR)
        self._lines = lines

    def show(self, *, active: bool) -> None:
        """Tell whether somebody moves."""
        self.publish(Message(TRIGGER.at(trigger=HALL), {"active": active, "data": {"lux": 12}}, retain=True))
        self._lines.put(line(self.login.name, "sees motion" if active else "sees nobody"))


class Door(Scripted):
    """A door that tells in the words of Zigbee2MQTT whether it is closed, and knows nothing of Talkstick."""

    cues = OPENS

    def __init__(self, login: Login, lines: Lines) -> None:
        super().__init__(login, [BACKEND.at()])
        self._lines = lines

    def show(self, *, active: bool) -> None:
        """Tell whether the door is closed."""
        self.publish(Message(DOOR, {"contact": not active, "battery": 87}))
        self._lines.put(line(self.login.name, f"front door {'open' if active else 'closed'}"))


class Lamp(Device):
    """A board with a lamp that whoever holds it may switch."""

    def __init__(self, login: Login, lines: Lines) -> None:
        super().__init__(login, BULB)
        self.switched: list[bool] = []
        """Whether it was switched on, or off, each time."""
        self._lines = lines

    def receive(self, topic: str, body: Json) -> None:
        """Let the board judge what came; switch, if it is from the holder."""
        command, dropped = COMMAND.match(topic), self.board.dropped
        super().receive(topic, body)
        if command is not None and command["name"] == "switch" and self.board.dropped == dropped:
            self.switched.append(body.get("on") is True)
            self.publish(Message(TELEMETRY.at(device=self.login.name), {"on": self.switched[-1]}, retain=True))
            self._lines.put(line(self.login.name, f"{'on' if self.switched[-1] else 'off'} (fence {body['fence']})"))


class Announcer(Satellite):
    """A board that nobody talks to, and that says what it is to say."""

    def __init__(self, login: Login, lines: Lines) -> None:
        super().__init__(login)
        self.said: list[Talk] = []
        self._lines = lines

    def ended(self, talk: Talk) -> None:
        """Note what was said."""
        self.said.append(talk)
        seconds = len(talk.played.audio) / _BYTES_A_S
        self._lines.put(line(self.login.name, f"said {talk.text('answer')!r} ({seconds:.1f} s of audio)"))


class Hall:
    """All that is in the hall. ``lines`` tell what happens there."""

    def __init__(self, logins: Mapping[str, Login]) -> None:
        self.lines: Lines = queue.SimpleQueue()
        self.sensor = Sensor(logins[SENSOR], self.lines)
        self.door = Door(logins[BRIDGE], self.lines)
        self.lamp = Lamp(logins[LAMP], self.lines)
        self.voice = Announcer(logins[VOICE], self.lines)

    @property
    def actors(self) -> Sequence[Actor]:
        """Everybody, those first whom the others need."""
        return [self.lamp, self.voice, self.sensor, self.door]

    def complaint(self, profiles: Mapping[tuple[str, str], Json]) -> str | None:
        """Return what went wrong, if something did; *profiles* are the last documents, by trigger and profile."""
        begun, over, said = self.sensor.begun, self.sensor.rounds, len(self.voice.said)
        lights = profiles.get((HALL, "lights"), {}).get("counts", {"started": 0, "ended": 0, "repeated": 0})
        is_over = lights["started"] == lights["ended"] and self.lamp.switched[-1:] == [False]
        wrong = {
            "nobody came, and left again": not over,
            f"somebody came {begun} times, and was greeted {said} times": not over <= said <= begun,
            "a greeting was not to be heard": not all(talk.played.audio for talk in self.voice.said),
            "the lamp was not switched on": True not in self.lamp.switched,
            "everybody left, and the lamp is on, or watched over, still": begun == over and not is_over,
            f"the lamp was watched over {lights['repeated']} times only": lights["repeated"] < _REPEATED * over,
        }
        return next((what for what, is_so in wrong.items() if is_so), None)


def line(who: str, what: str) -> str:
    """Return a line about something that happened now."""
    return f"{time.strftime('%H:%M:%S')}  {who:10} {what}"
