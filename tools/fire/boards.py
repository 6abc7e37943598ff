"""Boards under fire, and those who watch: they write down what they hear."""

import json
import random
from collections.abc import Mapping, Sequence
from typing import Any

from tools.actor import Login
from tools.fire.history import History
from tools.fire.member import Member
from tools.lean import Hello

_PUBLIC = {
    "devices": ("session", "session/event"),
    "channels": ("session", "session/event", "broadcast"),
}
_LONG_S = (0.5, 1.5)  # so long that the board counts as lost


class Board(Member):
    """A board: it boots with each connection, obeys the holder, and never an older fence than it has seen.

    Every second one keeps its MQTT session: what was sent while it was away comes late. Every third one confirms that
    it is clean, after each session.
    """

    def __init__(self, login: Login, history: History, dice: random.Random, number: int) -> None:
        super().__init__(login, history, dice)
        self.clean = number % 2 == 0
        self._cleans = number % 3 == 0
        self.floor = f"devices/{self.name}"
        self.filters = (f"{self.floor}/session", f"{self.floor}/command/+")
        self._boot = 0
        self._fence = 0

    def hello(self) -> Hello:
        """Count the boot; the last will belongs to it."""
        self._boot += 1
        will = json.dumps({"state": "lost", "boot": self._boot}).encode()
        return Hello(f"{self.name}-radio", self.clean, will=(f"{self.floor}/status", will))

    def pause_s(self) -> float:
        """Come back soon, or, now and then, late."""
        return self.dice.uniform(*_LONG_S) if self.dice.random() < 0.15 else super().pause_s()

    def arrive(self) -> None:
        """Say that it is there."""
        self.say(f"{self.floor}/status", {"state": "online", "boot": self._boot}, retain=True)
        self.say(f"{self.floor}/info", {"model": "board under fire", "clean_step": self._cleans}, retain=True)

    def hear(self, topic: str, body: Mapping[str, Any], *, retained: bool) -> None:
        """Take a document, or obey."""
        fence = body.get("fence", 0)
        if topic == f"{self.floor}/session":
            self.history.note("document", self.name, conn=self.conn, floor=self.floor, retained=retained, body=body)
            if body.get("state") == "resetting":
                self.say(f"{self.floor}/result", {"fence": fence, "reset": True})
        else:
            obeyed = fence >= self._fence
            self.history.note("command", self.name, conn=self.conn, floor=self.floor, body=body, obeyed=obeyed)
            if obeyed:
                self._work(fence, body)
        self._fence = max(self._fence, fence)

    def _work(self, fence: int, command: Mapping[str, Any]) -> None:
        done = self.dice.random() < 0.1
        self.say(f"{self.floor}/result", {"fence": fence, "output": {"n": command.get("n")}, "complete": done})


class Watcher(Member):
    """Hears all that is public of these floors."""

    def __init__(self, login: Login, history: History, dice: random.Random, floors: Sequence[str]) -> None:
        super().__init__(login, history, dice)
        kinds = sorted({floor.partition("/")[0] for floor in floors})
        self.filters = tuple(f"{kind}/+/{what}" for kind in kinds for what in _PUBLIC[kind])
        self.documents: dict[str, Mapping[str, Any]] = {}
        """The last document of each floor."""

    def hear(self, topic: str, body: Mapping[str, Any], *, retained: bool) -> None:
        """Write it down."""
        kind, name, what, *rest = topic.split("/")
        floor = f"{kind}/{name}"
        what = "event" if rest else {"session": "document"}.get(what, what)
        if what == "document":
            self.documents[floor] = body
        self.history.note(what, self.name, conn=self.conn, floor=floor, retained=retained, body=body)
