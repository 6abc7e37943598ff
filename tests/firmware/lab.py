"""A server with its broker, the people in it, and its boards: a new device for each test."""

import json
import signal
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.brokers.brokers import Site, embedded, with_mosquitto
from tests.firmware.boards import Board, Person
from tools.actor import Login

HOST = "127.0.0.1"
START: dict[str, Callable[..., AbstractContextManager[Site]]] = {"embedded": embedded, "mosquitto": with_mosquitto}


@dataclass
class Lab:
    """Where boards and people meet."""

    site: Site
    program: Path
    directory: Path
    operator: Person

    def login(self, name: str) -> Login:
        """Return somebody's login."""
        return Login(name, self.site.talkstick.passwords[name], HOST, self.site.port)

    def person(self, name: str = "alice") -> Person:
        """Return somebody who hears of all devices."""
        return Person(self.login(name), "devices/#", "triggers/#")

    def board(self, name: str, *options: str) -> Board:
        """Return a board, not switched on, and provision it where it is not yet: the server may notice it later."""
        if name not in self.site.talkstick.passwords:
            self.site.talkstick.device(name)
        return Board(self.program, self.login(name), self.directory / f"{name}.state", options)

    def stop_broker(self) -> None:
        """Let the broker be gone at once."""
        if self.site.mosquitto is None:
            self.site.talkstick.stop(signal.SIGKILL)
        else:
            self.site.mosquitto.stop()

    def start_broker(self) -> None:
        """Let it run again; return when the server is there, too."""
        if self.site.mosquitto is None:
            self.site.talkstick.start()
        else:
            self.site.mosquitto.start()
        assert self.operator.insist("backend", action="stats")["ok"]


@contextmanager
def opened(site: Site, program: Path, directory: Path) -> Iterator[Lab]:
    """Make a lab of a server that runs."""
    login = Login("admin", site.talkstick.passwords["admin"], HOST, site.port)
    with Person(login, "devices/+/presence", "backend/reply/admin") as operator:
        yield Lab(site, program, directory, operator)


def online(person: Person, board: Board, after: int | None = None) -> int:
    """Wait until a person knows of a board's birth, since its last start or later; return its boot number."""
    topic = f"devices/{board.login.name}/status"
    born = json.loads(board.did("publish", board.booted if after is None else after, topic=topic)["payload"])
    return int(person.finds(board.login.name, "online", boot=born["boot"])["boot"])


def granted(person: Person, board: Board, after: int | None = None, **more: object) -> int:
    """Claim a device once it is there, since its last start or later; return the fence."""
    online(person, board, after)
    answer = person.ask(board.login.name, "claim", **more)
    assert answer["code"] == "granted", answer
    return int(answer["fence"])
