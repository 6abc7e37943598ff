"""What is done in a turn: an utterance is heard and answered, and the answer spoken; or something is announced."""

from collections.abc import Awaitable, Callable, Sequence

from backend.core.refusals import EXPLAINED, Code, Refused
from backend.features.voice.messages import Answered
from backend.features.voice.state import Announce
from backend.shell.voice.asking import Exchange, Question, Responder
from backend.shell.voice.course import Course
from backend.shell.voice.feed import Feed
from backend.shell.voice.listening import Listening
from backend.shell.voice.saying import Saying

History = Callable[[str, str | None], Awaitable[Sequence[Exchange]]]
"""Returns the last exchanges of a device, the newest at the end; if a user is named, those of its turns."""


class Dialogue:
    """The steps of all turns. *owner* names whose a device is."""

    def __init__(
        self,
        listening: Listening,
        saying: Saying,
        responder: Responder,
        history: History,
        owner: Callable[[str], str | None],
    ) -> None:
        self._listening = listening
        self._saying = saying
        self._responder = responder
        self._history = history
        self._owner = owner

    async def streamed(self, course: Course, feed: Feed) -> None:
        """Hear frames, and answer. Raises Refused."""
        speaker = self._speaker(course)
        ended_at = await self._listening.frames(course, feed)
        await self._saying.say(course, self._answer(course, speaker), course.talker.settings.language, ended_at)

    async def whole(self, course: Course, data: bytes) -> None:
        """Hear a whole utterance, and answer. Raises Refused."""
        speaker = self._speaker(course)
        ended_at = await self._listening.file(course, data)
        await self._saying.say(course, self._answer(course, speaker), course.talker.settings.language, ended_at)

    async def announced(self, course: Course, announce: Announce) -> None:
        """Say what somebody wants to be said. Raises Refused."""
        language = announce.language or course.talker.settings.language
        await self._saying.say(course, _announcement(course, announce), language, course.now())

    def _speaker(self, course: Course) -> str | None:
        """Return for whom the turn speaks. Raises Refused: ``voice_off`` or ``not_in_use``."""
        talker = course.talker
        if not talker.settings.enabled:
            raise Refused(Code.VOICE_OFF, f"the voice of {talker.device} is switched off")
        if talker.settings.heard == "holder" and talker.holder is None:
            raise Refused(Code.NOT_IN_USE, EXPLAINED[Code.NOT_IN_USE])
        course.note(user=talker.holder)
        return talker.holder if talker.settings.heard == "holder" else self._owner(talker.device)

    async def _answer(self, course: Course, speaker: str | None) -> str:
        """Find the answer, tell and return it."""
        settings, heard_at = course.talker.settings, course.now()
        holder = course.record.user if settings.heard == "holder" else None  # who is told nothing that others said
        history = await self._history(course.device, holder)
        question = Question(
            course.device,
            course.record.heard or "",
            settings.language,
            speaker,
            settings.prompt,
            history,
            settings.responder,
        )
        answer = await self._responder.answer(question)
        course.note(answer=answer.text, by=answer.by)
        course.tell(
            Answered,
            text=answer.text,
            by=answer.by,
            intent=answer.intent,
            fallback=answer.fallback,
            after_ms=course.since(heard_at),
        )
        return answer.text


async def _announcement(course: Course, announce: Announce) -> str:
    course.note(user=announce.who, answer=announce.text, by="announcement")
    course.tell(Answered, text=announce.text, by="announcement", user=announce.who, after_ms=0.0)
    return announce.text
