"""``talkstick trigger …``: what there is to react to."""

from collections.abc import Callable, Mapping
from typing import Any

import click

from backend.cli import mqtt, names
from backend.cli.context import Context, day, json_option, pass_context, printable, show, show_all, text_of
from backend.cli.floors import reply_topic, request_topic
from backend.core.facts import Definition
from backend.features.triggers.messages import PROFILES, TRIGGER
from backend.features.triggers.plan_text import value_of
from backend.shell.triggers import Defined, TriggerError

_OF_SOURCE = ("topic", "path", "active", "inactive")
_SETTINGS = ("name", "kind", "owner", "source", "path", "active", "inactive", "off-after")
_KEYS = {"source": "topic", "off-after": "off_after_s"}


def _values(_context: click.Context, _parameter: click.Parameter, texts: tuple[str, ...]) -> list[Any] | None:
    return [value_of(text) for text in texts] or None


_OPTIONS = (
    click.option("--name", help="How people call it."),
    click.option("--level", "kind", flag_value="level", default=None, help="Active until it is not. [default]"),
    click.option("--pulse", "kind", flag_value="pulse", help="Each message is an activation."),
    click.option(
        "--owner",
        type=names.ACCOUNT,
        metavar="NAME",
        help="Who publishes whether it is active: a device, or an account.",
    ),
    click.option("--source", "topic", metavar="TOPIC", help="The MQTT topic (filter) that tells, instead of an owner."),
    click.option("--path", metavar="PATH", help="Of a source: the JSON path to the value, like `$.contact`."),
    click.option("--active", metavar="VALUE", multiple=True, callback=_values, help="Means active; may be repeated."),
    click.option(
        "--inactive", metavar="VALUE", multiple=True, callback=_values, help="Means inactive; may be repeated."
    ),
    click.option("--off-after", "off_after_s", type=float, help="Inactive after so many seconds without a message."),
)


def _definition_options(function: Callable[..., None]) -> Callable[..., None]:
    for option in reversed(_OPTIONS):
        function = option(function)
    return function


@click.command("add")
@click.argument("trigger_id", metavar="ID")
@_definition_options
@json_option
@pass_context
def add(context: Context, /, trigger_id: str, as_json: bool, **options: Any) -> None:
    """Add a trigger; print its topics.

    `talkstick trigger add hall --owner pir-1`, or, of a sensor that knows nothing of Talkstick,
    `talkstick trigger add door --source zigbee2mqtt/door --path '$.contact' --active false`. Of a number, 0 means
    inactive; where a threshold matters, leave --path out and let a subscription say `--when "$.temperature > 30"`.
    """
    try:
        context.triggers.add("trigger", trigger_id, _defined({}, options), context.now())
        record = _record(context, context.triggers.get("trigger", trigger_id))
    except TriggerError as error:
        raise click.ClickException(str(error)) from error
    show(record, as_json=as_json, text=lambda: _text(record))


@click.command("set")
@click.argument("trigger_id", type=names.TRIGGER, metavar="ID")
@_definition_options
@click.option("--unset", type=click.Choice(_SETTINGS), multiple=True, help="Back to the default; may be repeated.")
@json_option
@pass_context
def set_(context: Context, /, trigger_id: str, unset: tuple[str, ...], as_json: bool, **options: Any) -> None:
    """Change what is said of a trigger.

    Only what is given; a server that runs follows within a second. An owner takes the place of a source,
    and the other way round.
    """
    if not unset and all(value is None for value in options.values()):
        raise click.UsageError("say what to change")
    try:
        context.triggers.change("trigger", trigger_id, lambda before: _defined(before, options, unset))
        record = _record(context, context.triggers.get("trigger", trigger_id))
    except TriggerError as error:
        raise click.ClickException(str(error)) from error
    show(record, as_json=as_json, text=lambda: _text(record))


@click.command("list")
@json_option
@pass_context
def list_(context: Context, as_json: bool) -> None:
    """List the triggers.

    Whether they are active, and how many profiles they have, too, if the server runs.
    """
    found = mqtt.living(context, [PROFILES.filter])
    rows = [_row(each, found.get(PROFILES.at(trigger=each.name))) for each in context.triggers.all("trigger")]
    show_all(rows, as_json=as_json, empty="No triggers yet: talkstick trigger add ID")


@click.command("show")
@click.argument("trigger_id", type=names.TRIGGER, metavar="ID")
@json_option
@pass_context
def show_(context: Context, trigger_id: str, as_json: bool) -> None:
    """Show one trigger and its topics.

    How it stands, and its profiles, too, if the server runs.
    """
    try:
        record = _record(context, context.triggers.get("trigger", trigger_id))
    except TriggerError as error:
        raise click.ClickException(str(error)) from error
    record |= mqtt.live(context, {"live": PROFILES.at(trigger=trigger_id)})
    show(record, as_json=as_json, text=lambda: _text(record))


