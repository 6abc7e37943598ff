"""Virtual people: each wants a device, waits for its turn, uses it, gives it back, and does something else."""

import random
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import cycle
from typing import Any

from backend.features.clients.messages import STATUS
from backend.features.sessions.messages import COMMAND, REPLY, REQUEST, SESSION
from backend.features.stats.messages import STATUS as BACKEND
from tools.actor import Actor, Login, Message

Json = Mapping[str, Any]

_ASK_AGAIN_S = 10.0


@dataclass(frozen=True, slots=True)
class Errand:
    """What somebody wants of a device, and the command to give first, if any."""

    device: str
    type: str
    input: Json = field(default_factory=dict)
    command: str | None = None


class Visitor:
    """What a person does next: one errand after the other, again and again. No I/O, no clock; times in seconds.

    A request is sent again, with the same id, until it is answered; the session document tells when the work is done,
    or that the session ended unasked.
    """

    def __init__(self, name: str, errands: Sequence[Errand], pause_s: float, dice: random.Random | None = None) -> None:
        self.granted = 0
        self.completed = 0
        self._name = name
        self._errands = cycle(errands)
        self._pause_s = pause_s
        self._dice = dice or random.Random()
        self._documents: dict[str, Json] = {}
        self._errand: Errand | None = None
        self._fence: int | None = None
        self._asked: Message | None = None
        self._due: float | None = 0.0

    def due(self) -> float | None:
        """Return when `tick` must be called; None: not before a message comes."""
        return self._due

    def tick(self, now: float) -> list[Message]:
        """Want something new, ask once more, or give back what is not needed any longer."""
        if self._due is None or now < self._due:
            return []
        self._due = now + _ASK_AGAIN_S
        if self._asked is None and self._errand is not None:
            self._asked = self._request(self._errand, {"action": "release", "fence": self._fence})
        elif self._asked is None:
            self._errand = next(self._errands)
            wishes = {"action": "claim", "wait": True, "type": self._errand.type, "input": self._errand.input}
            self._asked = self._request(self._errand, wishes)
        return self.open_request()

    def open_request(self) -> list[Message]:
        """Return the request that was not answered, if there is one."""
        return [] if self._asked is None else [self._asked]

    def reply(self, body: Json, now: float) -> list[Message]:
        """Act on the answer to the request that is open."""
        if self._asked is None or self._errand is None or body.get("id") != self._asked.body["id"]:
            return []
        code = body.get("code")
        if code == "queued":
            return []
        if code != "granted":  # released, or refused
            self._go_elsewhere(now)
            return []
        self.granted += 1
        self._fence, self._asked, self._due = body["fence"], None, None
        errand = self._errand
        self._look(errand, now)
        if errand.command is None or self._fence is None:  # no command to give, or the session is over already
            return []
        return [Message(COMMAND.at(device=errand.device, name=errand.command), {"fence": self._fence})]

    def document(self, device: str, document: Json, now: float) -> None:
        """Take note of a session document."""
        self._documents[device] = document
        if self._errand is not None and self._errand.device == device:
            self._look(self._errand, now)

    def farewell(self) -> Message | None:
        """Return the request that gives back the device, or the place in the queue, if there is one."""
        if self._errand is None:
            return None
        if self._fence is None:
            return self._request(self._errand, {"action": "leave"})
        return self._request(self._errand, {"action": "release", "fence": self._fence})

    def _look(self, errand: Errand, now: float) -> None:
        """See in the session document whether the work is done, or the session over."""
        document = self._documents.get(errand.device, {})
        if self._fence is None or document.get("fence", 0) < self._fence:
            return
        if document.get("fence") != self._fence or document.get("holder") != self._name:
            self._go_elsewhere(now)
        elif document.get("complete") and self._asked is None and self._due is None:
            self.completed += 1
            self._due = now + self._some(self._pause_s) / 3  # reading the result

    def _go_elsewhere(self, now: float) -> None:
        self._errand = self._fence = self._asked = None
        self._due = now + self._some(self._pause_s)

    def _some(self, seconds: float) -> float:
        return seconds * self._dice.uniform(0.5, 1.5)

    def _request(self, errand: Errand, body: Json) -> Message:
        topic = REQUEST.at(device=errand.device, principal=self._name)
        return Message(topic, {"id": f"{self._dice.getrandbits(64):016x}", **body})


class Person(Actor):
    """A visitor with a phone, which says that it is there, whenever the backend is.

    ``pause_s``: for about how long the visitor does something else between two errands.
    """

    def __init__(self, login: Login, errands: Sequence[Errand], *, pause_s: float = 3.0) -> None:
        devices = sorted({errand.device for errand in errands})
        sessions = [SESSION.at(device=device) for device in devices]
        super().__init__(login, [REPLY.bound(principal=login.name), BACKEND.at(), *sessions])
        self.visitor = Visitor(login.name, errands, pause_s)
        self._boot = 0

    def prepare(self) -> Message:
        """Count the connection, and make the last will that belongs to it."""
        self._boot += 1
        return self._status("lost")

    def introduce(self) -> None:
        """Ask again what the lost connection may have lost."""
        self.publish(*self.visitor.open_request())

    def receive(self, topic: str, body: Json) -> None:
        """Give the visitor what came for it."""
        now = time.monotonic()
        session = SESSION.match(topic)
        if topic == BACKEND.at():
            if body.get("state") == "online":
                self.publish(self._status("online"))
        elif session is not None:
            self.visitor.document(session["device"], body, now)
        else:
            self.publish(*self.visitor.reply(body, now))

    def farewell(self) -> list[Message]:
        """Return the visitor's goodbye, and the phone's."""
        last = self.visitor.farewell()
        return [*([last] if last is not None else []), self._status("disconnected")]

    def due(self) -> float | None:
        """Return when the visitor is next; without a connection it waits."""
        return self.visitor.due() if self.connected.is_set() else None

    def pass_time(self, now: float) -> None:
        """Let the visitor act."""
        self.publish(*self.visitor.tick(now))

    def _status(self, state: str) -> Message:
        topic = STATUS.at(principal=self.login.name, client="phone")
        return Message(topic, {"state": state, "boot": self._boot}, retain=True)
