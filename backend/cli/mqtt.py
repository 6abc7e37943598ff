"""How the commands talk to a running server: as any other MQTT client."""

import asyncio
import json
import secrets
from collections.abc import AsyncIterator, Coroutine, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, TypeVar

import aiomqtt
import click

from backend.cli.context import Context
from backend.features.sessions.messages import REPLY, REQUEST
from backend.features.stats.feature import STATUS
from backend.shell.operator import Login

T = TypeVar("T")

_ANSWER_WITHIN_S = 10.0


def run(context: Context, coroutine: Coroutine[Any, Any, T]) -> T:
    """Run a conversation with the server, or end with why it is not possible."""
    try:
        return asyncio.run(coroutine)
    except aiomqtt.MqttCodeError as error:
        raise click.ClickException(f"the server refused the login: {error}") from error
    except aiomqtt.MqttError as error:
        help_ = "is `talkstick serve` running?" if context.broker is None else "is Mosquitto running?"
        raise click.ClickException(f"no broker answers at {context.address} ({error}); {help_}") from error
    except TimeoutError as error:
        raise click.ClickException(f"no answer within {_ANSWER_WITHIN_S:.0f} s") from error


@asynccontextmanager
async def connected(context: Context, login: Login) -> AsyncIterator[aiomqtt.Client]:
    """Log in. Raises MqttError."""
    where = context.address
    async with aiomqtt.Client(
        where.host,
        where.port,
        username=login.user,
        password=login.password,
        identifier=f"talkstick-{secrets.token_hex(6)}",
        tls_context=where.context(),
    ) as client:
        yield client


def request(
    context: Context, login: Login, device: str, body: Mapping[str, Any], *, until: Sequence[str]
) -> dict[str, Any]:
    """Ask something of a device's session; return the first answer that is final: a refusal, or a code of *until*."""
    return run(context, _request(context, login, device, body, until))


async def _request(
    context: Context, login: Login, device: str, body: Mapping[str, Any], until: Sequence[str]
) -> dict[str, Any]:
    prefix, request_id = context.settings.prefix, secrets.token_hex(8)
    async with connected(context, login) as client:
        await client.subscribe(prefix + REPLY.at(device=device, principal=login.user), qos=1)
        payload = json.dumps({"id": request_id, **body})
        await client.publish(prefix + REQUEST.at(device=device, principal=login.user), payload, qos=1)
        async with asyncio.timeout(_ANSWER_WITHIN_S) as patience:
            async for message in client.messages:
                reply = _json(message)
                # The broker refuses without reading, so its refusals carry no id.
                if reply.get("id") not in (request_id, None):
                    continue
                if not reply["ok"] or reply["code"] in until:
                    return reply
                click.echo(f"{reply['code']}, position {reply.get('position')}", err=True)
                patience.reschedule(None)
    raise aiomqtt.MqttError("the connection ended")


def documents(context: Context, login: Login, filters: Sequence[str]) -> dict[str, Any]:
    """Return the retained documents of some filters by topic, or end with why that is not possible."""
    return run(context, retained(context, login, filters))


async def retained(context: Context, login: Login, filters: Sequence[str]) -> dict[str, Any]:
    """Return the retained documents of some filters, and the backend's status, by topic.

    Raises MqttError where no server runs, or it refuses; TimeoutError where it has not served anything yet.
    """
    prefix, last = context.settings.prefix, context.settings.prefix + STATUS.at()
    found: dict[str, Any] = {}
    async with connected(context, login) as client, asyncio.timeout(_ANSWER_WITHIN_S):
        # A broker sends the retained messages of one subscription after the other, and the last is always there.
        for topic_filter in (*(prefix + each for each in filters), last):
            await client.subscribe(topic_filter, qos=1)
        async for message in client.messages:
            topic = str(message.topic)
            found[topic.removeprefix(prefix)] = _json(message)
            if topic == last:
                return found
    raise aiomqtt.MqttError("the connection ended")


def _json(message: aiomqtt.Message) -> dict[str, Any]:
    parsed = json.loads(message.payload if isinstance(message.payload, bytes) else b"{}")
    return parsed if isinstance(parsed, dict) else {}