@click.command("rm")
@click.argument("trigger_id", type=names.TRIGGER, metavar="ID")
@click.option("--yes", is_flag=True, help="Do not ask.")
@pass_context
def rm(context: Context, trigger_id: str, yes: bool) -> None:
    """Remove a trigger.

    Its subscriptions end, and what runs of them; its topics are cleared.
    """
    try:
        context.triggers.get("trigger", trigger_id)
        if not yes:
            topic = PROFILES.at(trigger=trigger_id)
            lines = mqtt.living(context, [topic]).get(topic, {}).get("profiles", [])
            ends = f", which ends {', '.join(line['profile'] for line in lines)}" if lines else ""
            click.confirm(f"Remove {trigger_id}{ends}?", abort=True)
        context.triggers.remove("trigger", trigger_id)
    except TriggerError as error:
        raise click.ClickException(str(error)) from error
    click.echo(f"Removed {trigger_id}.")


def _defined(before: Definition, options: Mapping[str, Any], unset: tuple[str, ...] = ()) -> Definition:
    """Return a definition with what was given put in, and taken out what was *unset*."""
    gone = {_KEYS.get(name, name) for name in unset}
    given = {key: value for key, value in options.items() if value is not None}
    if both := gone & given.keys():
        raise TriggerError(f"{both.pop()}: set it or unset it, not both")
    if "owner" in given or "topic" in gone:
        gone |= set(_OF_SOURCE)
    if "topic" in given:
        gone.add("owner")
    elif ("source" not in before or "topic" in gone) and (idle := given.keys() & set(_OF_SOURCE)):
        raise TriggerError(f"--{min(idle)} goes with --source")
    flat = {**before, **before.get("source", {}), **given}
    kept = {key: value for key, value in flat.items() if key != "source" and (key in given or key not in gone)}
    source = {key: kept.pop(key) for key in _OF_SOURCE if key in kept}
    return {**kept, "source": source} if source else kept


def _record(context: Context, found: Defined) -> dict[str, Any]:
    prefix, profiles = context.settings.prefix, PROFILES.at(trigger=found.name)
    return {
        "trigger": found.name,
        "definition": dict(found.definition),
        "since": day(found.created_at),
        "topics": {
            "trigger": prefix + TRIGGER.at(trigger=found.name),
            "profiles": prefix + profiles,
            "request": prefix + request_topic(profiles, "NAME"),
            "reply": prefix + reply_topic(profiles, "NAME"),
        },
    }


def _row(found: Defined, live: Mapping[str, Any] | None) -> dict[str, Any]:
    source = found.definition.get("source", {})
    return {
        "trigger": found.name,
        "name": found.definition.get("name"),
        "kind": found.definition.get("kind", "level"),
        "owner": found.definition.get("owner"),
        "source": source.get("topic"),
        "active": live["active"] if live is not None else None,
        "profiles": len(live["profiles"]) if live is not None else None,
    }


def _told_by(definition: Definition) -> str:
    """Return who publishes whether the trigger is active, as people read it."""
    if "source" in definition:
        return "shown on"
    return "owner tells" if "owner" in definition else "admins tell"


def _text(record: dict[str, Any]) -> str:
    definition, topics, live = record["definition"], record["topics"], record.get("live")
    told = {key: value for key, value in definition.items() if key not in ("name", "source")}
    told |= {f"source {key}": value for key, value in definition.get("source", {}).items()}
    name = f" ({printable(definition['name'])})" if definition.get("name") else ""
    lines = [
        f"Trigger {record['trigger']}{name}, since {record['since']}",
        *(f"  {key:16} {text_of(value)}" for key, value in told.items()),
        f'  {_told_by(definition):16} {topics["trigger"]}   {{"active":true}}',
        f"  {'profiles':16} {topics['profiles']}",
        f'  {"ask":16} {topics["request"]}   {{"action":"subscribe","profile":"…","mode":"one_shot"}}',
        f"  {'answers':16} {topics['reply']}",
    ]
    if live is not None:
        since = f" since {live['since']}" if live.get("since") else ""
        lines.append(f"  {'active':16} {'yes' if live['active'] else 'no'}{since}")
        lines += [
            f"  {line['profile']:16} {line['state']}, {line['mode']}, {line['owner']}'s" for line in live["profiles"]
        ]
    return "\n".join(lines)
