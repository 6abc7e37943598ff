"""``talkstick trigger apply`` and ``export``: triggers, profiles and subscriptions as one file."""

import asyncio
import json
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import TextIO

import aiomqtt
import click

from backend.cli import mqtt
from backend.cli.asking import patiently, refused, talking
from backend.cli.context import Context, as_option, json_option, pass_context, printable
from backend.cli.profiles import file_argument, read_yaml
from backend.cli.setup import (
    Setup,
    Step,
    Subscribed,
    Subscriptions,
    as_written,
    definition_steps,
    read_setup,
    subscription_steps,
)
from backend.cli.subscriptions import NOTICED_WITHIN_S, patience
from backend.core.facts import Definition
from backend.features.triggers.messages import PROFILES
from backend.features.triggers.plan import Plan
from backend.shell.operator import Login
from backend.shell.triggers import TriggerError, What

_SOME_LEFT = 3  # 2 is click's, for what was not understood
_MADE = ("subscribed", "changed", "unsubscribed")


@click.command("apply")
@file_argument
@click.option("--prune", is_flag=True, help="Remove what is not in the file.")
@click.option("--dry-run", "dry", is_flag=True, help="Only say what would change.")
@as_option
@json_option
@pass_context
def apply(context: Context, file: TextIO, prune: bool, dry: bool, name: str | None, as_json: bool) -> None:
    """Make triggers, profiles and subscriptions as a file says.

    What is so already stays as it is, and so does what is not in the file. All of it is checked before anything is
    changed. Subscriptions need a running server, and are made in your name; one that is to be somebody else's is left
    as it is. Ends with 3 where one was left, and with 1 where something could not be made so.

    \b
    profiles:
      greeter:
        start: [{do: speak, device: speaker-1, text: Hello}]
    triggers:
      hall:
        owner: pir-1
        profiles:
          greeter: {mode: one_shot, cooldown_s: 60, windows: ["mon-fri 08:00-18:00"], when: ["$.lux < 20 until 30"]}
    """  # noqa: D301 - click's mark of what is not to be wrapped
    done: list[Step] = []

    def tell(step: Step) -> None:
        done.append(step)
        if not as_json:
            click.echo(printable(step.text(dry=dry)))

    try:
        setup = read_setup(read_yaml(file))
        _check(context, setup, prune=prune)
        _make(context, setup, name, tell, prune=prune, dry=dry)
    except TriggerError as error:
        raise click.ClickException(str(error)) from error
    if as_json:
        click.echo(json.dumps([step.record() for step in done]))
    elif not done:
        click.echo("Everything is so already.")
    if any(step.verb == "leave" for step in done):
        raise SystemExit(_SOME_LEFT)


@click.command("export")
@as_option
@pass_context
def export(context: Context, name: str | None) -> None:
    """Write triggers, profiles and subscriptions as `apply` reads them.

    With all secrets that stand in them. Subscriptions need a running server.
    """
    from backend.cli import yaml_files  # noqa: PLC0415 - takes a moment, and few commands need it

    profiles, triggers = context.triggers.definitions("profile"), context.triggers.definitions("trigger")
    known: Subscriptions = {}
    try:
        known = asyncio.run(_known(context, context.login(name), triggers))
    except (aiomqtt.MqttError, TimeoutError):
        click.echo("Without subscriptions: no server answers.", err=True)
    click.echo(yaml_files.written(as_written(Setup(profiles, triggers, known))), nl=False)


def _check(context: Context, setup: Setup, *, prune: bool) -> None:
    """Insist that all of it can be made so. Raises TriggerError."""
    for name, definition in setup.profiles.items():
        context.triggers.check("profile", name, definition)
    for name, definition in setup.triggers.items():
        context.triggers.check("trigger", name, definition)
    profiles = set(setup.profiles) | set(() if prune else context.triggers.definitions("profile"))
    for trigger, profile in setup.subscriptions:
        if profile not in profiles:
            raise TriggerError(f"trigger {trigger}: there is no profile {profile}")


def _make(
    context: Context, setup: Setup, name: str | None, tell: Callable[[Step], None], *, prune: bool, dry: bool
) -> None:
    """Make it so, unless it is *dry*, and tell each step once it is done. Raises TriggerError."""
    stored: Mapping[What, Mapping[str, Definition]] = {
        "profile": context.triggers.definitions("profile"),
        "trigger": context.triggers.definitions("trigger"),
    }
    definitions = list(definition_steps(setup, stored, prune=prune))
    there = [trigger for trigger in setup.triggers if trigger in stored["trigger"]]
    asks: list[Step] = []
    if setup.subscriptions or (prune and there):
        login = context.login(name)  # and the server is there, before anything is stored
        known = mqtt.run(context, _known(context, login, there))
        asks = list(subscription_steps(setup, known, login.user, prune=prune))
    if not dry:
        context.triggers.put([step.put for step in definitions if step.put is not None], context.now())
    for step in definitions:
        tell(step)
    if dry or not asks:
        for step in asks:
            tell(step)
    else:
        mqtt.run(context, _ask(context, login, asks, tell, NOTICED_WITHIN_S if definitions else 0.0))


async def _ask(
    context: Context, login: Login, steps: Sequence[Step], tell: Callable[[Step], None], patience_s: float
) -> None:
    """Ask for all of these, one after the other."""
    async with talking(context, login) as asked:
        for step in steps:
            if step.body is not None:
                place = PROFILES.at(trigger=str(step.trigger))
                reply = await patiently(asked, place, step.body, _MADE, patience_s)
                if not reply["ok"]:
                    raise refused(reply)
            tell(step)


async def _known(context: Context, login: Login, triggers: Collection[str]) -> Subscriptions:
    """Return the subscriptions of some triggers."""
    known: dict[tuple[str, str], Subscribed] = {}
    patience_s = patience(context, triggers)
    async with talking(context, login) as asked:
        for trigger in triggers:
            place = PROFILES.at(trigger=trigger)
            reply = await patiently(asked, place, {"action": "list"}, ["subscriptions"], patience_s)
            if not reply["ok"]:
                raise refused(reply)
            for each in reply["subscriptions"]:
                known[trigger, each["profile"]] = Subscribed(Plan.model_validate(each["plan"]), each["owner"])
    return known
