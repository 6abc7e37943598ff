"""The commands of ``talkstick trigger`` about its profiles. All are asked of the server, in somebody's name."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from math import isfinite
from typing import Any, TypeVar, get_args

import click

from backend.cli import names
from backend.cli.asking import ask_at, request
from backend.cli.context import Context, as_option, json_option, pass_context, read_name, show_all
from backend.core.messages import Message
from backend.features.triggers.messages import MAX_RUNS, PROFILES
from backend.features.triggers.plan import Condition, Mode, Plan, RunMode, Window
from backend.features.triggers.plan_text import (
    CONDITION,
    WINDOW,
    condition_text,
    read_condition,
    read_window,
    value_of,
    value_text,
    window_text,
)
from backend.shell.triggers import TriggerError

M = TypeVar("M", bound=Message)

NOTICED_WITHIN_S = 5.0
"""How long to wait for a server to notice what was added or changed; it should take half a second."""

_TOLD = ("profile", "session", "mode", "owner", "started_at", "ended_at", "reason", "delivered", "code", "key")
_SETTINGS = {
    "run": "run",
    "most": "most",
    "every": "every_s",
    "max": "max_s",
    "for": "for_s",
    "cooldown": "cooldown_s",
    "when": "when",
    "window": "windows",
    "config": "config",
}


def _reader(read: Callable[[str], Message]) -> Callable[..., list[dict[str, Any]] | None]:
    """Return what reads an option that may be repeated."""

    def callback(_context: click.Context, _parameter: click.Parameter, texts: tuple[str, ...]) -> Any:
        try:
            return [read(text).model_dump(mode="json", exclude_defaults=True) for text in texts] or None
        except ValueError as error:
            raise click.BadParameter(str(error)) from error

    return callback


def _config(_context: click.Context, _parameter: click.Parameter, texts: tuple[str, ...]) -> dict[str, Any] | None:
    pairs = [text.partition("=") for text in texts]
    for key, equals, _ in pairs:
        if not key or not equals:
            raise click.BadParameter(f"{key!r} is not of the form KEY=VALUE")
    return {key: value_of(value) for key, _, value in pairs} or None


def seconds(text: str) -> float:
    """Read a number of seconds; help calls it by this name."""
    if not isfinite(value := float(text)):
        raise ValueError(text)
    return value


_OPTIONS = (
    click.option("--run", type=click.Choice(get_args(RunMode)), help="Of one_shot: when activated while it runs."),
    click.option("--most", type=int, help="How many run (parallel), or wait (queued), at most."),
    click.option("--every", "every_s", type=seconds, help="Of monitoring: seconds from one repetition to the next."),
    click.option("--max", "max_s", type=seconds, help="How many seconds a run may last."),
    click.option("--for", "for_s", type=seconds, help="How many seconds it must hold before it is activated."),
    click.option("--cooldown", "cooldown_s", type=seconds, help="Seconds of rest after the last action delivered."),
    click.option(
        "--when",
        multiple=True,
        callback=_reader(read_condition),
        metavar="CONDITION",
        help=f"Only if this is so: {CONDITION}. If repeated, all of them.",
    ),
    click.option(
        "--window",
        "windows",
        multiple=True,
        callback=_reader(read_window),
        metavar="WINDOW",
        help=f"Only then: {WINDOW}. If repeated, within one of them.",
    ),
    click.option(
        "--config",
        multiple=True,
        callback=_config,
        metavar="KEY=VALUE",
        help="What the profile's templates see as config.KEY; may be repeated.",
    ),
    click.option("--on/--off", "enabled", default=None, help="Whether it runs at all."),
)
trigger_argument = click.argument("trigger", type=names.TRIGGER, callback=read_name)
profile_argument = click.argument("profile", type=names.PROFILE)


def _plan_options(function: Callable[..., None]) -> Callable[..., None]:
    for option in reversed(_OPTIONS):
        function = option(function)
    return function


@click.command("subscribe")
@trigger_argument
@profile_argument
@click.option("--mode", required=True, type=click.Choice(get_args(Mode)), help="Once, or for as long as it lasts.")
@_plan_options
@as_option
@json_option
@pass_context
def subscribe(context: Context, /, trigger: str, profile: str, name: str | None, as_json: bool, **plan: Any) -> None:
    """Let a profile run with a trigger.

    In your name, and with your rights only: `talkstick trigger subscribe hall greeter --mode one_shot --cooldown 60
    --when "$.lux < 20 until 30" --window "mon-fri 08:00-18:00"`. Times of the day are the server's.
    """
    body = {"action": "subscribe", "profile": profile, **plan}
    patience_s, place = patience(context, [trigger], [profile]), PROFILES.at(trigger=trigger)
    ask_at(context, place, body, name, until=["subscribed"], as_json=as_json, patience_s=patience_s)


@click.command("change")
@trigger_argument
@profile_argument
@click.option("--mode", type=click.Choice(get_args(Mode)), help="Once, or for as long as it lasts.")
@_plan_options
@click.option(
    "--unset", type=click.Choice(list(_SETTINGS)), multiple=True, help="Back to the default; may be repeated."
)
@as_option
@json_option
@pass_context
def change(
    context: Context,
    /,
    trigger: str,
    profile: str,
    unset: tuple[str, ...],
    name: str | None,
    as_json: bool,
    **plan: Any,
) -> None:
    """Change a subscription. For its owner and admins.

    Only what is given. What may be repeated (--when, --window, --config) takes the place of all there was of it.
    """
    given = {key: value for key, value in plan.items() if value is not None}
    back = {_SETTINGS[each] for each in unset}
    if both := back & given.keys():
        raise click.UsageError(f"{both.pop()}: set it or unset it, not both")
    if not given and not back:
        raise click.UsageError("say what to change")
    body = {"action": "change", "profile": profile, "set": {**given, **_defaults(back)}}
    ask_at(context, PROFILES.at(trigger=trigger), body, name, until=["changed"], as_json=as_json)


@click.command("unsubscribe")
@trigger_argument
@profile_argument
@as_option
@json_option
@pass_context
def unsubscribe(context: Context, trigger: str, profile: str, name: str | None, as_json: bool) -> None:
    """End a subscription. For its owner and admins.

    What runs of it ends, too.
    """
    body = {"action": "unsubscribe", "profile": profile}
    ask_at(context, PROFILES.at(trigger=trigger), body, name, until=["unsubscribed"], as_json=as_json)


@click.command("stop")
@trigger_argument
@profile_argument
@as_option
@json_option
@pass_context
def stop(context: Context, trigger: str, profile: str, name: str | None, as_json: bool) -> None:
    """End what runs of a profile now. For its owner and admins.

    A monitoring one begins again with the next activation.
    """
    body = {"action": "stop", "profile": profile}
    ask_at(context, PROFILES.at(trigger=trigger), body, name, until=["run_stopped"], as_json=as_json)


@click.command("subscriptions")
@trigger_argument
@as_option
@json_option
@pass_context
def subscriptions(context: Context, trigger: str, name: str | None, as_json: bool) -> None:
    """List the profiles of a trigger.

    How each of them runs is shown as `subscribe` takes it.
    """
    found = request(context, PROFILES.at(trigger=trigger), {"action": "list"}, name, until=["subscriptions"])
    rows = found["subscriptions"] if as_json else [_row(each) for each in found["subscriptions"]]
    empty = f"No profile runs with {trigger} yet: talkstick trigger subscribe {trigger} PROFILE --mode MODE"
    show_all(rows, as_json=as_json, empty=empty)


@click.command("runs")
@trigger_argument
@click.option("--profile", type=names.PROFILE, help="Of this profile only.")
@click.option("--limit", type=click.IntRange(1, MAX_RUNS), help="How many at most.")
@click.option("--before", type=int, metavar="KEY", help="Only runs before this one: to leaf through.")
@as_option
@json_option
@pass_context
def runs(
    context: Context,
    trigger: str,
    profile: str | None,
    limit: int | None,
    before: int | None,
    name: str | None,
    as_json: bool,
) -> None:
    """List the runs that are over.

    The newest first, and why each ended.
    """
    body = {"action": "runs", "profile": profile, "limit": limit, "before": before}
    found = request(context, PROFILES.at(trigger=trigger), body, name, until=["runs"])["runs"]
    rows = found if as_json else [{key: each.get(key) for key in _TOLD} for each in found]
    show_all(rows, as_json=as_json, empty=f"Nothing has run with {trigger} yet.")


def patience(context: Context, triggers: Iterable[str], profiles: Iterable[str] = ()) -> float:
    """Return for how many seconds a server may not have noticed these: none, unless one was added just now."""
    try:
        found = [context.triggers.get("trigger", trigger) for trigger in triggers]
        found += [context.triggers.get("profile", profile) for profile in profiles]
    except TriggerError:
        return 0.0
    age = min((context.now() - each.created_at for each in found), default=NOTICED_WITHIN_S)
    return NOTICED_WITHIN_S if age < NOTICED_WITHIN_S else 0.0


def _defaults(keys: set[str]) -> dict[str, Any]:
    fields = Plan.model_fields
    return {key: fields[key].get_default(call_default_factory=True) for key in keys}


def _row(subscription: Mapping[str, Any]) -> dict[str, Any]:
    plan = subscription["plan"]
    return {
        "profile": subscription["profile"],
        "owner": subscription["owner"],
        "mode": plan["mode"],
        "how": "  ".join(_how(plan)),
    }


def _how(plan: Mapping[str, Any]) -> Iterator[str]:
    """Yield what a plan says beyond its mode, as options of `subscribe`."""
    for name, key in _SETTINGS.items():
        for text in _texts(key, plan[key]) if key in plan else ():
            yield f"--{name} {text}"
    if not plan.get("enabled", True):
        yield "--off"


def _texts(key: str, value: Any) -> list[str]:
    """Return one setting as it is given; what may be repeated as several."""
    match key:
        case "when":
            return [f'"{condition_text(Condition.model_validate(each))}"' for each in value]
        case "windows":
            return [f'"{window_text(Window.model_validate(each))}"' for each in value]
        case "config":
            return [f"{name}={value_text(each)}" for name, each in value.items()]
        case _:
            return [value_text(value)]
