"""``talkstick session …``: who holds what, and taking part in it."""

from collections.abc import Mapping
from typing import Any

import click

from backend.cli import mqtt
from backend.cli.asking import request
from backend.cli.context import Context, as_option, json_option, pass_context, show, show_all, text_of
from backend.cli.floors import SESSIONS, floor_argument, named, short
from backend.core.clock import moment
from backend.features.presence.messages import PRESENCE
from backend.features.sessions.messages import session_topic

_TOLD = ("fence", "user", "started_at", "held_s", "type", "reason", "by", "input", "output")


@click.command("list")
@as_option
@json_option
@pass_context
def list_(context: Context, name: str | None, as_json: bool) -> None:
    """List the sessions of all devices and channels."""
    found = mqtt.documents(context, context.login(name), [*SESSIONS, PRESENCE.filter])
    floors = sorted(topic.removesuffix("/session") for topic in found if topic.endswith("/session"))
    rows = [_row(floor, found) for floor in floors]
    show_all(rows, as_json=as_json, empty="Nothing to hold yet: talkstick device add NAME, talkstick channel add NAME")


@click.command("show")
@floor_argument
@as_option
@json_option
@pass_context
def show_(context: Context, floor: str, name: str | None, as_json: bool) -> None:
    """Show the session document of a device or channel."""
    topic = session_topic(floor)
    document = mqtt.documents(context, context.login(name), [topic]).get(topic)
    if document is None:
        raise click.ClickException(f"no {named(floor)}")
    if document["expires_at"] is not None:  # what is retained counts from when it was published
        document["expires_in_s"] = round(max(0.0, moment(document["expires_at"]) - context.now()), 1)
    show(
        document,
        as_json=as_json,
        text=lambda: "\n".join(f"{key:14} {text_of(value)}" for key, value in document.items()),
    )


@click.command("history")
@floor_argument
@click.option("--limit", type=click.IntRange(1, 100), help="How many at most.")
@click.option("--before", type=int, metavar="FENCE", help="Only those with a lower fence: to leaf through.")
@as_option
@json_option
@pass_context
def history(
    context: Context, floor: str, limit: int | None, before: int | None, name: str | None, as_json: bool
) -> None:
    """List the sessions that are over, the newest first.

    Who, when, how each ended, with its input and output.
    """
    body = {"action": "history", "limit": limit, "before": before}
    sessions = request(context, session_topic(floor), body, name, until=["history"])["sessions"]
    rows = sessions if as_json else [{key: each.get(key) for key in _TOLD} for each in sessions]
    show_all(rows, as_json=as_json, empty=f"Nobody has had {short(floor)} yet.")


def _row(floor: str, found: Mapping[str, Any]) -> dict[str, Any]:
    document, presence = found[session_topic(floor)], found.get(f"{floor}/presence", {})
    return {
        "floor": short(floor),
        "presence": presence.get("state"),
        "state": document["state"],
        "holder": document["holder"],
        "type": document["type"],
        "until": document["expires_at"],
        "waiting": [place["user"] for place in document["queue"]],
        "fence": document["fence"],
    }
