"""Calls URLs. What stands in one, in a header or in a body may be secret: only scheme, host and port are ever told."""

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from http.cookiejar import DefaultCookiePolicy
from time import time

import httpx

from backend.core.refusals import Code, Refused

for _name in ("httpx", "httpcore"):
    logging.getLogger(_name).setLevel(logging.WARNING)  # they tell each request, whole

_MOST_BYTES = 64 * 1024  # of an answer; nobody reads it, but a connection is good again once it is read
_PAUSE_S = 0.5  # before the first repetition
_RETRY_AFTER_S = 30.0
_IDLE_CONNECTIONS = 20


@dataclass(frozen=True, slots=True)
class Call:
    """What is to be called, how long each attempt may take, and how often it is called again."""

    method: str
    url: str = field(repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: bytes | None = field(default=None, repr=False)
    timeout_s: float = 10.0
    retries: int = 2


@dataclass(frozen=True, slots=True)
class _Trouble:
    """Why a call did not do; ``may_pass``: it may do in a while, not sooner than ``wait_s``."""

    code: Code
    message: str
    may_pass: bool = True
    wait_s: float = 0.0


class Webhooks:
    """One pool of connections, opened when something is first called. Who is called again is left alone by *sleep*."""

    def __init__(self, sleep: Callable[[float], Awaitable[None]] = asyncio.sleep) -> None:
        self._sleep = sleep
        self._client: httpx.AsyncClient | None = None

    async def close(self) -> None:
        """Close all connections."""
        if self._client is not None:
            await self._client.aclose()

    async def call(self, call: Call) -> None:
        """Call, until it is answered well. Raises Refused: ``unreachable``, ``timed_out`` or ``bad_template``."""
        client = self._client = self._client or _opened()
        request, pause = _request(client, call), _PAUSE_S
        for left in range(call.retries, -1, -1):
            trouble = await _trouble(client, request, call.timeout_s)
            if trouble is None:
                return
            if not left or not trouble.may_pass:
                raise Refused(trouble.code, trouble.message)
            await self._sleep(max(pause * random.uniform(0.75, 1.25), trouble.wait_s))  # noqa: S311 - no secret
            pause *= 2


def _opened() -> httpx.AsyncClient:
    client = httpx.AsyncClient(
        headers={"Accept-Encoding": "identity", "User-Agent": "talkstick"},
        limits=httpx.Limits(max_keepalive_connections=_IDLE_CONNECTIONS),
        timeout=None,  # noqa: S113 - each call has one, as a whole
        trust_env=False,  # the passwords in the ~/.netrc of whoever runs the server are no part of a profile
    )
    client.cookies.jar.set_policy(DefaultCookiePolicy(allowed_domains=()))  # what one was told is not another's
    return client


def _request(client: httpx.AsyncClient, call: Call) -> httpx.Request:
    """Return the request. Raises Refused: ``bad_template``."""
    wrong = next((name for name, value in call.headers.items() if not (name + value).isprintable()), None)
    if wrong is not None:
        raise Refused(Code.BAD_TEMPLATE, f"the header {wrong[:40]!r} is not one line")
    try:
        request = client.build_request(call.method, call.url, headers=call.headers, content=call.body)
    except (httpx.InvalidURL, ValueError, TypeError) as error:  # what they say repeats what may be secret
        raise Refused(Code.BAD_TEMPLATE, f"no such call can be made: {type(error).__name__}") from None
    if request.url.scheme not in ("http", "https") or not request.url.host:
        raise Refused(Code.BAD_TEMPLATE, "the URL does not begin with http:// or https:// and a host")
    return request


async def _trouble(client: httpx.AsyncClient, request: httpx.Request, timeout_s: float) -> _Trouble | None:
    """Call once; return what went wrong, if it did."""
    where = f"{request.url.scheme}://{request.url.netloc.decode()}"
    try:
        response = await _answered(client, request, timeout_s)
    except TimeoutError:
        return _Trouble(Code.TIMED_OUT, f"{where} did not answer within {timeout_s:g} s")
    except httpx.TransportError as error:
        return _Trouble(Code.UNREACHABLE, f"{where}: {type(error).__name__}")
    except Exception as error:  # below httpx there are more of them than it tells
        raise Refused(Code.UNREACHABLE, f"{where}: {type(error).__name__}") from error
    if response.is_success:
        return None
    busy = response.is_server_error or response.status_code == httpx.codes.TOO_MANY_REQUESTS
    wait_s = _seconds(response.headers.get("Retry-After"))
    return _Trouble(Code.UNREACHABLE, f"{where} answered {response.status_code}", busy, wait_s)


async def _answered(client: httpx.AsyncClient, request: httpx.Request, timeout_s: float) -> httpx.Response:
    """Return the head of the answer; what goes wrong after it changes nothing. Raises TimeoutError, httpx's errors."""
    response = None
    try:
        async with asyncio.timeout(timeout_s):
            response = await client.send(request, stream=True)
            try:
                await _read(response)
            finally:
                await response.aclose()
    except (TimeoutError, httpx.TransportError):
        if response is None:
            raise
    return response


async def _read(response: httpx.Response) -> None:
    size = 0
    async for piece in response.aiter_raw():
        size += len(piece)
        if size > _MOST_BYTES:
            return


def _seconds(retry_after: str | None) -> float:
    """Return how long a server wants to be left alone, as far as we care."""
    if retry_after is None:
        return 0.0
    try:
        wanted = float(retry_after) if retry_after.strip().isdecimal() else _until(retry_after)
    except (ValueError, OverflowError):
        return 0.0
    return min(max(wanted, 0.0), _RETRY_AFTER_S)


def _until(date: str) -> float:
    return parsedate_to_datetime(date).timestamp() - time()
