"""The first half of a turn: from the audio of a board to the words that were said."""

import asyncio
from collections.abc import Callable

from backend.core.refusals import EXPLAINED, Code, Refused
from backend.features.voice.messages import Final, Partial, Waiting
from backend.features.voice.settings import VoiceSettings
from backend.shell.voice.course import Course
from backend.shell.voice.decoding import Decoder, decoder
from backend.shell.voice.feed import Feed
from backend.shell.voice.hearing import Ears, Heard, Listener
from backend.shell.voice.places import Places
from backend.shell.voice.utterance import whole

LATE_S = 5.0
"""How much longer than it sounds an utterance may take to arrive."""


class Listening:
    """Hears turns, so many at a time; the others wait, and know their position. *sentences* makes a grammar."""

    def __init__(
        self,
        ears: Ears,
        places: Places,
        most_s: float,
        sentences: Callable[[str], list[str]],
        late_s: float = LATE_S,
    ) -> None:
        self._ears = ears
        self._places = places
        self._most_s = most_s
        self._late_s = late_s
        self._sentences = sentences

    async def frames(self, course: Course, feed: Feed) -> float:
        """Hear a streamed utterance; return when it ended. Raises Refused."""
        await self._ears.ready()
        listener = self._listener(course.talker.settings)
        audio = decoder(feed.assembly.codec, self._most_s)
        try:
            async with self._places.place(lambda position: course.tell(Waiting, position=position)):
                async with asyncio.timeout(self._most_s + self._late_s):  # a board that hangs gives its place to others
                    await _follow(course, feed, audio, listener)
                heard = await listener.finish()
        except TimeoutError:
            raise Refused(Code.TOO_LONG, f"an utterance has at most {self._most_s:g} s") from None
        finally:
            listener.close()
            await audio.close()
        ended_at = feed.ended_at or course.now()
        _final(course, heard, ended_at, feed.assembly.lost)
        return ended_at

    async def file(self, course: Course, data: bytes) -> float:
        """Hear a whole utterance; return when it arrived. Raises Refused."""
        came_at = course.now()
        await self._ears.ready()
        listener = self._listener(course.talker.settings)
        try:
            async with self._places.place(lambda position: course.tell(Waiting, position=position)):
                await _hear(course, listener, await whole(data, self._most_s))
                heard = await listener.finish()
        finally:
            listener.close()
        _final(course, heard, came_at, 0)
        return came_at

    def _listener(self, settings: VoiceSettings) -> Listener:
        match settings.grammar:
            case "off":
                grammar: list[str] = []
            case "intents":
                grammar = self._sentences(settings.language)
            case listed:
                grammar = list(listed)
        return self._ears.listen(settings.language, grammar, settings.silence_s)


async def _follow(course: Course, feed: Feed, audio: Decoder, listener: Listener) -> None:
    """Hear frames as they come, until the board, or a silence, ends the utterance. Raises Refused."""
    while (payloads := await feed.read()) is not None:
        await _hear(course, listener, b"".join([await audio.decode(payload) for payload in payloads]))
        if listener.is_over:
            feed.end()
    await _hear(course, listener, await audio.finish())


async def _hear(course: Course, listener: Listener, pcm: bytes) -> None:
    if course.tape is not None:
        course.tape += pcm
    text = await listener.hear(pcm) if pcm else None
    if text:
        course.tell(Partial, text=text)


def _final(course: Course, heard: Heard, ended_at: float, lost: int) -> None:
    """Tell what was understood. Raises Refused: ``no_speech``."""
    after_ms = course.since(ended_at)
    audio_ms, speech_ms = round(heard.audio_s * 1000), round(heard.speech_s * 1000)
    course.note(heard=heard.text, audio_ms=audio_ms, speech_ms=speech_ms, final_ms=after_ms)
    course.tell(
        Final,
        text=heard.text,
        language=course.talker.settings.language,
        confidence=heard.confidence,
        user=course.record.user,
        audio_ms=audio_ms,
        speech_ms=speech_ms,
        lost=lost,
        after_ms=after_ms,
    )
    if not heard.text:
        raise Refused(Code.NO_SPEECH, EXPLAINED[Code.NO_SPEECH])
