"""Virtual devices: a scale, a printer and a lab probe that behave as real boards do.

python -m tools.simulator --user scale-1 --kind scale --password-env SCALE_PASSWORD
"""

import logging
import os
import random
import signal
import time
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from backend.features.presence.messages import HEARTBEAT, INFO, STATUS, TELEMETRY
from backend.features.sessions.messages import COMMAND, RESULT, SESSION
from tools.actor import Actor, Login, Message
from tools.kinds import KINDS, Kind, Step

Json = Mapping[str, Any]

_AGAIN_S = 3.0  # after its birth: a server that was away then, or did not know the device yet, hears it now


@dataclass(frozen=True, slots=True)
class Held:
    """What the board keeps of the document of a running session."""

    session: str | None
    fence: int
    input: Json
    output: Json
    complete: bool

    def is_handed_over_by(self, before: "Held | None") -> bool:
        """Tell whether this is the same session, perhaps of another holder: the work goes on."""
        return before is not None and self.session is not None and self.session == before.session


class Board:
    """What a device decides: when it works, when it stops, what it says. No I/O, no clock; times in seconds.

    ``fence`` is the highest one ever seen. A session begins with a higher one only, never lives again once it ended,
    and goes on when it is handed over. A command of any but the running one is dropped, and counted in ``dropped``;
    a document of a server that gives out fences again, since its database is an older one, in ``refused``.
    """

    def __init__(self, device: str, kind: Kind, speed: float = 1.0, dice: random.Random | None = None) -> None:
        self.fence = 0
        self.dropped = 0
        self.refused = 0
        self._device = device
        self._kind = kind
        self._speed = speed
        self._dice = dice or random.Random()
        self._revision = 0
        self._is_over = False
        self._session: str | None = None
        self._held: Held | None = None
        self._steps: deque[Step] = deque()
        self._due = 0.0
        self._final: Message | None = None
        self._final_may_be_lost = False

    def due(self) -> float | None:
        """Return when the step at work is done; None: the board is at rest."""
        return self._due if self._steps else None

    def tick(self, now: float) -> list[Message]:
        """Return the results of the steps that are done."""
        said = []
        while self._steps and self._due <= now:
            said.append(self._result(self._steps.popleft().output))
            self._await_step(self._due)
        return said

    def document(self, document: Json, now: float) -> list[Message]:
        """Act on the session document (empty: the topic was cleared)."""
        fence, revision = document.get("fence", self.fence), document.get("revision", self._revision)
        before, after = self._held, _held(document)
        is_late = (fence, revision) < (self.fence, self._revision) and (after is not None or before is None)
        if self._refuses(fence, after) or is_late:
            return []
        is_new = fence > self.fence or (before is None and not self._is_over)
        self.fence, self._revision, self._is_over = fence, revision, after is None
        self._session = after.session if after is not None else None if is_new else self._session
        if after is None or (is_new and not after.is_handed_over_by(before)):
            self._rest()
            self._held = after
            if after is not None and not after.complete and (document.get("type") or after.input):
                self._begin(now)
        elif before is not None:
            self._held = after
            return self._go_on(before, after, now)
        return []

    def _refuses(self, fence: int, held: Held | None) -> bool:
        """Count what an older server says. A fence that two sessions had, or that is over, is good for none."""
        is_another = held is not None and None not in (held.session, self._session) and held.session != self._session
        if fence == self.fence and (is_another or (held is not None and self._is_over)):
            self.fence, self._revision, self._held, self._session = fence + 1, 0, None, None
            self._is_over = False
            self._rest()
        self.refused += fence < self.fence
        return fence < self.fence

    def command(self, name: str, body: Json, now: float) -> list[Message]:
        """Obey the holder of the running session; drop and count everything else."""
        fence = body.get("fence")
        if self._held is None or type(fence) is not int or fence != self._held.fence:
            self.dropped += 1
            return []
        if name == "start":
            self._begin(now)
        elif name == "stop":
            self._rest()
        done = name in self._kind.commands
        return [Message(TELEMETRY.at(device=self._device), {"command": name, "done": done, "fence": fence}, qos=0)]

    def reconnecting(self) -> None:
        """Doubt that the last result arrived: if the next document does not know it, say it again."""
        self._final_may_be_lost = True

    def _go_on(self, before: Held, after: Held, now: float) -> list[Message]:
        """Begin again if the holder changed the input, or asked for another job with the same input."""
        asked_again = before.complete and not after.output  # an update of a finished session clears the output
        if not after.complete and (after.input != before.input or asked_again):
            self._begin(now)
        elif not after.complete and self._final is not None and self._final_may_be_lost:
            self._final_may_be_lost = False
            return [self._final]
        return []

    def _begin(self, now: float) -> None:
        self._rest()
        if self._held is not None:
            self._steps.extend(self._kind.work(self._held.input, self._dice))
            self._await_step(now)

    def _rest(self) -> None:
        self._steps.clear()
        self._final = None

    def _await_step(self, now: float) -> None:
        if self._steps:
            self._due = now + self._steps[0].takes_s / self._speed

    def _result(self, output: Json) -> Message:
        complete = not self._steps
        said = Message(RESULT.at(device=self._device), {"fence": self.fence, "output": output, "complete": complete})
        if complete:
            self._final, self._final_may_be_lost = said, False
        return said


