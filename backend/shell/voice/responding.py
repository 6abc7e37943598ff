"""Who answers a question: the intents, the chat endpoint, or both."""

from dataclasses import replace

from backend.shell.settings import Settings
from backend.shell.voice.asking import Answer, Question, World
from backend.shell.voice.chat import Chat, ChatError, Endpoint, Reason
from backend.shell.voice.intents import Intents
from backend.shell.voice.library import Library


def opened(settings: Settings, world: World) -> "Answers":
    """Return all who answer about this world, as the operator set them up; the sentences that are wrong are logged."""
    key = settings.chat_key.get_secret_value().strip()
    endpoint = Endpoint(settings.chat_url, settings.chat_model, key, settings.chat_timeout_s, settings.chat_max_tokens)
    return Answers(Intents(Library(settings.sentences_folder), world), Chat(endpoint) if settings.chat_url else None)


class Answers:
    """All who may answer. Without a chat endpoint the intents answer everything."""

    def __init__(self, intents: Intents, chat: Chat | None = None) -> None:
        self._intents, self._chat = intents, chat

    @property
    def intents(self) -> Intents:
        """What answers offline; it knows what a recogniser may listen for."""
        return self._intents

    async def close(self) -> None:
        """Close the connections to the chat endpoint."""
        if self._chat is not None:
            await self._chat.close()

    async def answer(self, question: Question) -> Answer:
        """Return the answer of the device's responder; of the intents, and why, where the chat endpoint fails."""
        if question.responder == "intents":
            return await self._intents.answer(question)
        if question.responder == "chat":
            answer = await self._chatted(question)
            return answer if isinstance(answer, Answer) else await self._instead(question, answer)
        known = await self._intents.answer(question)
        if known.understood:
            return known
        answer = await self._chatted(question)
        return answer if isinstance(answer, Answer) else self._told(question, known, answer)

    async def _chatted(self, question: Question) -> Answer | Reason:
        if self._chat is None:
            return Reason.NOT_CONFIGURED
        try:
            return await self._chat.answer(question)
        except ChatError as error:
            return error.reason

    async def _instead(self, question: Question, reason: Reason) -> Answer:
        return self._told(question, await self._intents.answer(question), reason)

    def _told(self, question: Question, answer: Answer, reason: Reason) -> Answer:
        """Return an answer of the intents, honest about why it is theirs."""
        if answer.understood or answer.intent is not None:
            return replace(answer, fallback=str(reason))
        return replace(answer, text=self._intents.no_chat(question.language), fallback=str(reason))
