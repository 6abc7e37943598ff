"""Many boards that are talked to at once, each with an owner of its own, and what must be true of it afterwards."""

import json
import queue
import secrets
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from backend.core.principals import Principal, Role
from backend.features.voice.messages import MAX_HISTORY, REPLY, REQUEST
from backend.shell.accounts import Accounts
from backend.shell.database import open_database
from tools.actor import Actor, Login, Message
from tools.chatter import Chatter
from tools.ports import HOST
from tools.satellite import Talk
from tools.server import Server

Json = Mapping[str, Any]

MODELS = Path(__file__).parent / "voice_models"
QUESTIONS = (
    "what time is it",
    "who has the printer",
    "what day is it",
    "how is the scale",
    "how long is the queue for the printer",
    "is the lamp free",
    "who is next for the scale",
    "can i take the printer",
    "who is using the lamp",
    "is the printer online",
)
_VOICES = ("en-us+m3", "en-us+f2", "en-us+m1", "en-us+f3")
_THINGS = {"printer-1": "Printer", "scale-1": "Scale", "lamp-1": "Lamp"}
_THINK_S = 0.5
_ANSWER_WITHIN_S = 60.0
_STUTTER_S = 1.0  # of a network, or of a busy machine: silence in an answer, or more of it than the buffer holds


@dataclass(frozen=True, slots=True)
class Guest:
    """Somebody beside a board, and the owner of it."""

    board: Login
    owner: Login
    number: int
    boots: Path
    """Where the board keeps its boot number, which must never be smaller than it was."""

    def chatter(self, pace: float = 1.0) -> Chatter:
        """Return the board, not started. Nobody else asks these questions in this order."""
        step = 1 + self.number % 3
        mine = [QUESTIONS[(self.number + turn * step) % len(QUESTIONS)] for turn in range(len(QUESTIONS))]
        voice = _VOICES[self.number % len(_VOICES)]
        return Chatter(self.board, mine, voice=voice, think_s=_THINK_S, pace=pace, boots=self.boots)


def settings(**more: object) -> dict[str, object]:
    """Return the settings of a server that hears."""
    return {"voice_models": json.dumps({"en": str(MODELS / "en")}), **more}


def invited(data: Path, port: int, number: int) -> list[Guest]:
    """Make the accounts, straight in the database."""
    database = open_database(data)
    accounts = Accounts(database)

    def login(name: str, role: Role, title: str, owner: str | None = None) -> Login:
        made = Login(name, secrets.token_urlsafe(16), HOST, port)
        accounts.add(Principal(name, role, title, owner), made.password, time.time(), generated=True)
        return made

    for name, title in _THINGS.items():
        login(name, Role.DEVICE, title)
    guests = []
    for at in range(1, number + 1):
        owner = login(f"owner-{at}", Role.USER, f"Owner {at}")
        board = login(f"speaker-{at}", Role.DEVICE, f"Speaker {at}", owner.name)
        guests.append(Guest(board, owner, at, data / f"{board.name}.boots"))
    database.dispose()
    return guests


class Owner(Actor):
    """The owner of a board, who may ask what was said to it."""

    def __init__(self, login: Login, board: str) -> None:
        super().__init__(login, [REPLY.at(device=board, principal=login.name)])
        self._replies: queue.SimpleQueue[Json] = queue.SimpleQueue()
        self._board = board

    def receive(self, topic: str, body: Json) -> None:
        """Keep an answer."""
        del topic
        self._replies.put(body)

    def ask(self, action: str, **more: Any) -> Json:
        """Ask; return the answer. Raises queue.Empty where none comes."""
        topic = REQUEST.at(device=self._board, principal=self.login.name)
        request = secrets.token_hex(8)
        self.post(lambda: self.publish(Message(topic, {"id": request, "action": action, **more})))
        while (reply := self._replies.get(timeout=_ANSWER_WITHIN_S)).get("id") != request:
            pass
        return reply

    def history(self) -> list[Json]:
        """Return all turns that are remembered, the oldest first."""
        turns: list[Json] = []
        more: dict[str, Any] = {}
        while page := self.ask("history", limit=MAX_HISTORY, **more)["turns"]:
            turns += page
            more = {"before": page[-1]["key"]}
        return turns[::-1]


@dataclass(frozen=True, slots=True)
class Told:
    """What one board had, and what its owner is told of it."""

    board: str
    talks: Sequence[Talk]
    asked: int
    history: Sequence[Json]

    def complaints(self) -> Iterator[str]:
        """Yield what is wrong."""
        if self.asked != len(self.talks):
            yield f"{self.board}: {self.asked - len(self.talks)} turns of {self.asked} were not answered"
        yield from (f"{self.board}: {talk.line()}" for talk in self.talks if talk.code is not None)
        had = [(talk.turn, talk.text("final"), talk.text("answer")) for talk in self.talks]
        told = [(turn["turn"], turn["heard"], turn["answer"]) for turn in self.history]
        if had[-len(told) :] != told or len(told) < min(len(had), MAX_HISTORY):  # the oldest may be forgotten
            yield f"{self.board}: had {had}, and its owner is told {told}"
        for talk in self.talks:
            played = talk.played
            stutter_s = max(played.silent_s, played.excess_s)
            heard = played.missing, played.repeated, played.stale, stutter_s > _STUTTER_S
            if any(heard) or (played.starts, played.ends) != (1, 1):
                yield f"{self.board}: the answer of turn {talk.turn} came badly: {played}"

    @property
    def understood(self) -> int:
        """How many turns were understood as they were said."""
        return sum(talk.said == talk.text("final") for talk in self.talks)


@contextmanager
def party(guests: Sequence[Guest]) -> Iterator[Sequence[Chatter]]:
    """Let all of them talk; they are there, and begin."""
    with ExitStack() as stack:
        chatters = [stack.enter_context(guest.chatter()) for guest in guests]
        for chatter in chatters:
            if not chatter.connected.wait(_ANSWER_WITHIN_S):
                raise TimeoutError(f"{chatter.login.name} cannot connect")
        yield chatters


def told(guests: Sequence[Guest], chatters: Sequence[Chatter]) -> list[Told]:
    """Wait until nobody talks any more; ask all owners what was said."""
    for chatter in chatters:
        chatter.finish()
    for chatter in chatters:
        chatter.quiet.wait(_ANSWER_WITHIN_S)  # else a turn is not answered
    found = []
    for guest, chatter in zip(guests, chatters, strict=True):
        with Owner(guest.owner, guest.board.name) as owner:
            owner.connected.wait(_ANSWER_WITHIN_S)
            found.append(Told(guest.board.name, chatter.over, len(chatter.asked), owner.history()))
    return found


@contextmanager
def hosted(data: Path, port: int, number: int, **more: object) -> Iterator[tuple[Server, list[Guest]]]:
    """Run a server that hears, for so many guests. Raises ServerError."""
    server = Server(data, port, settings(**more))
    guests = invited(data, port, number)
    with server.serving():
        yield server, guests
