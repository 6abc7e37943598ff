"""Asking something of a session, or of the server itself, and waiting for the answer."""

import asyncio
import json
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

import aiomqtt
import click

from backend.cli import mqtt
from backend.cli.context import Context, printable, show, text_of
from backend.cli.floors import reply_topic, request_topic, short
from backend.features.sessions.messages import session_topic
from backend.shell.operator import Login

_GIVE_UP_WITHIN_S = 3.0
_AGAIN_S = 0.2
_THAT_WAIT = ("claim", "preempt")


def ask(
    context: Context,
    floor: str,
    body: Mapping[str, Any],
    name: str | None,
    *,
    until: Collection[str],
    as_json: bool,
) -> None:
    """Ask, and show the first answer that is final: a refusal, or a code of *until*; a refusal ends with 1.

    What is None in the *body* is not said. *name*: as whom, if not as the operator.
    """
    ask_at(context, session_topic(floor), body, name, until=until, as_json=as_json)


def order(
    context: Context, body: Mapping[str, Any], name: str | None, *, until: Collection[str], as_json: bool
) -> None:
    """Ask something of the server itself, as an admin, and show the answer likewise."""
    ask_at(context, "backend", body, name, until=until, as_json=as_json)


def ask_at(
    context: Context,
    place: str,
    body: Mapping[str, Any],
    name: str | None,
    *,
    until: Collection[str],
    as_json: bool,
    patience_s: float = 0.0,
) -> None:
    """Ask at a topic that has requests below, and show the answer likewise; for *patience_s* see `patiently`."""
    _show(_asked(context, place, body, name, until, patience_s), as_json=as_json)


def request(
    context: Context, place: str, body: Mapping[str, Any], name: str | None, *, until: Collection[str]
) -> dict[str, Any]:
    """Ask a session, a conversation or the ``backend``; return a code of *until*, or end with the refusal."""
    reply = _asked(context, place, body, name, until)
    if not reply["ok"]:
        raise refused(reply)
    return reply


def _show(reply: Mapping[str, Any], *, as_json: bool) -> None:
    if not reply["ok"] and not as_json:
        raise refused(reply)
    show(reply, as_json=as_json, text=lambda: _text(reply))
    if not reply["ok"]:
        raise SystemExit(1)


def refused(reply: Mapping[str, Any]) -> click.ClickException:
    """Return what to raise for a refusal."""
    return click.ClickException(printable(f"{reply['code']}: {reply.get('message', '')}"))


def _may_wait(place: str) -> str:
    """Return what to tell who may wait on: who was told to wait has its place, without a connection, too."""
    floor = short(place.removesuffix("/session"))
    return (
        "If you waited you still do, and may get it without this command: see"
        f" `talkstick session show {floor}`; `talkstick session leave {floor}` ends the wait"
    )


def _asked(
    context: Context,
    place: str,
    body: Mapping[str, Any],
    name: str | None,
    until: Collection[str],
    patience_s: float = 0.0,
) -> dict[str, Any]:
    given = {key: value for key, value in body.items() if value is not None}

    async def conversation(login: Login) -> dict[str, Any]:
        async with talking(context, login) as asked:
            return await patiently(asked, place, given, until, patience_s)

    return mqtt.run(context, conversation(context.login(name)))


Asked = Callable[[str, Mapping[str, Any], Collection[str]], Awaitable[dict[str, Any]]]
"""Asks something of a place, and returns the answer that is final: a refusal, or one with one of these codes."""


@asynccontextmanager
async def talking(context: Context, login: Login) -> AsyncIterator[Asked]:
    """Log in, in order to ask one thing after the other. Raises MqttError; whoever asks also TimeoutError."""
    async with mqtt.Line(context, login) as line:

        async def asked(place: str, body: Mapping[str, Any], until: Collection[str]) -> dict[str, Any]:
            return await _Talk(line, context.settings.prefix, place, login.user, body).answer(until)

        yield asked


