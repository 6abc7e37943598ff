"""Who answers a question: the intents, the chat endpoint, or both."""

from dataclasses import replace

from backend.features.voice.settings import Responder
from backend.shell.voice.asking import Answer, Question
from backend.shell.voice.chat import Chat, ChatError, Reason
from backend.shell.voice.intents import Intents


class Answers:
    """All who may answer. Without a chat endpoint the intents answer everything."""

    def __init__(self, intents: Intents, chat: Chat | None = None) -> None:
        self._intents, self._chat = intents, chat

    async def answer(self, question: Question, responder: Responder) -> Answer:
        """Return the answer of the device's responder; of the intents, and why, where the chat endpoint fails."""
        if responder == "intents":
            return await self._intents.answer(question)
        if responder == "chat":
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
