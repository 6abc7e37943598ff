"""``talkstick watch``: what happens, live."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Collection
from contextlib import suppress

import aiomqtt
import click

from backend.app.table import TABLE
from backend.cli import mqtt
from backend.cli.context import Context, as_option, json_option, pass_context, printable, text_of
from backend.core.clock import iso
from backend.core.refusals import Refused
from backend.core.topics import is_filter
from backend.features.stats.messages import STATS
from backend.features.voice.frames import Frame
from backend.shell.client import refused

_EVERYTHING = "#"


@click.command()
@click.argument("topic_filter", metavar="[FILTER]", default=_EVERYTHING)
@click.option("--for", "seconds", type=click.FloatRange(min=0, min_open=True), help="End after so many seconds.")
@click.option("--count", type=click.IntRange(min=1), help="End after so many messages.")
@click.option("--audio", is_flag=True, help="Also tell each piece of audio: there are fifty a second.")
@as_option
@json_option
@pass_context
def watch(
    context: Context,
    topic_filter: str,
    seconds: float | None,
    count: int | None,
    audio: bool,
    name: str | None,
    as_json: bool,
) -> None:
    """Show messages as they come, the retained ones first.

    FILTER is an MQTT topic filter; by default everything but backend/stats, which comes every 5 s. When the connection
    is lost, it is made again, and the retained ones come once more.
    """
    if not is_filter(topic_filter):
        raise click.BadParameter("'#' must be the last level, and '+' a level of its own", param_hint="FILTER")
    login = context.login(name)

    async def shown() -> None:
        hidden = {STATS.at()} if topic_filter == _EVERYTHING else set()
        async with mqtt.Line(context, login) as line:
            heard = _heard(line, context.settings.prefix + topic_filter, login.user)
            messages = _messages(heard, context.settings.prefix, audio=audio, hidden=hidden)
            with suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await _show(messages, count, as_json=as_json)

    try:
        mqtt.run(context, shown())
    except KeyboardInterrupt:
        click.echo(err=True)


async def _heard(line: mqtt.Line, topic_filter: str, user: str) -> AsyncIterator[aiomqtt.Message]:
    """Yield what comes, on one connection after the other; what is retained comes with each of them."""
    while True:
        try:
            if refused([topic_filter], await line.client.subscribe(topic_filter, qos=1)):
                raise click.ClickException(f"{user} may not subscribe to {topic_filter}")
            async for message in line.client.messages:
                yield message
        except aiomqtt.MqttError as error:
            await line.again(error)


async def _messages(
    heard: AsyncIterator[aiomqtt.Message], prefix: str, *, audio: bool, hidden: Collection[str]
) -> AsyncIterator[tuple[str, object, bool]]:
    """Yield each message that is not on a *hidden* topic: its topic, what is in it, and whether it is retained."""
    async for message in heard:
        topic = str(message.topic).removeprefix(prefix)
        found = TABLE.find(topic)
        is_audio = found is not None and found[0].is_binary
        if (audio or not is_audio) and topic not in hidden:
            raw = message.payload if isinstance(message.payload, bytes) else b""
            yield topic, _audio(raw) if is_audio else _content(raw), message.retain


async def _show(messages: AsyncIterator[tuple[str, object, bool]], count: int | None, *, as_json: bool) -> None:
    seen = 0
    async for topic, body, retained in messages:
        click.echo(_line(topic, body, retained=retained, as_json=as_json))
        seen += 1
        if seen == count:
            return


def _content(raw: bytes) -> object:
    try:
        return json.loads(raw)
    except ValueError:
        return raw.decode(errors="replace")


def _audio(raw: bytes) -> object:
    """Return what can be told of a frame; of a whole utterance, its size."""
    with suppress(Refused):
        frame = Frame.read(raw)
        flags = [flag.name for flag in frame.flags if flag.name is not None]
        return {"frame": frame.seq, "codec": frame.codec.name, "bytes": len(frame.payload), "flags": " ".join(flags)}
    return {"bytes": len(raw)}


def _line(topic: str, body: object, *, retained: bool, as_json: bool) -> str:
    if as_json:
        return json.dumps({"at": iso(time.time()), "topic": topic, "retained": retained, "payload": body})
    clock = click.style("retained" if retained else time.strftime("%H:%M:%S"), dim=True)
    return f"{clock:8} {click.style(printable(topic), fg='cyan')}  {_readable(body)}"


def _readable(body: object) -> str:
    """Return a JSON object as ``key value`` pairs without what is empty."""
    if not isinstance(body, dict):
        return printable(str(body))
    shown = ((key, value) for key, value in body.items() if value not in (None, {}, [], ""))
    return "  ".join(f"{click.style(printable(key), dim=True)} {text_of(value)}" for key, value in shown)
