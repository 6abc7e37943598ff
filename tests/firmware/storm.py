"""A device in a bad place: its connection is cut, the broker is restarted, it loses power, and another takes its name.

Meanwhile two people use it in turn. What the device did is for `judge` to look at.
"""

import random
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from typing import Self

from tests.firmware.boards import Board, Json, Person
from tests.firmware.judge import Judge
from tests.firmware.lab import Lab
from tests.firmware.proxy import Proxy
from tests.rig import WITHIN_S

DEVICE = "besieged"
OPTIONS = ("--output", "relay:off", "--work", "60", "--heartbeat-ms", "300")
_LEASE_S = 20.0
_ANSWER_WITHIN_S = 1.0


class User(threading.Thread):
    """Claims, commands with the fence that it has and with old ones, gives back, and begins again."""

    def __init__(self, person: Person, dice: random.Random) -> None:
        super().__init__(name=person.login.name, daemon=True)
        self.person = person
        self.grants = 0
        self._dice = dice
        self._over = threading.Event()
        self._old = [0]

    def run(self) -> None:
        """Use the device until told to stop."""
        while not self._over.is_set():
            fence = self._claim()
            if fence is not None:
                self._use(fence)
                self._ask("release")
                self._old.append(fence)
            self._pause(0.05)

    def stop(self) -> None:
        """Stop, once what is begun has ended."""
        self._over.set()
        self.join()

    def _claim(self) -> int | None:
        answer = self._ask("claim", type="siege", lease_s=_LEASE_S)
        if answer is None or not answer["ok"]:
            return None
        self.grants += 1
        return int(answer["fence"])

    def _use(self, fence: int) -> None:
        for _ in range(self._dice.randint(2, 12)):
            self.person.command(DEVICE, "go", fence)
            self.person.command(DEVICE, "switch", fence, output="relay", on=self._dice.random() < 0.7)
            if self._dice.random() < 0.3:
                self.person.command(DEVICE, "forged", self._dice.choice(self._old))
            self._pause(0.03)

    def _ask(self, action: str, **body: object) -> Json | None:
        """Ask; return the answer, or None where it does not come."""
        request, after = f"{self.name}-{time.monotonic_ns()}", self.person.now
        message = {"id": request, "action": action, **body}
        self.person.say(f"devices/{DEVICE}/session/request/{self.name}", message)
        return self.person.heard.look_for(
            lambda line: line.get("id") == request and "ok" in line, after, _ANSWER_WITHIN_S
        )

    def _pause(self, mean_s: float) -> None:
        self._over.wait(self._dice.uniform(0, 2 * mean_s))


@dataclass
class Storm:
    """All that befalls the device. ``weights``: how often what does."""

    lab: Lab
    seed: int
    weights: dict[str, float]
    happened: Counter[str] = field(default_factory=Counter)
    forged: int = 0
    """How many commands of old sessions were slipped in behind the broker's back."""
    boots: list[list[Json]] = field(default_factory=list)
    """What each process wrote that was the device, in the order of their beginnings."""
    others: list[list[Json]] = field(default_factory=list)
    """What those wrote that took its name."""

    def __enter__(self) -> Self:
        self.dice = random.Random(self.seed)  # noqa: S311 - no secret
        self._stack = ExitStack()
        self.proxy = self._stack.enter_context(Proxy(self.lab.site.port))
        plain = self.lab.board(DEVICE, *OPTIONS, "--seed", str(self.seed))
        self.board = replace(plain, login=replace(plain.login, port=self.proxy.port))
        self._stack.callback(self._unplug)
        self.board.start()
        people = [self._stack.enter_context(self.lab.person(name)) for name in ("alice", "bob")]
        self.users = [User(person, random.Random(self.dice.random())) for person in people]  # noqa: S311
        for user in self.users:
            user.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self.calm()
        self._stack.close()

    def calm(self) -> None:
        """Let the people stop."""
        for user in self.users:
            user.stop()

    def strike(self, number: int) -> None:
        """Let so many things befall it."""
        acts: dict[str, Callable[[], None]] = {
            "reset": lambda: self.proxy.cut(reset=True),
            "finish": lambda: self.proxy.cut(reset=False),
            "stall": lambda: self.proxy.stall(self.dice.uniform(0.05, 0.6)),
            "power": self.power_cut,
            "take over": self._take_over,
            "broker": self._restart_broker,
        }
        for what in self.dice.choices(list(self.weights), list(self.weights.values()), k=number):
            self._forge()
            after = 0 if what == "power" else self.board.now
            acts[what]()
            self.happened[what] += 1
            if what != "stall" and self.dice.random() < 0.8:
                self._comes_back(after)
            else:
                threading.Event().wait(self.dice.uniform(0, 0.05))  # struck again, wherever it is

    def _comes_back(self, after: int) -> None:
        """Wait until it knows again who uses it; and a little longer, so that it is used."""
        topic = f"devices/{DEVICE}/session"
        back = self.board.heard.look_for(lambda line: line.get("topic") == topic and "event" in line, after, WITHIN_S)
        assert back is not None, f"it did not come back: {self.board.heard.lines[-20:]}"
        threading.Event().wait(self.dice.uniform(0, 0.15))

    def _forge(self) -> None:
        """Slip in what no broker would pass on: commands of sessions that are over, and one that was kept."""
        highest = max((line["fence"] for line in self.board.heard.lines[-200:] if "holder" in line), default=0)
        for fence in {0, highest - 1, self.dice.randint(0, max(0, highest - 1))}:
            body = f'{{"fence":{fence},"output":"relay","on":true}}'.encode()
            for name in ("forged", "switch"):
                self.forged += self.proxy.forge(f"devices/{DEVICE}/command/{name}", body)
        self.proxy.forge(f"devices/{DEVICE}/command/forged", f'{{"fence":{highest}}}'.encode(), retain=True)

    def power_cut(self) -> None:
        """Let the board lose its power, and begin again."""
        self._unplug()
        self.board.start()

    def _unplug(self) -> None:
        self.board.kill()
        lines = self.board.heard.lines
        self.board.heard = type(self.board.heard)(DEVICE)
        self.boots.append(lines)

    def _take_over(self) -> None:
        """Another with the same name and the same memory is there for a moment: a half-open connection, say."""
        other: Board = replace(self.board)
        with other:
            other.heard.look_for(lambda line: line.get("event") == "got", 0, 2.0)
            threading.Event().wait(self.dice.uniform(0, 0.2))
        self.others.append(other.heard.lines)

    def _restart_broker(self) -> None:
        mosquitto = self.lab.site.mosquitto
        if mosquitto is None:
            self.lab.site.talkstick.stop(self.dice.choice((signal.SIGKILL, signal.SIGTERM)))
            self.lab.site.talkstick.start()
        else:
            mosquitto.stop()
            mosquitto.start()

    def verdict(self) -> Judge:
        """Judge all that it did."""
        judge = Judge(DEVICE)
        for lines in [*self.boots, self.board.heard.lines]:
            judge.boot(lines)
        for lines in self.others:
            other = Judge(DEVICE)
            other.boot(lines)
            judge.complaints += other.complaints
        return judge
