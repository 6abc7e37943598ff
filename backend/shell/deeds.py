"""What is done in somebody's name: the engine is asked as that somebody's app would ask it, and answers the same."""

import asyncio
import json
import secrets
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from backend.core.engine import Arrived, Send
from backend.core.refusals import EXPLAINED, Code
from backend.core.topics import Topic
from backend.shell.inbox import Inbox

_WITHIN_S = 3.0  # longer than any commit takes; then the disk is full, or the server stops

Reply = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Requests:
    """Where something is asked, and where that is answered."""

    request: Topic
    reply: Topic


class Question:
    """One request that was asked: ``id`` is its own."""

    def __init__(self) -> None:
        self.id = secrets.token_hex(12)  # one that was used before would get the answer from then
        self.replies: asyncio.Queue[Reply] = asyncio.Queue()
        self.is_answered = False

    def hear(self, reply: Reply) -> None:
        """Take an answer; a claim that waits has several."""
        self.is_answered = True
        self.replies.put_nowait(reply)

    async def reply(self) -> Reply:
        """Return the next answer, however long that takes."""
        return await self.replies.get()

    async def soon(self) -> Reply:
        """Return the next answer; where none comes within the time of a commit, one that tells so."""
        try:
            async with asyncio.timeout(_WITHIN_S):
                return await self.reply()
        except TimeoutError:
            return {"ok": False, "code": Code.NOT_STORED.value, "message": EXPLAINED[Code.NOT_STORED]}


class Deeds:
    """Asks the engine for somebody, and waits for the answer. It hears what goes out, to find the answer there."""

    def __init__(self, inbox: Inbox) -> None:
        self._inbox = inbox
        self._asked: dict[str, dict[str, Question]] = {}  # by the topic of the answer, and the id

    def learn(self, sends: Iterable[Send]) -> None:
        """Look for answers in what goes out."""
        if self._asked:
            for send in sends:
                if send.topic in self._asked:
                    self._find(self._asked[send.topic], json.loads(send.payload))

    @contextmanager
    def asking(self, requests: Requests, body: Mapping[str, object], **levels: str) -> Iterator[Question]:
        """Ask something on the topic with these levels, of which one is who asks; listen for answers meanwhile."""
        question, topic = Question(), requests.reply.at(**levels)
        others = self._asked.setdefault(topic, {})
        others[question.id] = question
        payload = json.dumps({**body, "id": question.id}).encode()
        self._inbox.add(Arrived(requests.request.at(**levels), payload))
        try:
            yield question
        finally:
            del others[question.id]
            if not others:
                del self._asked[topic]

    async def ask(self, requests: Requests, body: Mapping[str, object], **levels: str) -> Reply:
        """Ask something; return the first answer."""
        with self.asking(requests, body, **levels) as question:
            return await question.soon()

    def _find(self, asked: Mapping[str, Question], reply: Reply) -> None:
        question = asked.get(str(reply.get("id")))
        if question is not None:
            question.hear(reply)
