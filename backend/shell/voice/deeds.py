"""What our intents do, and what they answer."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from backend.shell.voice.asking import Outcome, Question, Thing, World
from backend.shell.voice.phrasebook import Phrasebook
from backend.shell.voice.spoken_time import duration, time_case
from backend.shell.voice.understanding import Meaning

SWITCH = "switch"
"""The command that switches a device: its body is ``{"on": true}``."""


@dataclass(frozen=True, slots=True)
class Turn:
    """A question that was understood, and all that is needed to do what it asks."""

    question: Question
    book: Phrasebook
    world: World
    meaning: Meaning

    def say(self, case: str = "default", **values: object) -> str:
        """Return the answer of the intent."""
        return self.book.answer(self.meaning.intent, case, **values)

    def about(self, thing: Thing, case: str) -> str:
        """Return the answer of the intent about a device."""
        return self.say(case, device=thing.name, holder=thing.holder_name or thing.holder or "")

    def cannot(self, thing: Thing, code: str) -> str:
        """Return why something cannot be done with a device."""
        now = self.world.thing(thing.id) or thing
        return self.book.error(code, device=now.name, holder=now.holder_name or now.holder or "")

    def use(self, thing: Thing) -> str:
        """Return the case that tells who has a device."""
        if thing.holder is None:
            return "free"
        return "yours" if thing.holder == self.question.speaker else "held"


def _time(turn: Turn) -> str:
    now = turn.world.now()
    case = time_case(now, lambda case: turn.book.says("Time", case))
    return turn.say(case, hour=now.hour, minute=f"{now.minute:02d}")


def _date(turn: Turn) -> str:
    now = turn.world.now()
    months, weekdays = turn.book.months, turn.book.weekdays
    return turn.say(weekday=weekdays[now.weekday()], day=now.day, month=months[now.month - 1], year=now.year)


def _repeat(turn: Turn) -> str:
    history = turn.question.history
    return history[-1].answer if history else turn.say("none")


async def _who_has(turn: Turn, thing: Thing) -> str:
    return turn.about(thing, turn.use(thing))


async def _status(turn: Turn, thing: Thing) -> str:
    use = turn.book.answer("Status", turn.use(thing), device=thing.name, holder=thing.holder_name or thing.holder or "")
    return use if thing.online else f"{use} {turn.book.answer('Status', 'offline')}"


async def _queue(turn: Turn, thing: Thing) -> str:
    if thing.holder is None and not thing.waiting:
        return turn.about(thing, "free")
    told = [turn.about(thing, turn.use(thing))] if thing.holder is not None else []
    case = {0: "none", 1: "one"}.get(thing.waiting, "many")
    told.append(turn.say(case, count=thing.waiting, next=thing.next_name or ""))
    if thing.eta_s is not None and thing.holder != turn.question.speaker:
        told.append(turn.say("eta", time=duration(turn.book, thing.eta_s)))
    return " ".join(told)


async def _claim(turn: Turn, thing: Thing) -> str:
    """Claim a device, and tell for how long: nobody renews what was claimed by voice."""
    refused = await claimed(turn, thing)
    if refused is not None:
        return refused
    now = turn.world.thing(thing.id) or thing
    if now.ends_s is None:
        return turn.about(thing, "default")
    return turn.say("ends", device=thing.name, time=duration(turn.book, now.ends_s))


async def _release(turn: Turn, thing: Thing) -> str:
    speaker = turn.question.speaker
    if speaker is None:
        return turn.book.error("nobody")
    if thing.holder is None:
        return turn.about(thing, "free")
    if thing.holder != speaker:
        return turn.cannot(thing, "not_holder")
    return _trouble(turn, thing, await turn.world.release(thing.id, speaker)) or turn.about(thing, "default")


async def _switch(turn: Turn, thing: Thing) -> str:
    on = bool(turn.meaning.slots["on"])
    return await commanded(turn, thing, SWITCH, {"on": on}) or turn.about(thing, "on" if on else "off")


async def claimed(turn: Turn, thing: Thing) -> str | None:
    """Claim a device for the speaker; return why that did not work, if it did not, or need not."""
    speaker = turn.question.speaker
    if speaker is None:
        return turn.book.error("nobody")
    if thing.holder == speaker:
        return turn.book.answer("Claim", "yours", device=thing.name)
    if thing.holder is not None:
        return turn.cannot(thing, "busy")
    return _trouble(turn, thing, await turn.world.claim(thing.id, speaker))


async def commanded(turn: Turn, thing: Thing, name: str, body: Mapping[str, object]) -> str | None:
    """Send a command, in a session for it alone where the speaker has none; return why it did not work, if so."""
    speaker = turn.question.speaker
    if speaker is not None and thing.holder == speaker:
        return _trouble(turn, thing, await turn.world.command(thing.id, speaker, name, body))
    refused = await claimed(turn, thing)
    if refused is not None or speaker is None:
        return refused
    try:
        return _trouble(turn, thing, await turn.world.command(thing.id, speaker, name, body))
    finally:
        await turn.world.release(thing.id, speaker)


def _trouble(turn: Turn, thing: Thing, outcome: Outcome) -> str | None:
    return None if outcome.ok else turn.cannot(thing, outcome.code)


PLAIN: Mapping[str, Callable[[Turn], str]] = {
    "Time": _time,
    "Date": _date,
    "Repeat": _repeat,
    "Stop": Turn.say,
    "Hello": Turn.say,
    "Thanks": Turn.say,
    "Help": Turn.say,
}
"""Intents that need no device."""

ABOUT_A_DEVICE: Mapping[str, Callable[[Turn, Thing], Awaitable[str]]] = {
    "WhoHas": _who_has,
    "Claim": _claim,
    "Release": _release,
    "Status": _status,
    "Queue": _queue,
    "Switch": _switch,
    "Name": _status,
}
"""Intents about one device; the one that was spoken of last, or the one that listens, where none is named."""
