"""``talkstick user …``: the accounts of people and integrations."""

from typing import Any

import click

from backend.cli import mqtt, names
from backend.cli.context import (
    Context,
    day,
    json_option,
    pass_context,
    printable,
    read_secret,
    show,
    show_all,
    show_one,
)
from backend.core.principals import PEOPLE, Principal, Role
from backend.features.clients.messages import PRESENCE
from backend.shell import operator
from backend.shell.accounts import Account, AccountError, new_secret
from backend.shell.operator import Login

stdin_option = click.option("--password-stdin", is_flag=True, help="Read the password from standard input.")


def _check_topics(context: click.Context, _parameter: click.Parameter, filters: tuple[str, ...]) -> tuple[str, ...]:
    """Insist on filters that an account may be given."""
    outside = context.ensure_object(Context).rights.rules.outside
    try:
        for each in filters:
            outside.check(each)
    except ValueError as error:
        raise click.BadParameter(str(error)) from error
    return filters


@click.command("add")
@click.argument("name")
@click.option("--name", "display_name", help="How people call it. [default: NAME]")
@click.option(
    "--role",
    type=click.Choice(sorted(role.value for role in PEOPLE)),
    default=Role.USER.value,
    show_default=True,
    help="What it may do.",
)
@click.option(
    "--topics",
    metavar="FILTER",
    multiple=True,
    callback=_check_topics,
    help="What it may use outside of Talkstick's topics; may be repeated. See `user topics`.",
)
@stdin_option
@json_option
@pass_context
def add(
    context: Context,
    name: str,
    display_name: str | None,
    role: str,
    topics: tuple[str, ...],
    password_stdin: bool,
    as_json: bool,
) -> None:
    """Add an account; its password is made here and shown once."""
    secret = read_secret() if password_stdin else new_secret()
    try:
        who = Principal(name, Role(role), display_name or name, topics=topics)
        context.told_accounts.add(who, secret, context.now(), generated=not password_stdin)
    except AccountError as error:
        raise click.ClickException(str(error)) from error
    _show_secret(name, role, None if password_stdin else secret, as_json=as_json, done="Added")


@click.command("list")
@json_option
@pass_context
def list_(context: Context, as_json: bool) -> None:
    """List the accounts."""
    people = [account for account in context.accounts.all() if account.role in PEOPLE]
    show_all(
        [_record(account) for account in people], as_json=as_json, empty="No accounts yet: talkstick user add NAME"
    )


@click.command("show")
@click.argument("name", type=names.USER)
@json_option
@pass_context
def show_(context: Context, name: str, as_json: bool) -> None:
    """Show one account; which apps of it are there right now, too, if the server runs."""
    account = existing(context, name, device=False)
    record = _record(account) | {"topics": list(account.topics)}
    show_one(record | mqtt.live(context, {"presence": PRESENCE.at(principal=name)}), as_json=as_json)


@click.command("passwd")
@click.argument("name", type=names.USER)
@stdin_option
@json_option
@pass_context
def passwd(context: Context, name: str, password_stdin: bool, as_json: bool) -> None:
    """Give an account a new password, shown once; the old one is void."""
    account = existing(context, name, device=False)
    secret = read_secret() if password_stdin else new_secret()
    change_secret(context, name, secret, generated=not password_stdin)
    kept = operator.read(context.settings.data)
    if kept is not None and kept.user == name:
        operator.write(context.settings.data, Login(name, secret))
    _show_secret(name, account.role.value, None if password_stdin else secret, as_json=as_json, done="Changed")


@click.command("rm")
@click.argument("name", type=names.USER)
@click.option("--yes", is_flag=True, help="Do not ask.")
@pass_context
def rm(context: Context, name: str, yes: bool) -> None:
    """Remove an account: its session ends, and it leaves all queues."""
    remove(context, name, yes=yes, device=False)


def topics_command(*, device: bool) -> click.Command:
    """Return the command ``topics`` of devices, or of people and integrations."""

    @click.command("topics")
    @click.argument("name", type=names.DEVICE if device else names.USER)
    @click.option("--add", "more", metavar="FILTER", multiple=True, callback=_check_topics, help="May be repeated.")
    @click.option("--remove", "fewer", metavar="FILTER", multiple=True, help="May be repeated.")
    @json_option
    @pass_context
    def command(context: Context, name: str, more: tuple[str, ...], fewer: tuple[str, ...], as_json: bool) -> None:
        """Show or change what an account may use outside of Talkstick's topics: zigbee2mqtt/#, frigate/+/motion.

        It may publish and receive what a FILTER covers (+ is one level, # all that follow), a listener only receive.
        A server that runs follows within a second; a program that was refused before that must subscribe again. Admins
        may use all of it unasked.
        """
        role = existing(context, name, device=device).role
        try:
            if more or fewer:
                context.accounts.change_topics(name, more, fewer)
        except AccountError as error:
            raise click.ClickException(str(error)) from error
        found = list(context.accounts.get(name).topics)
        none = "An admin may use them all." if role is Role.ADMIN else f"{name} has no topics of its own."
        record = {"device" if device else "user": name, "topics": found}
        show(record, as_json=as_json, text=lambda: "\n".join(map(printable, found)) or none)

    return command


topics = topics_command(device=False)


def existing(context: Context, name: str, *, device: bool) -> Account:
    """Return the account, or end with a message that there is no such device, or no such user."""
    try:
        account = context.accounts.get(name)
    except AccountError as error:
        message = f"there is no device {name}; see `talkstick device list`" if device else str(error)
        raise click.ClickException(message) from error
    if account.role is Role.CLAIM:
        raise click.ClickException(f"{name} is a claim code; use `talkstick device code`")
    if (account.role is Role.DEVICE) != device:
        raise click.ClickException(
            f"{name} is a {account.role.value}; use `talkstick {'user' if device else 'device'}`"
        )
    return account


def change_secret(context: Context, name: str, secret: str, *, generated: bool) -> None:
    """Give an account another secret, or end with why that is not possible."""
    try:
        context.told_accounts.set_secret(name, secret, generated=generated)
    except AccountError as error:
        raise click.ClickException(str(error)) from error


def remove(context: Context, name: str, *, yes: bool, device: bool) -> None:
    """Remove an account after a question."""
    existing(context, name, device=device)
    if not yes:
        click.confirm(f"Remove {name}?", abort=True)
    try:
        context.told_accounts.remove(name)
    except AccountError as error:
        raise click.ClickException(str(error)) from error
    click.echo(f"Removed {name}.")


def _record(account: Account) -> dict[str, Any]:
    return {
        "user": account.name,
        "name": account.display_name,
        "role": account.role.value,
        "since": day(account.created_at),
    }


def _show_secret(name: str, role: str, secret: str | None, *, as_json: bool, done: str) -> None:
    record = {"user": name, "role": role, "password": secret}
    shown = f"   password: {secret}   (shown once)" if secret is not None else ""
    show(record, as_json=as_json, text=lambda: f"{done} {role} {name}{shown}")
