"""``talkstick stats`` and ``talkstick broadcast``: about the server itself."""

from collections.abc import Iterator, Mapping
from typing import Any

import click

from backend.cli import mqtt, names
from backend.cli.asking import order
from backend.cli.context import Context, as_option, json_option, pass_context, show, text_of
from backend.features.stats.messages import STATS


@click.command()
@as_option
@json_option
@pass_context
def stats(context: Context, name: str | None, as_json: bool) -> None:
    """Show how the server is used, and what it refused.

    Who is connected, what is held, what was asked and how long it took.
    """
    document = mqtt.documents(context, context.login(name), [STATS.at()])[STATS.at()]
    show(document, as_json=as_json, text=lambda: "\n".join(_lines(document)))


@click.command()
@click.argument("message")
@click.option("--channel", type=names.CHANNEL, metavar="NAME", help="Only to who listens to this channel.")
@click.option("--kind", help="What apps may treat differently. [default: notice]")
@as_option
@json_option
@pass_context
def broadcast(
    context: Context, message: str, channel: str | None, kind: str | None, name: str | None, as_json: bool
) -> None:
    """Say something to everybody, on backend/broadcast. For admins."""
    body = {"action": "broadcast", "message": message, "channel": channel, "kind": kind}
    order(context, body, name, until=["broadcast"], as_json=as_json)


def _lines(document: Mapping[str, Any]) -> Iterator[str]:
    """Return the counters for people: what is simple first, then a line for each that has parts."""
    for key, value in document.items():
        if not isinstance(value, dict):
            yield f"{key:12} {text_of(value)}"
    for key, parts in document.items():
        if isinstance(parts, dict) and parts:
            yield f"{key}:"
            yield from (f"  {name:16} {_part(value)}" for name, value in parts.items())


def _part(value: object) -> str:
    if not isinstance(value, dict):
        return text_of(value)
    return "  ".join(f"{name} {_part(inner)}" for name, inner in value.items() if inner not in (None, {})) or "-"