async def patiently(
    asked: Asked, place: str, body: Mapping[str, Any], until: Collection[str], patience_s: float
) -> dict[str, Any]:
    """Ask, and ask again for a while if it is refused: a server takes a moment to notice what was just stored."""
    clock = asyncio.get_running_loop().time
    give_up_at = clock() + patience_s
    while True:
        reply = await asked(place, body, until)
        if reply["ok"] or clock() >= give_up_at:
            return reply
        await asyncio.sleep(_AGAIN_S)


@dataclass(slots=True)
class _Talk:
    """A request to one session. The broker refuses without reading, so its refusals carry no id.

    Who is told to wait asks again on each new connection, always with the same id, which changes nothing: it keeps its
    place in the queue, and hears what was granted meanwhile.
    """

    line: mqtt.Line
    prefix: str
    place: str
    user: str
    body: Mapping[str, Any]
    id: str = field(default_factory=lambda: secrets.token_hex(8))
    waits: bool = False

    async def answer(self, until: Collection[str]) -> dict[str, Any]:
        """Return the final answer. Raises MqttError, and TimeoutError where there is none."""
        try:
            return await self._however_long(until)
        except asyncio.CancelledError:  # Ctrl-C, or the terminal was closed
            if self.body["action"] in _THAT_WAIT and not await self._gives_up():
                click.echo(_may_wait(self.place), err=True)
            raise
        except aiomqtt.MqttError as error:
            if self.body["action"] in _THAT_WAIT and not self.waits:
                raise click.ClickException(f"the connection broke ({error}). {_may_wait(self.place)}") from error
            raise

    async def _however_long(self, until: Collection[str]) -> dict[str, Any]:
        while True:
            try:
                return await self._asked(until)
            except (aiomqtt.MqttError, TimeoutError) as error:
                if not self.waits:
                    raise
                await self.line.again(error)

    async def _asked(self, until: Collection[str]) -> dict[str, Any]:
        """Ask, and return the final answer. The first one must come soon; after that, it takes as long as it takes."""
        await self.line.client.subscribe(self.prefix + reply_topic(self.place, self.user), qos=1)
        await self._say(self.id, self.body)
        async with asyncio.timeout(mqtt.ANSWER_WITHIN_S) as patience:
            async for reply in self._replies():
                if reply.get("id") not in (self.id, None):
                    continue
                if not reply["ok"] or reply["code"] in until:
                    return reply
                click.echo(_text(reply), err=True)
                self.waits = True
                patience.reschedule(None)
        raise aiomqtt.MqttError("the connection ended")

    async def _gives_up(self) -> bool:
        """Leave the queue, and tell whether that is sure; what was granted in this very moment is given back."""
        with suppress(aiomqtt.MqttError, TimeoutError):
            async with asyncio.timeout(_GIVE_UP_WITHIN_S):
                leave = secrets.token_hex(8)
                await self._say(leave, {"action": "leave"})
                async for reply in self._replies():
                    if reply.get("id") == self.id and reply["code"] == "granted":
                        await self._say(secrets.token_hex(8), {"action": "release", "fence": reply["fence"]})
                    if reply.get("id") == leave:
                        click.echo("you wait no longer", err=True)
                        return True
        return False

    async def _say(self, request_id: str, body: Mapping[str, Any]) -> None:
        topic = self.prefix + request_topic(self.place, self.user)
        await self.line.client.publish(topic, json.dumps({"id": request_id, **body}), qos=1)

    async def _replies(self) -> AsyncIterator[dict[str, Any]]:
        async for message in self.line.client.messages:
            yield mqtt.body_of(message)


def _text(reply: Mapping[str, Any]) -> str:
    told = (f"{key} {text_of(value)}" for key, value in reply.items() if key not in ("id", "ok", "code"))
    return ", ".join([printable(reply["code"]), *told])
