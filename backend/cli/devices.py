"""``talkstick device …``: the boards that there are."""

from typing import Any

import click

from backend.cli import mqtt, names
from backend.cli.context import Context, day, json_option, pass_context, show_all, show_one
from backend.cli.policies import own_rules, policy_command
from backend.cli.users import existing, remove, topics_command
from backend.core.floors import device_floor
from backend.core.principals import Role
from backend.features.presence.messages import PRESENCE
from backend.features.sessions.messages import SESSION
from backend.shell.accounts import Account, AccountError


@click.command("list")
@json_option
@pass_context
def list_(context: Context, as_json: bool) -> None:
    """List the devices."""
    devices = [_record(account) for account in context.accounts.all() if account.role is Role.DEVICE]
    show_all(devices, as_json=as_json, empty="No devices yet: talkstick device add NAME")


@click.command("show")
@click.argument("name", type=names.DEVICE)
@json_option
@pass_context
def show_(context: Context, name: str, as_json: bool) -> None:
    """Show one device; how it is right now, too, if the server runs."""
    account = existing(context, name, device=True)
    record: dict[str, Any] = _record(account) | {"topics": list(account.topics)}
    record["rules"] = own_rules(context, device_floor(name))
    record |= mqtt.live(context, {"presence": PRESENCE.at(device=name), "session": SESSION.at(device=name)})
    show_one(record, as_json=as_json)


policy = policy_command("device", device_floor)
topics = topics_command(device=True)


@click.command("owner")
@click.argument("name", type=names.DEVICE)
@click.argument("owner", required=False, type=names.OWNER)
@click.option("--none", "nobody", is_flag=True, help="Let it be nobody's.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@pass_context
def owner_(context: Context, name: str, owner: str | None, nobody: bool, yes: bool) -> None:
    """Show whose a device is, or give it to OWNER.

    What is said to a device, and what it answers, only its owner and admins may read; a server that runs follows
    within a second. What was said to it under another owner is forgotten, after a question. Listeners and devices own
    nothing.
    """
    if owner is not None and nobody:
        raise click.ClickException("give it to OWNER or to nobody (--none), not both")
    found = existing(context, name, device=True)
    if owner is None and not nobody:
        click.echo(_whose(name, found.owner))
        return
    try:
        if owner is not None:
            context.accounts.check_owner(owner)
        forgets = found.owner not in (None, owner)
        if forgets and not yes:
            click.confirm(f"Forget what was said to {name} while it was {found.owner}'s?", abort=True)
        context.accounts.set_owner(name, owner)
        if forgets:
            click.echo(f"What was said to it while it was {found.owner}'s is forgotten.")
    except AccountError as error:
        raise click.ClickException(str(error)) from error
    click.echo(_whose(name, owner))


@click.command("rm")
@click.argument("name", type=names.DEVICE)
@click.option("--yes", is_flag=True, help="Do not ask.")
@pass_context
def rm(context: Context, name: str, yes: bool) -> None:
    """Remove a device: its session ends, who waits is told, its topics are cleared."""
    remove(context, name, yes=yes, device=True)


def _record(account: Account) -> dict[str, Any]:
    return {
        "device": account.name,
        "name": account.display_name,
        "hardware": account.hardware,
        "owner": account.owner,
        "since": day(account.created_at),
    }


def _whose(name: str, owner: str | None) -> str:
    return f"{name} is {owner}'s." if owner is not None else f"{name} is nobody's."
