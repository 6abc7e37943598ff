"""A small world to ask about: some devices, and what was done with them."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime

from backend.shell.voice.asking import Answer, Exchange, Outcome, Question, Thing
from backend.shell.voice.intents import Intents
from backend.shell.voice.library import Library

NAMES = {
    "printer-1": "Label printer",
    "kitchen-lamp": "Kitchen lamp",
    "lab-lamp": "Lab lamp",
    "scale-1": "Scale 1",
    "scale-2": "Scale 2",
    "satellite": "Door speaker",
}


class SmallWorld:
    """Devices that obey. ``refuses``: the code with which a deed is refused, by deed."""

    def __init__(self, names: Mapping[str, str] = NAMES) -> None:
        self.called: Mapping[str, str] = dict(names)
        self.things = {device: Thing(device, name, online=True) for device, name in names.items()}
        self.time = datetime(2026, 11, 20, 14, 5, tzinfo=UTC)
        self.deeds: list[tuple[object, ...]] = []
        self.refuses: dict[str, str] = {}

    def change(self, device: str, **what: object) -> None:
        self.things[device] = replace(self.things[device], **what)  # type: ignore[arg-type]

    def now(self) -> datetime:
        return self.time

    def names(self) -> Mapping[str, str]:
        return self.called

    def thing(self, device: str) -> Thing | None:
        return self.things.get(device)

    async def claim(self, device: str, speaker: str) -> Outcome:
        return self._deed("claim", device, speaker, holder=speaker, holder_name=speaker.title())

    async def release(self, device: str, speaker: str) -> Outcome:
        return self._deed("release", device, speaker, holder=None, holder_name=None)

    async def command(self, device: str, speaker: str, name: str, body: Mapping[str, object]) -> Outcome:
        assert self.things[device].holder == speaker
        return self._deed("command", device, speaker, name, dict(body))

    def _deed(self, deed: str, device: str, *what: object, **change: object) -> Outcome:
        self.deeds.append((deed, device, *what))
        if deed in self.refuses:
            return Outcome(ok=False, code=self.refuses[deed])
        self.change(device, **change)
        return Outcome(ok=True)


LIBRARY = Library()


def ask(
    world: SmallWorld,
    text: str,
    *,
    language: str = "en",
    speaker: str | None = "alice",
    history: Sequence[Exchange] = (),
    library: Library = LIBRARY,
) -> Answer:
    """Return what is answered."""
    question = Question("satellite", text, language, speaker, history=history)
    return asyncio.run(Intents(library, world).answer(question))


def converse(world: SmallWorld, *texts: str, language: str = "en") -> list[Answer]:
    """Return what is answered to each of several sentences, one after the other."""
    history: list[Exchange] = []
    answers: list[Answer] = []
    for text in texts:
        answers.append(ask(world, text, language=language, history=history))
        history.append(Exchange(text, answers[-1].text))
    return answers
