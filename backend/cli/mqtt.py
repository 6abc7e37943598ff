"""How the commands talk to a running server: as any other MQTT client."""

import asyncio
import json
import random
import signal
from collections.abc import Coroutine, Mapping, Sequence
from contextlib import AsyncExitStack, suppress
from types import TracebackType
from typing import Any, Self, TypeVar

import aiomqtt
import click

from backend.cli.context import Context
from backend.features.stats.messages import STATUS
from backend.shell.client import client_at, is_stranger
from backend.shell.operator import Login

T = TypeVar("T")

ANSWER_WITHIN_S = 10.0
_AGAIN_S = 1.0


def run(context: Context, coroutine: Coroutine[Any, Any, T]) -> T:
    """Run a conversation with the server, or end with why it is not possible."""
    try:
        return asyncio.run(_stoppable(coroutine))
    except asyncio.CancelledError as error:
        raise SystemExit(1) from error
    except aiomqtt.MqttCodeError as error:
        why = "wrong name or password" if is_stranger(error) else error
        raise click.ClickException(f"the server refused the login: {why}") from error
    except aiomqtt.MqttError as error:
        help_ = "is `talkstick serve` running?" if context.broker is None else "is Mosquitto running?"
        raise click.ClickException(f"no broker answers at {context.address} ({error}); {help_}") from error
    except TimeoutError as error:
        raise click.ClickException(f"no answer within {ANSWER_WITHIN_S:.0f} s; ask `talkstick doctor` why") from error


async def _stoppable(coroutine: Coroutine[Any, Any, T]) -> T:
    """Treat a closed terminal, or SIGTERM, as Ctrl-C is treated: who waits shall not wait on as a ghost."""
    talk = asyncio.ensure_future(coroutine)
    for number in (signal.SIGTERM, signal.SIGHUP):
        asyncio.get_running_loop().add_signal_handler(number, talk.cancel)
    return await talk


def connected(context: Context, login: Login) -> aiomqtt.Client:
    """Return a client that logs in when it is entered. Raises MqttError then."""
    return client_at(context.address, login, "talkstick")


class Line:
    """A connection to the server, for what waits longer than a connection may last. Raises MqttError when entered."""

    client: aiomqtt.Client

    def __init__(self, context: Context, login: Login) -> None:
        self._context, self._login = context, login
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        await self._connect()
        return self

    async def __aexit__(
        self, _type: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        await self._stack.aclose()

    async def again(self, broken: Exception) -> None:
        """Connect anew, however long it takes; say so. Raises MqttCodeError where the login is good no longer."""
        click.echo(f"the connection is lost ({str(broken) or 'no answer'}); trying again", err=True)
        with suppress(aiomqtt.MqttError):
            await self._stack.aclose()
        while True:
            await asyncio.sleep(_AGAIN_S * random.uniform(0.5, 1.5))  # noqa: S311 - jitter is no secret
            try:
                await self._connect()
            except aiomqtt.MqttError as error:
                if (task := asyncio.current_task()) is not None and task.cancelling():
                    raise asyncio.CancelledError from error  # the library makes another error of it
                if isinstance(error, aiomqtt.MqttCodeError) and is_stranger(error):
                    raise
            else:
                break
        click.echo("the connection is there again", err=True)

    async def _connect(self) -> None:
        self.client = await self._stack.enter_async_context(connected(self._context, self._login))


def documents(context: Context, login: Login, filters: Sequence[str]) -> dict[str, Any]:
    """Return the retained documents of some filters by topic, or end with why that is not possible."""
    return run(context, retained(context, login, filters))


def live(context: Context, topics: Mapping[str, str]) -> dict[str, Any]:
    """Return the retained documents that are there, by the names of their topics; none where no server runs."""
    found = living(context, list(topics.values()))
    return {name: found[topic] for name, topic in topics.items() if topic in found}


def living(context: Context, filters: Sequence[str]) -> dict[str, Any]:
    """Return the retained documents of some filters by topic; none where no server runs, or no login is kept."""
    try:
        return asyncio.run(retained(context, context.login(None), filters))
    except (aiomqtt.MqttError, TimeoutError, click.ClickException):
        return {}  # what is stored is worth showing all the same


async def retained(context: Context, login: Login, filters: Sequence[str]) -> dict[str, Any]:
    """Return the retained documents of some filters, and the backend's status, by topic.

    Raises MqttError where no server runs, or it refuses; TimeoutError where it has not served anything yet.
    """
    prefix, last = context.settings.prefix, context.settings.prefix + STATUS.at()
    found: dict[str, Any] = {}
    async with connected(context, login) as client, asyncio.timeout(ANSWER_WITHIN_S):
        # A broker sends the retained messages of one subscription after the other, and the last is always there.
        for topic_filter in (*(prefix + each for each in filters), last):
            await client.subscribe(topic_filter, qos=1)
        async for message in client.messages:
            topic = str(message.topic)
            found[topic.removeprefix(prefix)] = body_of(message)
            if topic == last:
                return found
    raise aiomqtt.MqttError("the connection ended")


def body_of(message: aiomqtt.Message) -> dict[str, Any]:
    """Return the JSON object in a message; an empty one where there is none."""
    parsed = json.loads(message.payload if isinstance(message.payload, bytes) else b"{}")
    return parsed if isinstance(parsed, dict) else {}
