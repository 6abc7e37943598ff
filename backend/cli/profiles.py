"""``talkstick profile …``: what is done when a trigger is active. Only operators write profiles."""

from collections.abc import Mapping
from textwrap import wrap
from typing import Any, TextIO, get_args

import click
from pydantic.fields import FieldInfo

from backend.cli import mqtt, names
from backend.cli.context import Context, day, json_option, pass_context, show, show_all
from backend.core.facts import Definition
from backend.features.triggers.actions import AnyAction
from backend.features.triggers.messages import PROFILES
from backend.features.triggers.templates import NAMES
from backend.shell.triggers import Defined, TriggerError

_MASK = "***"
_PHASES = ("start", "repeat", "end")
_WIDTH = 100  # of the help, which click does not wrap where it has lines of its own


def _actions_text() -> str:
    lines = ["\b", "What can be done. With `optional: true` what comes after it is done even where it fails."]
    for action in get_args(get_args(AnyAction)[0]):
        fields = dict(action.model_fields)
        name, *_ = get_args(fields.pop("do").annotation)
        del fields["optional"]
        lines += ["", "\b", *wrap(f"{name}: {action.__doc__}", _WIDTH)]
        for key, field in fields.items():
            lines += wrap(_key_text(key, field), _WIDTH, initial_indent="  ", subsequent_indent=" " * 13)
    seen = f"Texts are templates (Jinja), which see {', '.join(sorted(NAMES))}."
    return "\n".join([*lines, "", "\b", *wrap(seen, _WIDTH)])


def _key_text(key: str, field: FieldInfo) -> str:
    default = "[required]" if field.is_required() else f"[{field.default}]" if field.default else ""
    return f"{key:10} {field.description or ''} {default}".rstrip()


file_argument = click.argument("file", metavar="FILE.yaml|-", type=click.File(encoding="utf-8"))


@click.command("add", epilog=_actions_text())
@click.argument("profile_id", metavar="ID")
@file_argument
@json_option
@pass_context
def add(context: Context, profile_id: str, file: TextIO, as_json: bool) -> None:
    """Add a profile, as a file says: its name, and the actions of start, repeat and end.

    \b
    name: Greeter
    start:
      - do: speak
        device: speaker-1
        text: Hello, {{ data.name }}
    """  # noqa: D301 - click's mark of what is not to be wrapped
    try:
        context.triggers.add("profile", profile_id, read_yaml(file), context.now())
        record = _record(context.triggers.get("profile", profile_id))
    except TriggerError as error:
        raise click.ClickException(str(error)) from error
    show(
        record,
        as_json=as_json,
        text=lambda: f"Added profile {profile_id}: talkstick trigger subscribe TRIGGER {profile_id} --mode one_shot",
    )


@click.command("set", epilog=_actions_text())
@click.argument("profile_id", type=names.PROFILE, metavar="ID")
@file_argument
@json_option
@pass_context
def set_(context: Context, profile_id: str, file: TextIO, as_json: bool) -> None:
    """Replace what a profile does.

    A server that runs follows within a second.
    """
    given = read_yaml(file)
    try:
        context.triggers.change("profile", profile_id, lambda _before: given)
        record = _record(context.triggers.get("profile", profile_id))
    except TriggerError as error:
        raise click.ClickException(str(error)) from error
    show(record, as_json=as_json, text=lambda: f"Changed profile {profile_id}.")


@click.command("list")
@json_option
@pass_context
def list_(context: Context, as_json: bool) -> None:
    """List the profiles.

    Which triggers they are subscribed to, too, if the server runs.
    """
    used = _used(context)
    rows = [_row(each, used) for each in context.triggers.all("profile")]
    show_all(rows, as_json=as_json, empty="No profiles yet: talkstick profile add ID FILE.yaml")


@click.command("show")
@click.argument("profile_id", type=names.PROFILE, metavar="ID")
@json_option
@pass_context
def show_(context: Context, profile_id: str, as_json: bool) -> None:
    """Show what a profile does, as YAML.

    What the headers of its web calls say is left out.
    """
    from backend.cli import yaml_files  # noqa: PLC0415 - takes a moment, and few commands need it

    try:
        record = _record(context.triggers.get("profile", profile_id))
    except TriggerError as error:
        raise click.ClickException(str(error)) from error
    show(record, as_json=as_json, text=lambda: yaml_files.written(record["definition"]).rstrip())


@click.command("rm")
@click.argument("profile_id", type=names.PROFILE, metavar="ID")
@click.option("--yes", is_flag=True, help="Do not ask.")
@pass_context
def rm(context: Context, profile_id: str, yes: bool) -> None:
    """Remove a profile.

    Its subscriptions end, and what runs of them.
    """
    try:
        context.triggers.get("profile", profile_id)
        if not yes:
            triggers = (_used(context) or {}).get(profile_id)
            ends = f", which ends its subscriptions to {', '.join(triggers)}" if triggers else ""
            click.confirm(f"Remove {profile_id}{ends}?", abort=True)
        context.triggers.remove("profile", profile_id)
    except TriggerError as error:
        raise click.ClickException(str(error)) from error
    click.echo(f"Removed {profile_id}.")


def read_yaml(file: TextIO) -> dict[str, Any]:
    """Return what stands in a file, or end with what is wrong with it."""
    from backend.cli import yaml_files  # noqa: PLC0415 - takes a moment, and few commands need it

    try:
        return yaml_files.read(file.read())
    except ValueError as error:  # also what is no UTF-8
        raise click.ClickException(f"{file.name}: {error}") from error


def _used(context: Context) -> Mapping[str, list[str]] | None:
    """Return the triggers that each profile is subscribed to; None where no server runs."""
    found = mqtt.living(context, [PROFILES.filter])
    if not found:
        return None
    used: dict[str, list[str]] = {}
    for topic, document in sorted(found.items()):
        levels = PROFILES.match(topic)
        for line in document.get("profiles", ()) if levels is not None else ():
            used.setdefault(line["profile"], []).append(levels["trigger"])  # type: ignore[index]
    return used


def _record(found: Defined) -> dict[str, Any]:
    return {"profile": found.name, "since": day(found.created_at), "definition": _masked(found.definition)}


def _masked(definition: Definition) -> dict[str, Any]:
    """Return a definition without what may be secret in it."""
    return {key: [_without(each) for each in value] if key in _PHASES else value for key, value in definition.items()}


def _without(action: Mapping[str, Any]) -> dict[str, Any]:
    headers = action.get("headers")
    return {**action, **({"headers": dict.fromkeys(headers, _MASK)} if headers else {})}


def _row(found: Defined, used: Mapping[str, list[str]] | None) -> dict[str, Any]:
    return {
        "profile": found.name,
        "name": found.definition.get("name"),
        **{phase: [action["do"] for action in found.definition.get(phase, ())] for phase in _PHASES},
        "triggers": used.get(found.name, []) if used is not None else None,
    }
