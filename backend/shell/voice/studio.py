"""All that hears, answers and speaks, put together."""

import asyncio
import logging
import os
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from functools import partial
from typing import Any

from backend.core.engine import Send
from backend.core.measures import VoiceCount
from backend.core.refusals import Code, Refused
from backend.shell.outbox import Outbox
from backend.shell.surroundings import Surroundings
from backend.shell.voice.conversing import Conversing
from backend.shell.voice.dialogue import Dialogue
from backend.shell.voice.encoding import Encoder
from backend.shell.voice.hearing import Ears
from backend.shell.voice.listening import Listening
from backend.shell.voice.memory import Memory
from backend.shell.voice.models import installed
from backend.shell.voice.places import Places
from backend.shell.voice.recordings import FOLDER, Recordings
from backend.shell.voice.responding import opened
from backend.shell.voice.saying import Saying
from backend.shell.voice.speaking import Speakers, SpeakersError
from backend.shell.voice.worker import Speech, Voice
from backend.shell.voice.world import House

log = logging.getLogger(__name__)

_SWEEP_S = 3600.0

Work = Callable[[], Coroutine[Any, Any, None]]


class Outgoing:
    """What is said at once goes out in order, without anybody waiting for it."""

    def __init__(self) -> None:
        self._sends: list[Send] = []
        self._news = asyncio.Event()
        self._sent = asyncio.Event()
        self._sent.set()

    def add(self, send: Send) -> None:
        """Send it soon."""
        self._sends.append(send)
        self._sent.clear()
        self._news.set()

    async def run(self, link: Outbox) -> None:
        """Send, until cancelled."""
        while True:
            await self._news.wait()
            self._news.clear()
            sends, self._sends = self._sends, []
            await link.send(sends)
            if not self._sends:
                self._sent.set()

    async def sent(self, send: Send) -> None:
        """Send it; return once it is the broker's."""
        self.add(send)
        await self.flush()

    async def flush(self) -> None:
        """Return once all is sent."""
        await self._sent.wait()


class Voicebox:
    """The speakers, which start when something is first to be said: a house without voice has no use for them."""

    def __init__(self, stack: AsyncExitStack, workers: int) -> None:
        self._stack = stack
        self._workers = workers
        self._starting = asyncio.Lock()
        self._speakers: Speakers | None = None

    async def speak(self, text: str, voice: Voice) -> Speech:
        """Return *text* spoken. Raises Refused: ``speech_failed``."""
        return await (self._speakers or await self.start()).speak(text, voice)

    async def start(self) -> Speakers:
        """Make ready to speak. Raises Refused: ``speech_failed``."""
        async with self._starting:
            if self._speakers is None:
                try:
                    self._speakers = await self._stack.enter_async_context(Speakers(self._workers))
                except SpeakersError as error:
                    log.error("%s", error)
                    raise Refused(Code.SPEECH_FAILED, str(error)) from error
            return self._speakers


class Studio:
    """Voice, as the rest of the shell sees it; ``is_ready`` is set once it hears.

    *prepare* comes to an end then; *sweep* forgets, until cancelled, what nobody else does.
    """

    def __init__(
        self,
        conversing: Conversing,
        outgoing: Outgoing,
        ears: Ears,
        places: Places,
        prepare: Work,
        sweep: Work,
    ) -> None:
        self._conversing = conversing
        self._ears = ears
        self._places = places
        self.take = conversing.take
        self.perform = conversing.perform
        self._outgoing = outgoing
        self._prepare, self._sweep = prepare, sweep
        self.is_ready = asyncio.Event()

    async def run(self, link: Outbox) -> None:
        """Load the models, and send what is said, until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._outgoing.run(link))
            tasks.create_task(self._sweep())
            await self._prepare()
            self.is_ready.set()

    async def end(self) -> None:
        """End all turns, and tell everybody."""
        await self._conversing.end()
        await self._outgoing.flush()

    def counts(self) -> VoiceCount:
        """Return what is heard and said."""
        tally = self._conversing.tally
        return VoiceCount(
            self._ears.languages,
            self._conversing.talking,
            self._places.waiting,
            tally.final,
            tally.first_audio,
            tally.failed,
        )


@asynccontextmanager
async def studio(house: Surroundings) -> AsyncIterator[Studio]:
    """Run voice. Without a speech model it hears nothing, and says so."""
    settings, inbox, now = house.settings, house.inbox, house.now
    outgoing = Outgoing()
    async with AsyncExitStack() as stack:
        voicebox = Voicebox(stack, settings.voice_workers)
        ears = Ears(installed(settings), os.cpu_count() or 1)
        stack.callback(ears.close)
        world = House(house, outgoing.sent)
        answers = opened(settings, world)
        stack.push_async_callback(answers.close)
        memory, places = Memory(house.database), Places(settings.voice_turns)
        dialogue = Dialogue(
            Listening(ears, places, settings.voice_max_s, answers.intents.sentences),
            Saying(voicebox.speak, Encoder(), memory),
            answers,
            memory.exchanges,
            lambda device: who.owner if (who := house.accounts.principal(device)) is not None else None,
        )
        recordings = Recordings(settings.data / FOLDER, settings.conversation_days)
        stack.push_async_callback(recordings.close)
        conversing = Conversing(dialogue, recordings, house.talkers, outgoing.add, inbox.add, now)
        stack.push_async_callback(conversing.end)
        prepare, sweep = partial(_prepare, ears, voicebox), partial(_sweep, memory, recordings, now)
        yield Studio(conversing, outgoing, ears, places, prepare, sweep)


async def _sweep(memory: Memory, recordings: Recordings, now: Callable[[], float]) -> None:
    """Forget the recordings of conversations that are forgotten, now and then."""
    while True:
        begun = await memory.begun()
        if begun is not None:
            recordings.prune(begun, now())
        await asyncio.sleep(_SWEEP_S)


async def _prepare(ears: Ears, voicebox: Voicebox) -> None:
    """Load the models, which takes long and keeps nobody waiting but who talks already; and who will answer."""
    for problem in await ears.load():
        log.error("%s", problem)
    if ears.languages:
        log.info("voice hears %s", ", ".join(ears.languages))
        with suppress(Refused):
            await voicebox.start()
    else:
        log.info("voice is off: there is no speech model; see `talkstick voice models list`")
