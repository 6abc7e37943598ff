"""``talkstick device policy`` and ``talkstick channel policy``: how something is shared."""

from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any

import click

from backend.cli import names
from backend.cli.context import Context, json_option, pass_context, show_all
from backend.cli.floors import short
from backend.core.floors import Rule
from backend.features.sessions.policy import PolicyError, effective, meanings, read_rule, rules_of_policy
from backend.shell.floors import FloorError, default_policy
from backend.shell.names import Kind


def _read(_context: click.Context, _parameter: click.Parameter, values: tuple[str, ...]) -> dict[str, Rule]:
    try:
        return dict(map(read_rule, values))
    except PolicyError as error:
        raise click.BadParameter(str(error)) from error


rules_argument = click.argument("given", metavar="[RULE=VALUE]...", nargs=-1, callback=_read)


unset_option = click.option("--unset", metavar="NAME", multiple=True, help="Back to the default; may be repeated.")


def policy_command(what: Kind, floor_of: Callable[[str], str]) -> click.Command:
    """Return the command ``policy`` of devices, or of channels."""

    @click.command("policy", help=_help(what))
    @click.argument("name", type=names.Name(what), metavar=what.upper())
    @rules_argument
    @unset_option
    @json_option
    @pass_context
    def command(context: Context, name: str, given: dict[str, Rule], unset: tuple[str, ...], as_json: bool) -> None:
        floor, named = floor_of(name), {*given, *unset}
        try:
            if named:
                _change(context, floor, given, unset)
            rows = [row for row in _rows(context, floor) if not named or row["rule"] in named]
        except FloorError as error:
            raise click.ClickException(str(error)) from error
        show_all(rows, as_json=as_json, empty=f"{short(floor)} has no such rules any more.")

    return command


def check_unset(
    what: str, unset: Collection[str], given: Collection[str], known: Collection[str], error: type[Exception]
) -> None:
    """Insist that what goes back to its default is there, and not set at the same time. Raises *error*."""
    for name in unset:
        if name in given:
            raise error(f"{name}: set it or unset it, not both")
        if name not in known:
            raise error(f"there is no {what} {name!r}")


def explained(
    what: str, values: Mapping[str, Any], defaults: Mapping[str, Any], own: Collection[str], about: Mapping[str, str]
) -> Iterator[dict[str, Any]]:
    """Yield what is in force as rows: each name, its value, the default, where it comes from, what it is about."""
    for name, value in values.items():
        origin = "own" if name in own else "default"
        yield {what: name, "value": value, "default": defaults[name], "from": origin, "meaning": about[name]}


def own_rules(context: Context, floor: str) -> dict[str, Rule]:
    """Return the rules by which a floor differs from all others."""
    return dict(context.floors.rules_of(floor))


def _help(what: str) -> str:
    return (
        f"Show how a {what} is shared: each rule, its value, the default, and what it is about.\n\n"
        f"With RULE=VALUE, set rules of this {what} alone; a server that runs follows within a second."
        " Times in seconds."
    )


def _change(context: Context, floor: str, given: dict[str, Rule], unset: tuple[str, ...]) -> None:
    check_unset("rule", unset, given, meanings().keys() | own_rules(context, floor).keys(), FloorError)
    context.floors.change_rules(floor, default_policy(context.settings, floor), given, unset)


def _rows(context: Context, floor: str) -> Iterator[dict[str, Any]]:
    rules, default = context.floors.rules_of(floor), default_policy(context.settings, floor)
    values, defaults = dict(rules_of_policy(effective(default, rules))), dict(rules_of_policy(default))
    return explained("rule", values, defaults, dict(rules), meanings())
