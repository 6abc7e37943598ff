"""The last part of a turn: from the words of the answer to the last frame that the board gets."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field

from backend.core.facts import PhraseMade
from backend.features.voice.messages import Spoken
from backend.features.voice.pacing import Pacer
from backend.shell.voice.course import Course
from backend.shell.voice.encoding import Encoder, Piece
from backend.shell.voice.memory import Memory, phrase_key
from backend.shell.voice.splitting import sentences
from backend.shell.voice.worker import Speech, Voice

Speak = Callable[[str, Voice], Awaitable[Speech]]
"""Makes speech of a text. Raises Refused: ``speech_failed``."""


@dataclass(slots=True)
class _Said:
    """What is being said: it is made piece by piece, while the board plays the pieces before."""

    pacer: Pacer
    news: asyncio.Event = field(default_factory=asyncio.Event)
    seconds: float = 0.0
    first_at: float | None = None
    known: list[str] = field(default_factory=list)
    made: int = 0

    def add(self, piece: Piece) -> None:
        """Take the next piece."""
        if piece.data:
            self.seconds += piece.seconds
            self.pacer.add(piece.data, piece.seconds)
            self.news.set()


class Saying:
    """Speaks. What a device has said before is not made again."""

    def __init__(self, speak: Speak, encoder: Encoder, memory: Memory) -> None:
        self._speak = speak
        self._encoder = encoder
        self._memory = memory

    async def say(self, course: Course, finding: Awaitable[str], language: str, since: float) -> None:
        """Speak what is being found, and keep the board waiting until it is; return when the last frame is sent.

        *since* is when somebody began to wait for it. Raises Refused: ``speech_failed``.
        """
        ability = course.talker.ability
        said = _Said(Pacer(course.codec, ability.frame_bytes, ability.buffer_ms, course.now()))
        sending = asyncio.create_task(_send(course, said))
        try:
            await self._make(course, said, finding, language)
            await sending
        finally:
            sending.cancel()
        first_audio_ms = round(((said.first_at or course.now()) - since) * 1000, 1)
        course.note(first_audio_ms=first_audio_ms, phrases=tuple(said.known))
        course.tell(
            Spoken,
            frames=said.pacer.frames,
            audio_ms=round(said.seconds * 1000),
            cached=not said.made,
            first_audio_ms=first_audio_ms,
        )

    async def _make(self, course: Course, said: _Said, finding: Awaitable[str], language: str) -> None:
        """Make the pieces, one after the other. Raises Refused: then nothing more is sent, the end neither."""
        pieces = sentences(await finding)
        said.add(await self._encoder.opening(course.codec))
        for piece in pieces:
            said.add(await self._piece(course, said, piece, language))
        said.pacer.end()
        said.news.set()

    async def _piece(self, course: Course, said: _Said, text: str, language: str) -> Piece:
        settings = course.talker.settings
        key = phrase_key(text, language, settings.voice, settings.speed, course.codec)
        phrase = await self._memory.phrase(course.device, key)
        if phrase is not None:
            said.known.append(key)
            return Piece(phrase.audio, phrase.seconds)
        piece = await self._encoder.encoded(
            await self._speak(text, Voice(language, settings.voice, settings.speed)), course.codec
        )
        said.made += 1
        course.made.append(PhraseMade(course.device, key, text, piece.data, piece.seconds, course.now()))
        return piece


async def _send(course: Course, said: _Said) -> None:
    """Send each frame when it is due, until the last."""
    while True:
        said.news.clear()
        for frame in said.pacer.due(course.now()):
            course.speak(frame)
        if said.first_at is None and said.pacer.sent_s:  # the header of a file is no audio
            said.first_at = course.now()
        if said.pacer.over:
            return
        with suppress(TimeoutError):
            async with asyncio.timeout(said.pacer.deadline() - course.now()):
                await said.news.wait()
