"""Answers from a chat endpoint: anything that speaks OpenAI's `POST /chat/completions`, like Ollama or llama.cpp."""

import asyncio
import json
import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Self

import httpx

from backend.shell.clock import ticks
from backend.shell.voice.aloud import aloud
from backend.shell.voice.asking import Answer, Question
from backend.shell.voice.breaker import Breaker

_log = logging.getLogger(__name__)
logging.getLogger("httpx").setLevel(logging.WARNING)  # it tells each request

_EXCHANGES = 10  # 20 messages
_MOST_BYTES = 256 * 1024  # of a reply; the longest text that is said is 2,000 characters
_CONNECTIONS = 20

_PROMPTS = {
    "en": (
        "You are a clear and helpful voice assistant on the device {device}. Answer in English, briefly and to the "
        "point, in one to three sentences. Your answer is read aloud: write plain text, without lists, markup, "
        "emoji, code or links."
    ),
    "es": (
        "Eres un asistente de voz claro y directo en el dispositivo {device}. Responde en español, de manera concisa "
        "y útil, en una a tres frases. La respuesta se lee en voz alta: escribe texto sencillo, sin listas, formato, "
        "emojis, código ni enlaces."
    ),
}


class Reason(StrEnum):
    """Why a chat endpoint did not answer."""

    NOT_CONFIGURED = "chat_not_configured"
    PAUSED = "chat_paused"
    """It failed several times in a row, and is left alone for a while."""
    UNREACHABLE = "chat_unreachable"
    TIMEOUT = "chat_timeout"
    UNAUTHORIZED = "chat_unauthorized"
    NOT_FOUND = "chat_not_found"
    """No such address, or no such model."""
    RATE_LIMITED = "chat_rate_limited"
    FAILED = "chat_failed"
    """Any other status than 200."""
    BAD_REPLY = "chat_bad_reply"
    TOO_LARGE = "chat_too_large"
    EMPTY = "chat_empty"
    """There was nothing in the reply that could be said."""


class ChatError(Exception):
    """The endpoint did not answer."""

    def __init__(self, reason: Reason, detail: str = "") -> None:
        super().__init__(f"{reason}: {detail}" if detail else str(reason))
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where to ask, and how. ``url`` is what comes before ``/chat/completions``."""

    url: str
    model: str
    key: str = field(default="", repr=False)
    timeout_s: float = 10.0
    """For the whole answer."""
    max_tokens: int = 150
    temperature: float = 0.3


class Chat:
    """One endpoint, over one pool of connections."""

    def __init__(self, endpoint: Endpoint, clock: Callable[[], float] = ticks) -> None:
        """Answer by this endpoint; nothing is connected before it is asked."""
        self._endpoint = endpoint
        self._breaker = Breaker(clock)
        self._client = httpx.AsyncClient(
            headers={"Accept-Encoding": "identity"}
            | ({"Authorization": f"Bearer {endpoint.key}"} if endpoint.key else {}),
            limits=httpx.Limits(max_connections=_CONNECTIONS),
            timeout=endpoint.timeout_s,
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Close all connections."""
        await self._client.aclose()

    async def answer(self, question: Question) -> Answer:
        """Return the answer, fit to be said. Raises ChatError."""
        if not self._breaker.allows():
            raise ChatError(Reason.PAUSED)
        try:
            async with asyncio.timeout(self._endpoint.timeout_s):
                text = _said(await self._asked(_request(self._endpoint, question)))
        except (TimeoutError, httpx.TimeoutException):
            raise self._failed(ChatError(Reason.TIMEOUT, f"after {self._endpoint.timeout_s:g} s")) from None
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise self._failed(ChatError(Reason.UNREACHABLE, type(error).__name__)) from error
        except ChatError as error:
            raise self._failed(error) from error.__cause__
        except Exception as error:  # below httpx there are more of them than it tells
            raise self._failed(ChatError(Reason.UNREACHABLE, repr(error)[:200])) from error
        self._breaker.worked()
        return Answer(text, "chat")

    def _failed(self, error: ChatError) -> ChatError:
        self._breaker.failed()
        _log.warning("the chat endpoint did not answer: %s", error)
        return error

    async def _asked(self, request: dict[str, Any]) -> bytes:
        """Return the body of the reply. Raises ChatError where it is none, or too large."""
        url = f"{self._endpoint.url.rstrip('/')}/chat/completions"
        async with self._client.stream("POST", url, json=request) as response:
            if response.status_code != httpx.codes.OK:
                raise ChatError(_of_status(response.status_code), f"status {response.status_code}")
            body = bytearray()
            async for piece in response.aiter_raw():  # a few bytes can be compressed from more than the memory holds
                body += piece
                if len(body) > _MOST_BYTES:
                    raise ChatError(Reason.TOO_LARGE)
            return bytes(body)


def _request(endpoint: Endpoint, question: Question) -> dict[str, Any]:
    messages = [{"role": "system", "content": question.prompt or _prompt(question)}]
    for exchange in question.history[-_EXCHANGES:]:
        messages.append({"role": "user", "content": exchange.heard})
        messages.append({"role": "assistant", "content": exchange.answer})
    messages.append({"role": "user", "content": question.text})
    return {
        "model": endpoint.model,
        "messages": messages,
        "max_tokens": endpoint.max_tokens,
        "temperature": endpoint.temperature,
        "stream": False,
    }


def _prompt(question: Question) -> str:
    text = _PROMPTS.get(question.language.partition("-")[0])
    if text is None:
        text = _PROMPTS["en"].replace("in English", f"in the language {question.language}")
    return text.format(device=question.device)


def _of_status(status: int) -> Reason:
    known = {401: Reason.UNAUTHORIZED, 403: Reason.UNAUTHORIZED, 404: Reason.NOT_FOUND, 429: Reason.RATE_LIMITED}
    return known.get(status, Reason.FAILED)


def _said(body: bytes) -> str:
    """Return what a reply says. Raises ChatError."""
    try:
        choice = json.loads(body)["choices"][0]
        text = choice["message"]["content"]
        cut_off = choice.get("finish_reason") == "length"
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
        raise ChatError(Reason.BAD_REPLY, type(error).__name__) from error
    said = aloud(text, cut_off=cut_off) if isinstance(text, str) else ""
    if not said:
        raise ChatError(Reason.EMPTY)
    return said
