"""The commands of ``talkstick session`` that ask something of a session."""

import json
from collections.abc import Callable
from typing import Any

import click

from backend.cli import names
from backend.cli.asking import ask
from backend.cli.context import Context, as_option, json_option, pass_context
from backend.cli.floors import floor_argument


def _request(function: Callable[..., None]) -> click.Command:
    """Make a command of a function that gets *context*, *floor*, *name* and *as_json*, besides its own options."""
    for decorated in (pass_context, json_option, as_option, floor_argument):
        function = decorated(function)
    return click.command()(function)


def _plain(action: str, code: str, text: str) -> click.Command:
    """Make a command that needs no options."""

    @_request
    def command(context: Context, floor: str, name: str | None, as_json: bool) -> None:
        ask(context, floor, {"action": action}, name, until=[code], as_json=as_json)

    command.name, command.help = action, text
    return command


def _object(_context: click.Context, _parameter: click.Parameter, text: str | None) -> dict[str, Any] | None:
    """Insist on a JSON object."""
    try:
        data = json.loads(text) if text is not None else {}
    except json.JSONDecodeError as error:
        raise click.BadParameter(f"not JSON: {error}") from error
    if not isinstance(data, dict):
        raise click.BadParameter("not a JSON object")
    return data if text is not None else None


type_option = click.option("--type", "type_", help="What the session is for.")
input_option = click.option("--input", "data", callback=_object, help="Parameters for the device, a JSON object.")
client_option = click.option("--client", help="Which app of yours asks.")
lease_option = click.option("--lease", type=float, help="Seconds the session lasts without activity.")


@_request
@type_option
@input_option
@lease_option
@click.option("--priority", type=int, help="Of the place in the queue: higher is sooner.")
@client_option
@click.option("--wait", is_flag=True, help="Wait in the queue, and here, until it is granted. Ctrl-C leaves the queue.")
def claim(
    context: Context,
    floor: str,
    type_: str | None,
    data: dict[str, Any] | None,
    lease: float | None,
    priority: int | None,
    client: str | None,
    wait: bool,
    name: str | None,
    as_json: bool,
) -> None:
    """Claim a device, or the floor of a channel.

    The session lasts as long as its lease, also when this command has ended. On a channel a claim waits in the queue
    even if this command does not.
    """
    body = {"action": "claim", "type": type_, "input": data, "lease_s": lease, "priority": priority, "client": client}
    until = ["granted"] if wait else ["granted", "queued"]
    ask(context, floor, {**body, "wait": wait}, name, until=until, as_json=as_json)


@_request
@lease_option
def renew(context: Context, floor: str, lease: float | None, name: str | None, as_json: bool) -> None:
    """Let the lease run from now again."""
    ask(context, floor, {"action": "renew", "lease_s": lease}, name, until=["renewed"], as_json=as_json)


@_request
@click.argument("data", metavar="JSON", callback=_object)
def update(context: Context, floor: str, data: dict[str, Any], name: str | None, as_json: bool) -> None:
    """Merge keys into the input of your session.

    A null removes a key.
    """
    ask(context, floor, {"action": "update", "input": data}, name, until=["updated"], as_json=as_json)


@_request
@click.option("--to", "user", type=names.USER, help="To whom. [default: the first in the queue]")
@click.option("--wait", is_flag=True, help="Wait here until it is taken, declined, or the offer is over.")
def offer(context: Context, floor: str, user: str | None, wait: bool, name: str | None, as_json: bool) -> None:
    """Offer your session to somebody else.

    With its input and output; it stays yours until it is accepted.
    """
    until = ["handed_over"] if wait else ["offered"]
    ask(context, floor, {"action": "offer", "to": user}, name, until=until, as_json=as_json)


@_request
@lease_option
@client_option
def accept(
    context: Context, floor: str, lease: float | None, client: str | None, name: str | None, as_json: bool
) -> None:
    """Take over the session that is offered to you."""
    body = {"action": "accept", "lease_s": lease, "client": client}
    ask(context, floor, body, name, until=["granted"], as_json=as_json)


@_request
@click.option("--lease", type=float, help="For how many seconds.")
def observe(context: Context, floor: str, lease: float | None, name: str | None, as_json: bool) -> None:
    """Be counted among those who look on."""
    ask(context, floor, {"action": "observe", "lease_s": lease}, name, until=["observing"], as_json=as_json)


@_request
@click.option("--user", type=names.USER, help="Whom. [default: the holder]")
def kick(context: Context, floor: str, user: str | None, name: str | None, as_json: bool) -> None:
    """End a session, or somebody's wait. For admins."""
    ask(context, floor, {"action": "kick", "user": user}, name, until=["kicked"], as_json=as_json)


@_request
@click.option("--user", type=names.USER, help="Whom. [default: the first in the queue]")
def promote(context: Context, floor: str, user: str | None, name: str | None, as_json: bool) -> None:
    """Give it to one who waits; the holder is the next. For admins."""
    ask(context, floor, {"action": "promote", "user": user}, name, until=["promoted"], as_json=as_json)


@_request
@type_option
@input_option
@lease_option
@client_option
@click.option("--in", "in_s", type=float, help="After so many seconds; the holder is told.")
@click.option("--no-requeue", is_flag=True, help="The holder loses its place; else it is the next.")
@click.option("--why", help="What the holder is told.")
@click.option("--wait", is_flag=True, help="Wait here until it is granted. Ctrl-C gives up.")
def preempt(
    context: Context,
    floor: str,
    type_: str | None,
    data: dict[str, Any] | None,
    lease: float | None,
    client: str | None,
    in_s: float | None,
    no_requeue: bool,
    why: str | None,
    wait: bool,
    name: str | None,
    as_json: bool,
) -> None:
    """Take it for yourself, at once or after a notice. For admins."""
    mine = {"type": type_, "input": data, "lease_s": lease, "client": client}
    body = {"action": "preempt", **mine, "in_s": in_s, "requeue": not no_requeue, "why": why}
    until = ["granted"] if wait else ["granted", "preempting"]
    ask(context, floor, body, name, until=until, as_json=as_json)


release = _plain("release", "released", "Give it back.")
leave = _plain("leave", "left", "Leave the queue.")
decline = _plain("decline", "declined", "Do not take what is offered; or take your own offer back.")
unobserve = _plain("unobserve", "unobserved", "Be counted no longer.")
demote = _plain("demote", "demoted", "Give it to the next; the holder waits on, as the last. For admins.")
reset = _plain("reset", "reset", "Say in place of a device that it is clean. For admins.")
