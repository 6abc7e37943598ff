"""``talkstick device …``: provisioning boards."""

from typing import Any

import click

from backend.cli import flashing, mqtt, names
from backend.cli.boards import broker as broker_of
from backend.cli.boards import broker_lines, host_option
from backend.cli.codes import WantedCode, code_options, make_code, show_code
from backend.cli.context import Context, day, json_option, pass_context, show, show_all, show_one
from backend.cli.flashing import Flash, Wanted, nvs_options
from backend.cli.policies import own_rules, policy_command
from backend.cli.users import change_secret, existing, remove, topics_command
from backend.core.flash import Key
from backend.core.floors import device_floor
from backend.core.ids import device_id
from backend.core.principals import Principal, Role
from backend.features.presence.messages import HEARTBEAT, INFO, PRESENCE, STATUS
from backend.features.sessions.messages import COMMAND, RESULT, SESSION
from backend.features.voice.messages import AUDIO, CONVERSATION, SPEECH
from backend.shell.accounts import Account, AccountError, new_secret


@click.command("add")
@click.argument("what", metavar="MAC|UUID|NAME")
@click.option("--name", "display_name", help="How people call it. [default: the id]")
@click.option("--owner", type=names.OWNER, metavar="NAME", help="Whose it is; see `device owner`. [default: nobody's]")
@host_option
@code_options
@nvs_options
@json_option
@pass_context
def add(
    context: Context,
    what: str,
    display_name: str | None,
    owner: str | None,
    host: str | None,
    wanted: Wanted | None,
    wanted_code: WantedCode | None,
    as_json: bool,
) -> None:
    """Provision a board; print what it needs to know, its secret once, or put it into an image (--nvs).

    With --code there is no secret yet: the board makes one, by a claim code that it is given; see `device code`.
    """
    secret, broker, made = new_secret(), broker_of(context, host), None
    try:
        name = device_id(what)
        who = Principal(name, Role.DEVICE, display_name or name, owner)
        with flashing.flash(context, wanted, name, broker) as flash:
            context.told_accounts.add(who, secret, context.now(), hardware=what, generated=True)
            made = make_code(context, name, wanted_code, flash) if wanted_code is not None else None
            if made is None:
                _fill(flash, name, secret)
    except (AccountError, ValueError) as error:
        raise click.ClickException(str(error)) from error
    if made is not None:
        show_code(context, made, broker, flash, as_json=as_json)
    else:
        _show_board(context, name, secret, broker, flash, as_json=as_json)


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


@click.command("rotate")
@click.argument("name", type=names.DEVICE)
@host_option
@nvs_options
@json_option
@pass_context
def rotate(context: Context, name: str, host: str | None, wanted: Wanted | None, as_json: bool) -> None:
    """Give a board a new secret, shown once, or put into an image (--nvs); the old one is void."""
    existing(context, name, device=True)
    secret, broker = new_secret(), broker_of(context, host)
    with flashing.flash(context, wanted, name, broker) as flash:
        change_secret(context, name, secret, generated=True)
        _fill(flash, name, secret)
    _show_board(context, name, secret, broker, flash, as_json=as_json)


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


def _fill(flash: Flash | None, name: str, secret: str) -> None:
    if flash is not None:
        flash.fill({Key.ID: name, Key.SECRET: secret})


def _show_board(
    context: Context, name: str, secret: str, broker: dict[str, Any], flash: Flash | None, *, as_json: bool
) -> None:
    prefix, status = context.settings.prefix, STATUS.at(device=name)
    record: dict[str, Any] = {
        "device": name,
        **flashing.where(broker, flash),
        "client_id": name,
        "username": name,
        "password": flashing.visible(flash, secret),
        "publishes": {
            "status": prefix + status,
            "heartbeat": prefix + HEARTBEAT.at(device=name),
            "result": prefix + RESULT.at(device=name),
            "info": prefix + INFO.at(device=name),
        },
        "subscribes": {"session": prefix + SESSION.at(device=name), "commands": prefix + COMMAND.bound(device=name)},
        "voice": {
            "publishes": prefix + AUDIO.at(device=name, turn="TURN"),
            "subscribes": [prefix + SPEECH.bound(device=name), prefix + CONVERSATION.at(device=name)],
        },
        "last_will": {"topic": prefix + status, "payload": '{"state":"lost","boot":N}', "qos": 1, "retain": True},
    }
    show(record, as_json=as_json, text=lambda: (_board_text if flash is None else flashing.text)(record))


def _board_text(record: dict[str, Any]) -> str:
    lines = [
        f"Device {record['device']}. What the board needs to know:",
        *broker_lines(record["host"], record["port"], record["tls"]),
        f"  client id   {record['client_id']}",
        f"  username    {record['username']}",
        f"  password    {record['password']}   (shown once)",
        f"  last will   {record['last_will']['topic']}   {record['last_will']['payload']}   QoS 1, retained",
    ]
    lines += [f"  publishes   {topic}" for topic in record["publishes"].values()]
    lines += [f"  subscribes  {topic}" for topic in record["subscribes"].values()]
    lines += ["One that people talk to, besides:", f"  publishes   {record['voice']['publishes']}"]
    lines += [f"  subscribes  {topic}" for topic in record["voice"]["subscribes"]]
    return "\n".join(lines)
