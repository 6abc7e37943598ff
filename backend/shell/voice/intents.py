"""Answers without any network: what people say is one of the sentences that we know, or it is not understood."""

from asyncio import to_thread
from collections.abc import Mapping
from heapq import nsmallest

from backend.shell.voice.asking import Answer, Question, World
from backend.shell.voice.custom_intents import custom_intent
from backend.shell.voice.deeds import ABOUT_A_DEVICE, PLAIN, Turn
from backend.shell.voice.grammar import spoken_sentences
from backend.shell.voice.library import Library
from backend.shell.voice.naming import Names
from backend.shell.voice.understanding import NAME, Meaning, in_context, understand

_TELL = 4  # devices to choose from; more would be forgotten before the last one is said
_LOOK_AT = 50  # devices at most, to find the one that the speaker holds


class Intents:
    """The responder that needs nothing but its sentences."""

    def __init__(self, library: Library, world: World) -> None:
        """Answer with these sentences about this world."""
        self._library, self._world = library, world
        self._known: tuple[Mapping[str, str], Names] | None = None
        self._spoken: tuple[Mapping[str, str], dict[str, list[str]]] = ({}, {})

    @property
    def languages(self) -> frozenset[str]:
        """The languages in which it understands anything."""
        return self._library.languages

    def sentences(self, language: str) -> list[str]:
        """Return what people may say, for a recogniser that shall hear nothing else."""
        names = self._world.names()
        if self._spoken[0] is not names:
            self._spoken = names, {}
        _, known = self._spoken
        if language not in known:
            known[language] = spoken_sentences(self._library.book(language), names, self._library.words)
        return known[language]

    def no_chat(self, language: str) -> str:
        """Return what is said when only the chat endpoint could have answered, and did not."""
        return self._library.book(language).error("no_chat")

    async def answer(self, question: Question) -> Answer:
        """Return the answer; ``understood`` tells whether the sentence was one of ours."""
        book, names = self._library.book(question.language), await self._names()
        meaning = understand(book, names, question.text)
        if meaning is None:
            return Answer(book.error("not_understood"), "intents", understood=False)
        if meaning.intent in ABOUT_A_DEVICE and (meaning.intent == NAME or meaning.devices is None):
            meaning = in_context(book, names, meaning, question.history)
        if meaning.devices is not None and not meaning.devices:
            text = book.error("unknown_device", device=meaning.said)
            return Answer(text, "intents", meaning.intent, understood=False)
        return Answer(await self._done(Turn(question, book, self._world, meaning)), "intents", meaning.intent)

    async def _done(self, turn: Turn) -> str:
        meaning = turn.meaning
        if meaning.intent in PLAIN:
            return PLAIN[meaning.intent](turn)
        spec = turn.book.file.intents[meaning.intent]
        devices = self._narrowed(turn.question, meaning)
        if len(devices) > 1:
            return _which(turn, devices)
        thing = self._world.thing(next(iter(devices), turn.question.device))
        if meaning.intent not in ABOUT_A_DEVICE:
            return await custom_intent(turn, spec, thing)
        if thing is None:
            return turn.book.error("unknown_device", device=meaning.said or turn.question.device)
        return await ABOUT_A_DEVICE[meaning.intent](turn, thing)

    def _narrowed(self, question: Question, meaning: Meaning) -> frozenset[str]:
        """Return the devices that may be meant: of several the one that the speaker holds, where it holds one."""
        devices = meaning.devices or frozenset()
        if not 1 < len(devices) <= _LOOK_AT or question.speaker is None or meaning.intent == "Claim":
            return devices
        things = (self._world.thing(device) for device in devices)
        mine = frozenset(thing.id for thing in things if thing is not None and thing.holder == question.speaker)
        return mine if len(mine) == 1 else devices

    async def _names(self) -> Names:
        """Return the names of all devices, read again in a thread where there are others now: it takes a while."""
        now = self._world.names()
        if self._known is None or self._known[0] is not now:
            self._known = now, await to_thread(Names, now, self._library.words, self._library.fillers)
        return self._known[1]


def _which(turn: Turn, devices: frozenset[str]) -> str:
    names = turn.world.names()
    first = [names.get(device, device) for device in nsmallest(_TELL, devices)]
    if len(devices) > _TELL:
        return turn.book.error("which_of_many", count=len(devices))
    told = f"{', '.join(first[:-1])} {turn.book.error('or')} {first[-1]}"
    return turn.book.error("which", devices=told)
