"""``talkstick watch``: what happens, live."""

import asyncio
import json
import time

import aiomqtt
import click

from backend.cli import mqtt
from backend.cli.context import Context, as_option, json_option, pass_context, printable, text_of
from backend.core.clock import iso
from backend.core.topics import is_filter
from backend.shell.operator import Login

_REFUSED = 0x80  # the SUBACK return code of a failure


@click.command()
@click.argument("topic_filter", metavar="[FILTER]", default="#")
@click.option("--for", "seconds", type=float, help="End after so many seconds.")
@click.option("--count", type=int, help="End after so many messages.")
@as_option
@json_option
@pass_context
def watch(
    context: Context,
    topic_filter: str,
    seconds: float | None,
    count: int | None,
    name: str | None,
    as_json: bool,
) -> None:
    """Show messages as they come, the retained ones first. FILTER is an MQTT topic filter; by default everything."""
    if not is_filter(topic_filter):
        raise click.BadParameter("'#' must be the last level, and '+' a level of its own", param_hint="FILTER")
    login = context.login(name)
    try:
        mqtt.run(context, _watch(context, login, topic_filter, seconds, count, as_json=as_json))
    except KeyboardInterrupt:
        click.echo(err=True)


async def _watch(
    context: Context, login: Login, topic_filter: str, seconds: float | None, count: int | None, *, as_json: bool
) -> None:
    prefix, seen = context.settings.prefix, 0
    async with mqtt.connected(context, login) as client:
        granted = await client.subscribe(prefix + topic_filter, qos=1)
        if any(code == _REFUSED for code in granted):
            raise click.ClickException(f"{login.user} may not subscribe to {topic_filter}")
        try:
            async with asyncio.timeout(seconds):
                async for message in client.messages:
                    click.echo(_line(message, prefix, as_json=as_json))
                    seen += 1
                    if seen == count:
                        return
        except TimeoutError:
            return


def _line(message: aiomqtt.Message, prefix: str, *, as_json: bool) -> str:
    topic = str(message.topic).removeprefix(prefix)
    raw = message.payload if isinstance(message.payload, bytes) else b""
    try:
        body = json.loads(raw)
    except ValueError:
        body = raw.decode(errors="replace")
    if as_json:
        return json.dumps({"at": iso(time.time()), "topic": topic, "retained": message.retain, "payload": body})
    clock = click.style("retained" if message.retain else time.strftime("%H:%M:%S"), dim=True)
    return f"{clock:8} {click.style(printable(topic), fg='cyan')}  {_readable(body)}"


def _readable(body: object) -> str:
    """Return a JSON object as ``key value`` pairs without what is empty."""
    if not isinstance(body, dict):
        return printable(str(body))
    shown = ((key, value) for key, value in body.items() if value not in (None, {}, [], ""))
    return "  ".join(f"{click.style(printable(key), dim=True)} {text_of(value)}" for key, value in shown)
