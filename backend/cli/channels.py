"""``talkstick channel …``: floors with no hardware behind them."""

from typing import Any

import click

from backend.cli import mqtt, names
from backend.cli.context import Context, day, json_option, pass_context, printable, show, show_all, text_of
from backend.cli.floors import reply_topic, request_topic
from backend.cli.policies import own_rules, policy_command, rules_argument
from backend.core.floors import Rule, channel_floor
from backend.features.channels.messages import BROADCAST, DATA
from backend.features.sessions.messages import session_topic
from backend.shell.floors import Channel, FloorError


@click.command("add")
@click.argument("name")
@rules_argument
@click.option("--name", "display_name", help="How people call it. [default: NAME]")
@json_option
@pass_context
def add(context: Context, name: str, given: dict[str, Rule], display_name: str | None, as_json: bool) -> None:
    """Add a channel; print its topics.

    RULE=VALUE sets how it is shared; `talkstick channel policy NAME` shows all rules.
    """
    try:
        context.floors.add_channel(Channel(name, display_name or name, context.now()), given)
        record = _record(context, context.floors.channel(name))
    except FloorError as error:
        raise click.ClickException(str(error)) from error
    record["topics"] = _topics(context, name)
    show(record, as_json=as_json, text=lambda: _text(record))


@click.command("list")
@json_option
@pass_context
def list_(context: Context, as_json: bool) -> None:
    """List the channels."""
    channels = [_record(context, each) for each in context.floors.channels()]
    show_all(channels, as_json=as_json, empty="No channels yet: talkstick channel add NAME")


@click.command("show")
@click.argument("name", type=names.CHANNEL)
@json_option
@pass_context
def show_(context: Context, name: str, as_json: bool) -> None:
    """Show one channel and its topics; who has the floor right now, too, if the server runs."""
    try:
        record = _record(context, context.floors.channel(name))
    except FloorError as error:
        raise click.ClickException(str(error)) from error
    record["topics"] = _topics(context, name)
    record |= mqtt.live(context, {"session": session_topic(channel_floor(name))})
    show(record, as_json=as_json, text=lambda: _text(record))


policy = policy_command("channel", channel_floor)


@click.command("rm")
@click.argument("name", type=names.CHANNEL)
@click.option("--yes", is_flag=True, help="Do not ask.")
@pass_context
def rm(context: Context, name: str, yes: bool) -> None:
    """Remove a channel and its rules: its session ends, who waits is told, its topics are cleared."""
    try:
        context.floors.channel(name)
        if not yes:
            click.confirm(f"Remove {name}?", abort=True)
        context.floors.remove_channel(name)
    except FloorError as error:
        raise click.ClickException(str(error)) from error
    click.echo(f"Removed {name}.")


def _record(context: Context, found: Channel) -> dict[str, Any]:
    return {
        "channel": found.name,
        "name": found.display_name,
        "since": day(found.created_at),
        "rules": own_rules(context, channel_floor(found.name)),
    }


def _topics(context: Context, name: str) -> dict[str, str]:
    """Return the topics of a channel by what they are for; NAME is whoever takes part."""
    prefix = context.settings.prefix
    floor = prefix + channel_floor(name)
    return {
        "session": session_topic(floor),
        "request": request_topic(session_topic(floor), "NAME"),
        "reply": reply_topic(session_topic(floor), "NAME"),
        "data": prefix + DATA.at(channel=name, principal="NAME"),
        "broadcast": prefix + BROADCAST.at(channel=name),
    }


def _text(record: dict[str, Any]) -> str:
    topics = record["topics"]
    lines = [
        f"Channel {record['channel']} ({printable(record['name'])}), since {record['since']}",
        *(f"  rule       {rule} = {text_of(value)}" for rule, value in record["rules"].items()),
        f"  who sends  {topics['session']}",
        f'  ask        {topics["request"]}   {{"action":"claim"}}',
        f"  answers    {topics['reply']}",
        f"  send       {topics['data']}   for who has the floor",
        f"  listen     {topics['broadcast']}",
        *(f"  {key:14} {text_of(value)}" for key, value in record.get("session", {}).items()),
    ]
    return "\n".join(lines)