def _held(document: Json) -> Held | None:
    if not document.get("in_use"):
        return None
    return Held(document["session"], document["fence"], document["input"], document["output"], document["complete"])


class Device(Actor):
    """A board with its radio. ``heartbeat_s`` in seconds; *boots*: a file that keeps the boot number."""

    def __init__(
        self, login: Login, kind: Kind, *, speed: float = 1.0, heartbeat_s: float = 30.0, boots: Path | None = None
    ) -> None:
        super().__init__(login, [SESSION.at(device=login.name), COMMAND.bound(device=login.name)])
        self.boot = int(boots.read_text()) if boots is not None and boots.exists() else 0
        self.board = Board(login.name, kind, speed)
        self._kind = kind
        self._speed = speed
        self._heartbeat_s = heartbeat_s
        self._heartbeat_at: float | None = None
        self._again_at: float | None = None
        self._boots = boots

    def start(self) -> None:
        """Boot: nothing is remembered but the boot number."""
        self.board = Board(self.login.name, self._kind, self._speed)
        super().start()

    def prepare(self) -> Message:
        """Count the connection, and make the last will that belongs to it."""
        self.board.reconnecting()
        self.boot += 1
        self._heartbeat_at = self._again_at = None
        if self._boots is not None:
            self._boots.write_text(f"{self.boot}\n")
        return self._status("lost")

    def introduce(self) -> None:
        """Say that the device is there, since it listens now, and what it is; and once more a little later."""
        self._say_who_it_is()
        now = time.monotonic()
        self._heartbeat_at, self._again_at = now + self._heartbeat_s, now + _AGAIN_S

    def info(self) -> dict[str, Any]:
        """Return what the board says of itself."""
        about = {"model": self._kind.model, "firmware": "simulator", "capabilities": list(self._kind.commands)}
        return {**about, "limits": {"max_payload": 4096}}

    def receive(self, topic: str, body: Json) -> None:
        """Give the board what came for it."""
        now = time.monotonic()
        command, refused = COMMAND.match(topic), self.board.refused
        self.publish(*(self.board.command(command["name"], body, now) if command else self.board.document(body, now)))
        if self.board.refused > refused:
            self.publish(self._status("online"))  # so that the server learns which fence it must be above

    def farewell(self) -> list[Message]:
        """Return the goodbye."""
        return [self._status("disconnected")]

    def due(self) -> float | None:
        """Return when the board, the heartbeat or the second introduction is next."""
        moments = (self.board.due(), self._heartbeat_at, self._again_at)
        return min((when for when in moments if when is not None), default=None)

    def pass_time(self, now: float) -> None:
        """Let the board work, and the heart beat."""
        self.publish(*self.board.tick(now))
        if self._again_at is not None and self._again_at <= now:
            self._again_at = None
            self._say_who_it_is()
        if self._heartbeat_at is not None and self._heartbeat_at <= now:
            self.publish(Message(HEARTBEAT.at(device=self.login.name), {"boot": self.boot}, qos=0))
            self._heartbeat_at = now + self._heartbeat_s

    def _say_who_it_is(self) -> None:
        self.publish(self._status("online"), Message(INFO.at(device=self.login.name), self.info(), retain=True))

    def _status(self, state: str) -> Message:
        known = {"fence": self.board.fence} if state == "online" and self.board.fence else {}
        return Message(STATUS.at(device=self.login.name), {"state": state, "boot": self.boot, **known}, retain=True)


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Where the server is.")
@click.option("--port", default=1883, show_default=True, help="Its MQTT port.")
@click.option("--user", required=True, help="The id of the device, which is the name it logs in with.")
@click.option("--password-env", default="TALKSTICK_PASSWORD", show_default=True, help="Variable with the password.")
@click.option("--password-file", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="Or its file.")
@click.option("--kind", type=click.Choice(sorted(KINDS)), default="scale", show_default=True, help="What it is.")
@click.option("--speed", type=click.FloatRange(min=0, min_open=True), default=1.0, show_default=True, help="Of work.")
@click.option("--boots", type=click.Path(dir_okay=False, path_type=Path), help="File that keeps the boot number.")
def main(  # noqa: PLR0913, PLR0917 - one argument per option
    host: str,
    port: int,
    user: str,
    password_env: str,
    password_file: Path | None,
    kind: str,
    speed: float,
    boots: Path | None,
) -> None:
    """Run one virtual device until Ctrl-C or SIGTERM."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)-7s %(message)s")
    password = password_file.read_text().strip() if password_file is not None else os.environ.get(password_env)
    if not password:
        raise click.UsageError(f"no password: set {password_env}, or give --password-file")
    ends = {signal.SIGINT, signal.SIGTERM}
    signal.pthread_sigmask(signal.SIG_BLOCK, ends)  # else one that comes right before the wait would be missed
    with Device(Login(user, password, host, port), KINDS[kind], speed=speed, boots=boots):
        signal.sigwait(ends)


if __name__ == "__main__":
    main()
