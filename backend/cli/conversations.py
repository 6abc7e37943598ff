"""The commands of ``talkstick voice`` about what was said, and to let a device say something.

All but the clean-up are asked of the server, which knows who may read what.
"""

import asyncio
import math
from collections.abc import Iterator, Mapping
from typing import Any

import click

from backend.cli import names
from backend.cli.asking import request
from backend.cli.context import (
    Context,
    as_option,
    json_option,
    pass_context,
    read_name,
    show,
    show_all,
    show_one,
    text_of,
)
from backend.features.voice.messages import CONVERSATION, MAX_HISTORY
from backend.shell.voice.recordings import FOLDER, prune

_TOLD = ("at", "user", "heard", "answer", "by", "code", "key")


device_argument = click.argument("device", type=names.DEVICE, callback=read_name)


@click.command("history")
@device_argument
@click.option("--limit", type=click.IntRange(1, MAX_HISTORY), help="How many turns at most.")
@click.option("--before", type=int, metavar="KEY", help="Only turns before this one: to leaf through.")
@as_option
@json_option
@pass_context
def history(
    context: Context, device: str, limit: int | None, before: int | None, name: str | None, as_json: bool
) -> None:
    """Show what was said on a device, the newest first.

    For its owner and admins.
    """
    body = {"action": "history", "limit": limit, "before": before}
    turns = _asked(context, device, body, name, "history")["turns"]
    rows = turns if as_json else [{key: turn.get(key) for key in _TOLD} for turn in turns]
    show_all(rows, as_json=as_json, empty=f"Nothing was said on {device} yet, or it is forgotten.")


@click.command("forget")
@device_argument
@click.option("--yes", is_flag=True, help="Do not ask.")
@as_option
@json_option
@pass_context
def forget(context: Context, device: str, yes: bool, name: str | None, as_json: bool) -> None:
    """Forget what was said on a device, and its cache of phrases.

    For its owner and admins.
    """
    if not yes:
        click.confirm(f"Forget all that was said on {device}?", abort=True)
    reply = _asked(context, device, {"action": "forget"}, name, "forgotten")
    _show_counts({"turns": reply["turns_deleted"], "phrases": reply["phrases_deleted"]}, as_json=as_json)


@click.command("stats")
@click.argument("device", required=False, type=names.DEVICE, callback=read_name)
@as_option
@json_option
@pass_context
def stats(context: Context, device: str | None, name: str | None, as_json: bool) -> None:
    """Show how much is said on a device, or on all of them.

    Of one device for its owner and admins; of all for admins.
    """
    if device is not None:
        found = _asked(context, device, {"action": "stats"}, name, "stats")["stats"]
    else:
        found = request(context, "backend", {"action": "conversations"}, name, until=["conversations"])["stats"]
    recent = found.get("recent", [])
    show(found, as_json=as_json, text=lambda: "\n".join(_lines(found)))
    if recent and not as_json:
        show_all(recent, as_json=False, empty="")


@click.command("cleanup")
@click.option(
    "--days",
    type=click.FloatRange(min=0, min_open=True),
    help="For how long nothing was said. [default: the setting conversation_days]",
)
@json_option
@pass_context
def cleanup(context: Context, days: float | None, as_json: bool) -> None:
    """Forget the conversations of devices on which nothing was said for a while.

    A server does so once an hour. It need not run for this.
    """
    if days is not None and not math.isfinite(days):
        raise click.BadParameter(f"{days} is no number of days", param_hint="--days")
    days = context.settings.conversation_days if days is None else days
    gone = context.memory.clean_up(days, context.now())
    begun = asyncio.run(context.memory.begun())
    if begun is not None:
        try:
            prune(context.settings.data / FOLDER, begun, context.now())
        except OSError as error:
            raise click.ClickException(f"a recording cannot be removed: {error}") from error
    _show_counts(gone, as_json=as_json)


@click.command("say")
@device_argument
@click.argument("text")
@click.option("--language", help="Of the text. [default: the device's]")
@as_option
@json_option
@pass_context
def say(context: Context, device: str, text: str, language: str | None, name: str | None, as_json: bool) -> None:
    """Let a device say something.

    Where it is heard in sessions only, that is for the holder and admins.
    """
    reply = _asked(context, device, {"action": "say", "text": text, "language": language}, name, "said")
    show_one({"device": device, "turn": reply["turn"]}, as_json=as_json)


@click.command("stop")
@device_argument
@as_option
@json_option
@pass_context
def stop(context: Context, device: str, name: str | None, as_json: bool) -> None:
    """End what a device says or hears at the moment."""
    _asked(context, device, {"action": "stop"}, name, "stopped")
    show_one({"device": device, "stopped": True}, as_json=as_json)


def _asked(context: Context, device: str, body: Mapping[str, Any], name: str | None, code: str) -> dict[str, Any]:
    return request(context, CONVERSATION.at(device=device), body, name, until=[code])


def _lines(stats: Mapping[str, Any]) -> Iterator[str]:
    return (f"{key:17} {text_of(value)}" for key, value in stats.items() if key != "recent")


def _show_counts(gone: Mapping[str, int], *, as_json: bool) -> None:
    """Show how much of what is forgotten."""
    told = ", ".join(f"{count} {what}" for what, count in gone.items())
    show(
        {f"{what}_deleted": count for what, count in gone.items()}, as_json=as_json, text=lambda: f"Forgotten: {told}."
    )
