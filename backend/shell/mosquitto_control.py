"""A conversation with Mosquitto's dynamic-security plugin: commands as JSON on one topic, answers on another."""

import asyncio
import json
import secrets
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

import aiomqtt

from backend.shell.address import Address
from backend.shell.client import client_at, is_stranger, refused
from backend.shell.mosquitto_rights import ANSWERS, CONTROL
from backend.shell.operator import Login

Command = Mapping[str, Any]

_ANSWER_WITHIN_S = 5.0
_AT_ONCE = 100  # commands in one message
_PAGE = 500  # entries in one answer


class ControlError(aiomqtt.MqttError):
    """Mosquitto cannot be told what it should know; the message says why."""


class CommandError(ControlError):
    """The plugin refused a command; the message is its own."""

    def __init__(self, command: str, message: str) -> None:
        super().__init__(f"Mosquitto refused {command}: {message}")
        self.message = message


class Control:
    """One connection to the plugin. Commands of several callers follow each other."""

    def __init__(self, client: aiomqtt.Client) -> None:
        self._client = client
        self._turn = asyncio.Lock()

    async def run(self, commands: Sequence[Command], tolerate: Collection[str] = ()) -> list[dict[str, Any]]:
        """Run commands in order; return the data of each answer.

        Raises CommandError for the first that was refused with a message that is not to be *tolerated*; those of the
        same message that follow it were run all the same. Raises ControlError where no answer comes.
        """
        found: list[dict[str, Any]] = []
        async with self._turn:
            for start in range(0, len(commands), _AT_ONCE):
                found += await self._answers(commands[start : start + _AT_ONCE])
        for answer in found:
            if "error" in answer and answer["error"] not in tolerate:
                raise CommandError(answer.get("command", "a command"), answer["error"])
        return [answer.get("data", {}) for answer in found]

    async def pages(self, command: str, key: str) -> list[dict[str, Any]]:
        """Return a long list, piece by piece: Mosquitto does nothing else while it writes one."""
        found: list[dict[str, Any]] = []
        while True:
            wanted = {"command": command, "verbose": True, "count": _PAGE, "offset": len(found)}
            (data,) = await self.run([wanted])
            found += data[key]
            if not data[key] or len(found) >= data["totalCount"]:
                return found

    async def _answers(self, commands: Sequence[Command]) -> list[dict[str, Any]]:
        mark = secrets.token_hex(8)
        body = json.dumps({"commands": [{**command, "correlationData": mark} for command in commands]})
        await self._client.publish(CONTROL, body)  # not acknowledged but answered
        found: list[dict[str, Any]] = []
        try:
            async with asyncio.timeout(_ANSWER_WITHIN_S):
                async for message in self._client.messages:
                    found += [each for each in _responses(message) if each.get("correlationData") == mark]
                    if len(found) >= len(commands):
                        return found
        except TimeoutError as error:
            raise ControlError(
                "Mosquitto does not answer on its dynamic-security topics: is the plugin loaded in mosquitto.conf, and"
                " is this the login that `talkstick export mosquitto` made for the server?"
            ) from error
        raise ControlError("the connection ended")


@asynccontextmanager
async def connected(where: Address, login: Login) -> AsyncIterator[Control]:
    """Log in as somebody who may administer the plugin. Raises MqttError, mostly a ControlError."""
    client = client_at(where, login, f"{login.user}-control")
    try:
        await client.__aenter__()
    except aiomqtt.MqttCodeError as error:
        if is_stranger(error):
            raise ControlError(
                f"the broker at {where} refused the login of {login.user}; if it lost its accounts, stop it, and "
                "`talkstick export mosquitto` writes them anew"
            ) from error
        raise ControlError(f"the broker at {where} refused the connection: {error}") from error
    except aiomqtt.MqttError as error:
        raise ControlError(f"no broker answers at {where}: {error}") from error
    try:
        if refused([ANSWERS], await client.subscribe(ANSWERS, qos=1)):
            raise ControlError(f"{login.user} may not administer the dynamic-security plugin of {where}")
        yield Control(client)
    finally:
        await client.__aexit__(None, None, None)


def _responses(message: aiomqtt.Message) -> list[dict[str, Any]]:
    try:
        return list(json.loads(message.payload if isinstance(message.payload, bytes) else b"{}")["responses"])
    except (ValueError, KeyError, TypeError):
        return []
